//! Every setting and every limit: its option, environment variable, default and bounds.
//!
//! Settings are parsed once, at start, and are typed from then on. Secrets and the passwords in URLs never appear in
//! `Debug`. Nothing here opens or starts anything, and only the configuration file is read, by [`mod@file`].

mod access;
mod database;
pub mod file;
mod limit;
mod operate;
mod sign_in;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{ArgGroup, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub use access::Accesses;
pub use database::{Database, without_password};
pub use limit::Limits;
pub use operate::{Backup, Copy, MetricsListen, Ready, Restore, Verify};
pub use sign_in::SignIn;

/// A self-hosted audit log with a typed GraphQL API.
#[derive(Debug, Parser)]
#[command(name = "auditgraph", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How log lines are written, on standard error.
    #[arg(long, global = true, env = "AUDITGRAPH_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Which log lines are written, in the syntax of `tracing`: `info`, `auditgraph=debug,warn`, ...
    #[arg(
        long,
        global = true,
        env = "AUDITGRAPH_LOG",
        default_value = "info,sea_orm_migration=warn,actix_server=warn"
    )]
    pub log: String,
}

impl Cli {
    /// Reads a command line alone, whatever the environment says.
    pub fn parse_without_environment(arguments: &[&str]) -> Result<Self, clap::Error> {
        let plain =
            Self::command().mut_subcommands(|command| command.mut_args(|argument| argument.env(Resettable::Reset)));
        Self::from_arg_matches(&plain.try_get_matches_from(arguments)?)
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API.
    Serve(Box<Serve>),
    /// Fill a throw-away SQLite log with made-up events, print a token per role, and serve it.
    Demo(Demo),
    /// Record what other systems have logged, from files.
    Import(Import),
    /// Bring the database to this version's schema.
    Migrate(Database),
    /// Manage tenants.
    Tenant(TenantCommand),
    /// Sign a token with the configured secret.
    Token(Token),
    /// Check whether `serve` could start with these settings, and say how to fix what is wrong.
    Check(Box<Serve>),
    /// Ask a server on this machine whether it is ready.
    Ready(Ready),
    /// Check the integrity of the log: numbers without gaps, and tables that agree with the events.
    Verify(Verify),
    /// Save an SQLite log to a file, even while it is served.
    Backup(Backup),
    /// Restore what `backup` saved, as a log with a new id.
    Restore(Restore),
    /// Copy all logs unchanged into another database, of either kind.
    Copy(Copy),
    /// Print the API's schema.
    Schema,
}

/// Environment variables that look like settings but are none.
pub fn unknown_variables() -> Vec<String> {
    let command = Cli::command();
    let arguments = command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments));
    let known: Vec<String> =
        arguments.filter_map(|argument| argument.get_env().map(|name| name.to_string_lossy().into_owned())).collect();
    std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| {
            name.starts_with("AUDITGRAPH_") && !name.starts_with("AUDITGRAPH_TEST_") && !known.contains(name)
        })
        .collect()
}

/// Which tokens are valid, and what they grant.
#[derive(Args, Clone)]
pub struct Tokens {
    /// A shared secret of at least 32 bytes that signs tokens (HS256); for development, never with other keys.
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// A file with one or more PEM public keys (RSA: RS256 and PS256; P-256: ES256; Ed25519: EdDSA).
    #[arg(long, env = "AUDITGRAPH_JWT_PUBLIC_KEY_FILE")]
    pub jwt_public_key_file: Option<PathBuf>,
    /// A file with the issuer's key set (JWKS), read again every `jwks_refresh_secs`.
    #[arg(long, env = "AUDITGRAPH_JWKS_FILE")]
    pub jwks_file: Option<PathBuf>,
    /// The address of the issuer's key set (JWKS): `https`, or `http` on this machine.
    #[arg(long, env = "AUDITGRAPH_JWKS_URL")]
    pub jwks_url: Option<String>,
    /// A file with CA certificates (PEM) to trust for key set addresses, in addition to those the system trusts.
    #[arg(long, env = "AUDITGRAPH_JWKS_CA_FILE")]
    pub jwks_ca_file: Option<PathBuf>,
    /// How often key sets are read again, in seconds: 1 to 86400.
    #[arg(long, env = "AUDITGRAPH_JWKS_REFRESH_SECS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub jwks_refresh_secs: u64,
    /// How long reading a key set may take, in milliseconds: 100 to 60000.
    #[arg(long, env = "AUDITGRAPH_JWKS_TIMEOUT_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub jwks_timeout_ms: u64,
    /// The required token issuer (`iss`). Needed with public keys.
    #[arg(long, env = "AUDITGRAPH_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,
    /// The required token audience (`aud`). Needed with public keys.
    #[arg(long, env = "AUDITGRAPH_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// How far the issuer's clock may be off, in seconds: 0 to 300.
    #[arg(long, env = "AUDITGRAPH_JWT_LEEWAY_SECS", default_value_t = 30)]
    pub jwt_leeway_secs: u32,
    /// A token scope (`scp`) that tokens of people must have.
    #[arg(long, env = "AUDITGRAPH_JWT_REQUIRED_SCOPE")]
    pub jwt_required_scope: Option<String>,
    /// The claim that names the tenant.
    #[arg(long, env = "AUDITGRAPH_TENANT_CLAIM", default_value = "tid")]
    pub tenant_claim: String,
    /// Ids of groups whose members are auditors.
    #[arg(long, env = "AUDITGRAPH_READER_GROUPS", value_delimiter = ',')]
    pub reader_groups: Vec<String>,
    /// The services that an Intune service administrator reads.
    #[arg(
        long,
        env = "AUDITGRAPH_INTUNE_SERVICES",
        value_delimiter = ',',
        default_value = "Microsoft Intune,Windows 365"
    )]
    pub intune_services: Vec<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("jwt_secret", &self.jwt_secret.as_ref().map(|_| "***"))
            .field("jwt_public_key_file", &self.jwt_public_key_file)
            .field("jwks_file", &self.jwks_file)
            .field("jwks_url", &self.jwks_url.as_deref().map(without_password))
            .field("jwt_issuer", &self.jwt_issuer)
            .field("jwt_audience", &self.jwt_audience)
            .field("tenant_claim", &self.tenant_claim)
            .finish_non_exhaustive()
    }
}

