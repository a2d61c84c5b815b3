//! The settings of the commands that look after a whole log.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Database, without_password};

/// `auditgraph verify`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// The tenant whose log to look at; without it, all of them.
    #[arg(long)]
    pub tenant: Option<String>,
    /// How many differences are printed; the rest is counted.
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
pub struct Restore {
    /// Where the log is to be; nothing may be there yet.
    #[command(flatten)]
    pub database: Database,
    /// What `auditgraph backup` wrote.
    #[arg(required_unless_present = "in_place")]
    pub file: Option<PathBuf>,
    /// The database was restored by its own means (`pg_restore`, to a point in time): only give its logs new ids.
    #[arg(long, conflicts_with = "file")]
    pub in_place: bool,
}

/// `auditgraph copy`.
#[derive(Args, Clone)]
pub struct Copy {
    /// The database to copy.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The database to copy to: brought to the schema, and empty.
    #[arg(long, value_name = "URL")]
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
    /// The address that the server listens at.
    #[arg(long, env = "AUDITGRAPH_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}
