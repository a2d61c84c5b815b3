//! The settings of the commands that work on a whole log.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::database::LogUrl;
use super::{Database, without_password};

/// `auditgraph verify`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// The tenant whose log to check; by default all of them.
    #[arg(long)]
    pub tenant: Option<String>,
    /// How many differences are printed; the rest are only counted.
    #[arg(long, default_value_t = 100)]
    pub differences_max: u64,
}

/// `auditgraph backup`.
#[derive(Args, Clone, Debug)]
pub struct Backup {
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// The file to write; nothing may be there yet.
    pub file: PathBuf,
}

/// `auditgraph restore`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("restored").args(["file", "in_place"]).required(true))]
pub struct Restore {
    /// Where to restore the log; nothing may be there yet.
    #[command(flatten)]
    pub database: Database,
    /// The file that `auditgraph backup` wrote.
    pub file: Option<PathBuf>,
    /// The database was restored by its own means (`pg_restore`, to a point in time): only give its logs new ids.
    #[arg(long)]
    pub in_place: bool,
}

/// `auditgraph copy`.
#[derive(Args, Clone)]
pub struct Copy {
    /// The database to copy.
    #[arg(long, value_name = "URL", value_parser = LogUrl)]
    pub from: String,
    /// The database to copy to: migrated, and empty.
    #[arg(long, value_name = "URL", value_parser = LogUrl)]
    pub to: String,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [from, to] = [&self.from, &self.to].map(|url| without_password(url));
        f.debug_struct("Copy").field("from", &from).field("to", &to).finish()
    }
}

/// `auditgraph ready`.
#[derive(Args, Clone, Debug)]
pub struct Ready {
    /// The address that the server listens on.
    #[arg(long, env = "AUDITGRAPH_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// At this address; port 0 takes a free one.
    At(SocketAddr),
}

impl std::str::FromStr for MetricsListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_not_one| "an address and port, or `off`".to_owned())
    }
}
