//! The arguments of `auditgraph outbox` and `auditgraph relay`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::database::DatabaseUrlParser;
use super::without_password;

/// The arguments of `auditgraph outbox`.
#[derive(Args, Clone, Copy, Debug)]
pub struct OutboxArgs {
    /// The action.
    #[command(subcommand)]
    pub action: OutboxAction,
}

/// An action of `auditgraph outbox`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum OutboxAction {
    /// Print the statements that create the outbox table in the database of an application.
    #[command(group = ArgGroup::new("database").args(["postgres", "sqlite"]))]
    Sql {
        /// For PostgreSQL. This is the default.
        #[arg(long)]
        postgres: bool,
        /// For SQLite.
        #[arg(long)]
        sqlite: bool,
    },
}

/// The arguments of `auditgraph relay`.
#[derive(Args, Clone)]
pub struct RelayArgs {
    /// Database of the application, in which `outbox sql` created the table: `postgres://...` or `sqlite:...`.
    #[arg(long, env = "AUDITGRAPH_RELAY_FROM", value_name = "URL", hide_env_values = true, value_parser = DatabaseUrlParser)]
    pub from: String,
    /// Address of the server that records the events, such as `https://audit.example`.
    #[arg(long, env = "AUDITGRAPH_RELAY_SERVER", value_name = "URL")]
    pub server: String,
    /// File with the token of a caller with the permission `audit/write`. It is read before each request.
    #[arg(long, env = "AUDITGRAPH_RELAY_TOKEN_FILE", value_name = "FILE")]
    pub token_file: PathBuf,
    /// File with certificates of authorities to trust, in PEM format, besides those of the system.
    #[arg(long, env = "AUDITGRAPH_RELAY_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Time for which rows of recorded events are kept, such as `7d`. By default they are removed at once.
    #[arg(long, env = "AUDITGRAPH_RELAY_KEEP", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub keep: Option<Duration>,
    /// Deliver the rows that wait, then stop.
    #[arg(long)]
    pub once: bool,
    /// Address and port of the metrics. By default there are none.
    #[arg(long, env = "AUDITGRAPH_RELAY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
}

impl fmt::Debug for RelayArgs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, server, token_file, ca_file, keep, once, metrics_listen } = self;
        formatter
            .debug_struct("RelayArgs")
            .field("from", &without_password(from))
            .field("server", server)
            .field("token_file", token_file)
            .field("ca_file", ca_file)
            .field("keep", keep)
            .field("once", once)
            .field("metrics_listen", metrics_listen)
            .finish()
    }
}