/// `auditgraph serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// A TOML file for settings that do not fit into an environment variable: issuers, grants, sensitive names.
    #[arg(long = "config", env = "AUDITGRAPH_CONFIG", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// Which tokens are valid.
    #[command(flatten)]
    pub tokens: Tokens,
    /// Where people sign in to the viewer.
    #[command(flatten)]
    pub sign_in: SignIn,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "AUDITGRAPH_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Listen address for Prometheus metrics, or `off`; by default 127.0.0.1:9464, if that is free.
    #[arg(long, env = "AUDITGRAPH_METRICS_LISTEN")]
    pub metrics_listen: Option<MetricsListen>,
    /// How many threads serve requests; 0 means one per core.
    #[arg(long, env = "AUDITGRAPH_WORKERS", default_value_t = 0)]
    pub workers: usize,
    /// Names whose values are sensitive, in addition to those built in.
    #[arg(long, env = "AUDITGRAPH_SENSITIVE_NAMES", value_delimiter = ',')]
    pub sensitive_names: Vec<String>,
    /// Limits of requests and callers.
    #[command(flatten)]
    pub limits: Limits,
    /// Limits of streams.
    #[command(flatten)]
    pub streams: Streams,
    /// Whether to record who reads the log.
    #[command(flatten)]
    pub accesses: Accesses,
}

impl Serve {
    /// Whether to record accesses to the log: both the option and the file must allow it.
    pub fn records_access(&self, file: &file::File) -> bool {
        self.accesses.record_access && file.record_access.unwrap_or(true)
    }
}

/// Limits of streams: WebSockets, server-sent events and exports.
#[derive(Args, Clone, Debug)]
pub struct Streams {
    /// How many WebSockets one caller may have open.
    #[arg(long, env = "AUDITGRAPH_CONNECTIONS_MAX", default_value_t = 10)]
    pub connections_max: usize,
    /// How many subscriptions one caller may have, over WebSockets and server-sent events together.
    #[arg(long, env = "AUDITGRAPH_SUBSCRIPTIONS_MAX", default_value_t = 20)]
    pub subscriptions_max: usize,
    /// How many exports one caller may download at once.
    #[arg(long, env = "AUDITGRAPH_EXPORTS_MAX", default_value_t = 4)]
    pub exports_max: usize,
    /// How many operations may run on one WebSocket.
    #[arg(long, env = "AUDITGRAPH_SOCKET_OPERATIONS_MAX", default_value_t = 20)]
    pub socket_operations_max: usize,
    /// The most bytes in one message of a WebSocket.
    #[arg(long, env = "AUDITGRAPH_SOCKET_MESSAGE_BYTES_MAX", default_value_t = 256 << 10)]
    pub socket_message_bytes_max: usize,
    /// How long a WebSocket client may take to send its token, in seconds.
    #[arg(long, env = "AUDITGRAPH_SOCKET_INIT_SECS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub socket_init_secs: u64,
    /// How long the client of a stream may read nothing before the stream is ended, in seconds.
    #[arg(long, env = "AUDITGRAPH_STREAM_STALL_SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub stream_stall_secs: u64,
}

