//! The settings of `auditgraph serve`, which `auditgraph check` takes as well.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::file::ConfigFile;
use super::{
    AccessLogSettings, DatabaseSettings, LimitSettings, SignInSettings, StreamSettings, TlsSettings, TokenSettings,
    bounds,
};

/// The settings of `auditgraph serve`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServeArgs {
    /// A TOML file with settings that do not fit into an environment variable, such as issuers and grants.
    #[arg(long = "config", env = "AUDITGRAPH_CONFIG", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Address and port to listen on. Port 0 takes a free port.
    #[arg(long, env = "AUDITGRAPH_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address and port of the metrics for Prometheus, or `off`. The default is 127.0.0.1:9464; if that port is taken,
    /// no metrics are served.
    #[arg(long, env = "AUDITGRAPH_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<MetricsListen>,
    /// Create an empty log if the database URL names an SQLite file that does not exist.
    #[arg(long, env = "AUDITGRAPH_CREATE", value_parser = BoolishValueParser::new())]
    pub create: bool,
    /// Whether this is the demo, which the viewer's sign-in page mentions.
    #[arg(skip)]
    pub is_demo: bool,
    /// Number of threads that serve requests. 0 means one for each core. From 0 to 1024.
    #[arg(long, env = "AUDITGRAPH_WORKERS", value_name = "N", default_value_t = 0, value_parser = bounds::<usize>(0, 1_024))]
    pub workers: usize,
    /// Names whose values are sensitive, in addition to the built-in names. `serve` and `import` need the same.
    /// Comma-separated.
    #[arg(long, env = "AUDITGRAPH_SENSITIVE_NAMES", value_name = "NAME", value_delimiter = ',')]
    pub sensitive_names: Vec<String>,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// TLS of the listener.
    #[command(flatten)]
    pub tls: TlsSettings,
    /// Token verification.
    #[command(flatten)]
    pub tokens: TokenSettings,
    /// Sign-in to the viewer.
    #[command(flatten)]
    pub sign_in: SignInSettings,
    /// The access log.
    #[command(flatten)]
    pub access_log: AccessLogSettings,
    /// Limits of requests, documents, callers and addresses.
    #[command(flatten)]
    pub limits: LimitSettings,
    /// Limits of streams.
    #[command(flatten)]
    pub streams: StreamSettings,
}

impl ServeArgs {
    /// Whether to record accesses to the log: both the option and the file must allow it.
    pub fn records_access(&self, file: &ConfigFile) -> bool {
        self.access_log.record_access && file.record_access.unwrap_or(true)
    }
}

/// The address of the metrics listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// No metrics are served.
    Off,
    /// An address and port. Port 0 takes a free port.
    At(SocketAddr),
}

impl std::str::FromStr for MetricsListen {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if value.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        value.parse().map(Self::At).map_err(|_not_an_address| "an address and port, or `off`".to_owned())
    }
}
