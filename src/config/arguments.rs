//! The arguments of the commands other than `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::database::DatabaseUrlParser;
use super::{DatabaseSettings, bounds, without_password};

/// The longest validity of a token that `auditgraph token` signs, and of an API key that expires: ten years.
const TOKEN_VALIDITY_MAX: Duration = Duration::from_hours(3_650 * 24);

/// The arguments of `auditgraph demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Number of events to generate. From 0 to 2000000.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = bounds::<u32>(0, 2_000_000))]
    pub events: u32,
    /// Address and port to listen on. Port 0 takes a free port. The default is 127.0.0.1:8080 or, if that port is taken,
    /// a free port.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Seed of the generator. The same seed generates the same events.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// The arguments of `auditgraph import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Files to import; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Key of the tenant to record for. Required if there are several tenants.
    #[arg(long, value_name = "KEY")]
    pub tenant: Option<String>,
    /// Add the tenant if it does not exist. Without this option, an unknown key is an error.
    #[arg(long, requires = "tenant")]
    pub create_tenant: bool,
    /// Reject records that name another source tenant than this GUID.
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub expect_tenant: Option<String>,
    /// Name of the operator, recorded with every event.
    #[arg(long, env = "AUDITGRAPH_OPERATOR", value_name = "NAME", default_value = "operator")]
    pub operator: String,
    /// Names whose values are sensitive, in addition to the built-in names. `serve` and `import` need the same.
    /// Comma-separated.
    #[arg(long, env = "AUDITGRAPH_SENSITIVE_NAMES", value_name = "NAME", value_delimiter = ',')]
    pub sensitive_names: Vec<String>,
    /// A TOML file with settings that do not fit into an environment variable. The import uses its sensitive names.
    #[arg(long = "config", env = "AUDITGRAPH_CONFIG", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
}

/// The arguments of `auditgraph tenant`.
#[derive(Args, Clone, Debug)]
pub struct TenantArgs {
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// The action.
    #[command(subcommand)]
    pub action: TenantAction,
}

/// An action of `auditgraph tenant`.
#[derive(Clone, Debug, Subcommand)]
pub enum TenantAction {
    /// Add a tenant.
    Add {
        /// Key of the tenant: the value of the tenant claim in its tokens.
        key: String,
        /// Display name. The default is the key.
        #[arg(long)]
        name: Option<String>,
        /// Domain name of the tenant. May be repeated.
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
    },
    /// List all tenants.
    List,
    /// Change the display name or the domain names of a tenant. What is not given stays as it is.
    Rename {
        /// Key of the tenant.
        key: String,
        /// New display name, as with `--name`.
        #[arg(value_name = "NAME", conflicts_with = "name")]
        new_name: Option<String>,
        /// New display name.
        #[arg(long)]
        name: Option<String>,
        /// Domain name of the tenant, instead of the previous ones. May be repeated.
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
    },
    /// Refuse all access to the log of a tenant. No data is deleted.
    Disable {
        /// Key of the tenant.
        key: String,
        /// Allow access again.
        #[arg(long)]
        undo: bool,
    },
}

/// The arguments of `auditgraph token`.
#[derive(Args, Clone)]
#[command(group = ArgGroup::new("grants").args(["role", "permission"]).required(true).multiple(true))]
pub struct TokenArgs {
    /// Secret of at least 32 bytes that signs the token (HS256).
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// A file with the secret, in place of the secret itself.
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET_FILE", value_name = "FILE", conflicts_with = "jwt_secret")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Issuer (`iss`) of the token.
    #[arg(long, env = "AUDITGRAPH_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Audience (`aud`) of the token.
    #[arg(long, env = "AUDITGRAPH_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Claim that contains the tenant key.
    #[arg(long, env = "AUDITGRAPH_TENANT_CLAIM", value_name = "CLAIM", default_value = "tid")]
    pub tenant_claim: String,
    /// Key of the tenant.
    #[arg(long, value_name = "KEY")]
    pub tenant: String,
    /// Access role: `GLOBAL_ADMIN`, `INTUNE_SERVICE_ADMIN` or `AUDIT_READER`. May be repeated.
    #[arg(long)]
    pub role: Vec<String>,
    /// Permission, such as `audit/write`. May be repeated.
    #[arg(long)]
    pub permission: Vec<String>,
    /// Subject (`sub`) of the token.
    #[arg(long, default_value = "operator")]
    pub subject: String,
    /// Validity of the token, such as `90s`, `15m`, `1h` or `30d`; at most ten years.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = validity)]
    pub expires_in: Duration,
}

impl std::fmt::Debug for TokenArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenArgs")
            .field("tenant", &self.tenant)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// The arguments of `auditgraph ready`.