/// `auditgraph demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// How many events to make up.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(0..=2_000_000))]
    pub events: u32,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The seed of the random events: the same seed gives the same events.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `auditgraph import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// A TOML file for settings that do not fit into an environment variable: issuers, grants, sensitive names.
    #[arg(long = "config", env = "AUDITGRAPH_CONFIG", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// The tenant to record for, added if it does not exist; by default the only one there is.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Reject every record that names another tenant than this.
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub expect_tenant: Option<String>,
    /// Who imports; kept with every event.
    #[arg(long, env = "AUDITGRAPH_OPERATOR", default_value = "operator")]
    pub operator: String,
    /// Names whose values are sensitive, in addition to those built in.
    #[arg(long, env = "AUDITGRAPH_SENSITIVE_NAMES", value_delimiter = ',')]
    pub sensitive_names: Vec<String>,
    /// The files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `auditgraph tenant`.
#[derive(Args, Clone, Debug)]
pub struct TenantCommand {
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// What to do.
    #[command(subcommand)]
    pub act: TenantAct,
}

/// What to do about tenants.
#[derive(Clone, Debug, Subcommand)]
pub enum TenantAct {
    /// Add a tenant.
    Add {
        /// The value of the token's tenant claim.
        key: String,
        /// The name shown to people; by default the key.
        #[arg(long)]
        name: Option<String>,
        /// A domain name that belongs to it; may be repeated.
        #[arg(long = "domain")]
        domains: Vec<String>,
    },
    /// List all tenants.
    List,
    /// Change a tenant's name and domains.
    Rename {
        /// The tenant.
        key: String,
        /// The new name.
        name: String,
        /// A domain name that belongs to it; may be repeated.
        #[arg(long = "domain")]
        domains: Vec<String>,
    },
    /// Refuse all access to a tenant's log, until `--undo` allows it again. Nothing of it is deleted.
    Disable {
        /// The tenant.
        key: String,
        /// Allow access again.
        #[arg(long)]
        undo: bool,
    },
}

/// `auditgraph token`.
#[derive(Args, Clone)]
#[command(group = ArgGroup::new("grants").args(["role", "permission"]).required(true).multiple(true))]
pub struct Token {
    /// The secret that signs tokens.
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// The token's issuer (`iss`).
    #[arg(long, env = "AUDITGRAPH_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,
    /// The token's audience (`aud`).
    #[arg(long, env = "AUDITGRAPH_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// The claim that names the tenant.
    #[arg(long, env = "AUDITGRAPH_TENANT_CLAIM", default_value = "tid")]
    pub tenant_claim: String,
    /// The tenant.
    #[arg(long)]
    pub tenant: String,
    /// An access role: `GLOBAL_ADMIN`, `INTUNE_SERVICE_ADMIN` or `AUDIT_READER`; may be repeated.
    #[arg(long)]
    pub role: Vec<String>,
    /// A permission, such as `audit/write`; may be repeated.
    #[arg(long)]
    pub permission: Vec<String>,
    /// The token's subject (`sub`).
    #[arg(long, default_value = "operator")]
    pub subject: String,
    /// How long the token is valid: `90s`, `15m`, `1h`, `30d`.
    #[arg(long, default_value = "1h", value_parser = seconds)]
    pub expires_in: i64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("tenant", &self.tenant).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Reads a span of time such as `90s`, `15m`, `1h` or `30d`, in seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let unit = |last: char| match last {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let split = text.char_indices().last().and_then(|(at, last)| unit(last).map(|unit| (at, unit)));
    let number = split.and_then(|(at, unit)| text[..at].parse::<i64>().ok()?.checked_mul(unit));
    number
        .filter(|seconds| (1..=3_650 * 86_400).contains(seconds))
        .ok_or_else(|| "a duration is a number followed by `s`, `m`, `h` or `d`, and at most ten years".to_owned())
}

/// Reads the id of a directory.
fn guid(text: &str) -> Result<String, String> {
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if fits { Ok(text.to_owned()) } else { Err("must be a GUID, like 0f3c1a2b-1111-2222-3333-44445555aaaa".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn secrets_are_never_printed() {
        let arguments =
            ["auditgraph", "serve", "--jwt-secret", "hunter2", "--database-url", "postgres://a:hunter2@b/c"];
        let shown = format!("{:?}", Cli::parse_from(arguments));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("postgres://a:***@b/c"), "{shown}");
    }

    #[test]
    fn spans_are_read() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1h"), Ok(3_600));
        for wrong in ["", "h", "1", "-1h", "1w", "9999999999999999999h", "1é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn guids_are_read() {
        assert!(guid("0F3C1A2B-1111-2222-3333-44445555aaaa").is_ok());
        for wrong in ["", "notaguid", "0f3c1a2b-1111-2222-3333-44445555aaa", "0f3c1a2b-1111-2222-3333-44445555aaag"] {
            assert!(guid(wrong).is_err(), "{wrong}");
        }
    }
}