#[derive(Args, Clone, Debug)]
pub struct ReadyArgs {
    /// Address and port that the server listens on.
    #[arg(long, env = "AUDITGRAPH_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The certificate of the server, if it has one: then the request is sent over TLS. The certificate is not verified,
    /// because the request does not leave this machine.
    #[arg(long, env = "AUDITGRAPH_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
}

/// The arguments of `auditgraph verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// Key of the only tenant to check. The default is all tenants.
    #[arg(long, value_name = "KEY")]
    pub tenant: Option<String>,
    /// Most differences to print; further differences are only counted.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub differences_max: u64,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
}

/// The arguments of `auditgraph backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// File to create. It must not exist.
    pub file: PathBuf,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
}

/// The arguments of `auditgraph restore`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("restored").args(["file", "in_place"]).required(true))]
pub struct RestoreArgs {
    /// File that `auditgraph backup` created. The database URL must name an SQLite file that does not exist.
    pub file: Option<PathBuf>,
    /// Only give new ids to the logs of a database that was restored by other means, such as `pg_restore` or
    /// point-in-time recovery.
    #[arg(long)]
    pub in_place: bool,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
}

/// The arguments of `auditgraph copy`.
#[derive(Args, Clone)]
pub struct CopyArgs {
    /// URL of the database to copy.
    #[arg(long, value_name = "URL", value_parser = DatabaseUrlParser)]
    pub from: String,
    /// URL of the database to copy to. It must be migrated and empty.
    #[arg(long, value_name = "URL", value_parser = DatabaseUrlParser)]
    pub to: String,
    /// Keep the ids of the logs, so that feed cursors continue in the copy. The logs of the source get new ids.
    /// Otherwise the copied logs get new ids.
    #[arg(long)]
    pub keep_log_ids: bool,
}

impl std::fmt::Debug for CopyArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [from, to] = [&self.from, &self.to].map(|url| without_password(url));
        let mut debug = f.debug_struct("CopyArgs");
        debug.field("from", &from).field("to", &to).field("keep_log_ids", &self.keep_log_ids).finish()
    }
}

/// The arguments of `auditgraph dump`.
#[derive(Args, Clone, Debug)]
pub struct DumpArgs {
    /// Key of the tenant whose events to print. Required if there are several tenants.
    #[arg(long, value_name = "KEY")]
    pub tenant: Option<String>,
    /// Sequence of the event after which to begin. The default prints all events.
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub after: i64,
    /// Print the accesses to the tenant's log instead.
    #[arg(long)]
    pub accesses: bool,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
}

/// The arguments of `auditgraph docs`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("output").args(["page", "write"]).required(true))]
pub struct DocsArgs {
    /// Page to print to standard output.
    #[arg(value_enum)]
    pub page: Option<DocsPage>,
    /// Write all pages to this folder, which is `docs/reference` in the repository.
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
}

/// A page of the reference that is generated from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocsPage {
    /// Settings and keys of the configuration file.
    Configuration,
    /// Limits and what happens to requests over a limit.
    Limits,
    /// Commands with their arguments.
    Cli,
    /// Metrics of `/metrics`.
    Metrics,
    /// Error codes.
    Errors,
}

/// Parses the validity of a token or of an API key, which is at least one second.
pub(super) fn validity(value: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(value).map_err(|problem| problem.to_string())?;
    let fits = (Duration::from_secs(1)..=TOKEN_VALIDITY_MAX).contains(&duration);
    if fits { Ok(duration) } else { Err("the validity is from one second to ten years".to_owned()) }
}

/// Parses a GUID in its form with hyphens.
fn guid(value: &str) -> Result<String, String> {
    let hyphenated = uuid::fmt::Hyphenated::LENGTH;
    match uuid::Uuid::try_parse(value) {
        Ok(_) if value.len() == hyphenated => Ok(value.to_owned()),
        _ => Err("must be a GUID, like 0f3c1a2b-1111-2222-3333-44445555aaaa".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_a_duration_up_to_ten_years() {
        assert_eq!(validity("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(validity("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(validity("3650d"), Ok(TOKEN_VALIDITY_MAX));
        for invalid in ["", "h", "1", "-1h", "0s", "3651d", "9999999999999999999h", "1é"] {
            assert!(validity(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn guid_has_hyphens() {
        assert!(guid("0F3C1A2B-1111-2222-3333-44445555aaaa").is_ok());
        for invalid in [
            "",
            "notaguid",
            "0f3c1a2b-1111-2222-3333-44445555aaa",
            "0f3c1a2b-1111-2222-3333-44445555aaag",
            "0f3c1a2b11112222333344445555aaaa",
            "{0f3c1a2b-1111-2222-3333-44445555aaaa}",
        ] {
            assert!(guid(invalid).is_err(), "{invalid}");
        }
    }
}
