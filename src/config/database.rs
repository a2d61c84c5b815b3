//! The database of the log: its URL, which may contain a password, and its timeouts.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

use super::bounds;

/// The schemes of database URLs.
const SCHEMES: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];

/// The database of the log.
#[derive(Args, Clone)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// URL of the database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        global = true,
        value_parser = DatabaseUrlParser,
        env = "AUDITGRAPH_DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite://auditgraph.db",
        hide_env_values = true
    )]
    pub database_url: String,
    /// Most connections for reading. From 1 to 500.
    #[arg(long, global = true, env = "AUDITGRAPH_DATABASE_CONNECTIONS", value_name = "N", default_value_t = 8, value_parser = bounds::<u32>(1, 500))]
    pub database_connections: u32,
    /// Timeout of one statement, in milliseconds. From 100 to 600000.
    #[arg(long, global = true, env = "AUDITGRAPH_STATEMENT_TIMEOUT_MS", value_name = "MS", default_value_t = 5_000, value_parser = bounds::<u64>(100, 600_000))]
    pub statement_timeout_ms: u64,
    /// Timeout for locks while recording, in milliseconds; a commit takes at most twice as long. From 500 to 600000.
    #[arg(long, global = true, env = "AUDITGRAPH_RECORD_TIMEOUT_MS", value_name = "MS", default_value_t = 10_000, value_parser = bounds::<u64>(500, 600_000))]
    pub record_timeout_ms: u64,
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("database_url", &without_password(&self.database_url))
            .field("database_connections", &self.database_connections)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("record_timeout_ms", &self.record_timeout_ms)
            .finish()
    }
}

/// Parses a database URL. Unlike other errors of the command line, its errors do not show the value, which may contain
/// a password.
#[derive(Clone, Copy, Debug)]
pub(super) struct DatabaseUrlParser;

impl TypedValueParser for DatabaseUrlParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        if let Some(url) = value.to_str().filter(|url| SCHEMES.iter().any(|scheme| url.starts_with(scheme))) {
            return Ok(url.to_owned());
        }
        let option = argument.and_then(Arg::get_long).unwrap_or("database-url");
        let variable =
            argument.and_then(Arg::get_env).map(|name| format!(" or {}", name.display())).unwrap_or_default();
        let [sqlite, postgres, postgresql] = SCHEMES;
        let rule = format!(
            "--{option}{variable} is not the URL of a database, which must begin with `{sqlite}`, `{postgres}` or \
             `{postgresql}`\n"
        );
        Err(clap::Error::raw(ErrorKind::ValueValidation, rule).with_cmd(command))
    }
}

/// Returns a URL for printing: without the password, and without the query, which may also contain one.
pub fn without_password(url: &str) -> String {
    let (shown, query) = url.split_once('?').unwrap_or((url, ""));
    match (shown.find("://"), shown.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => match shown[scheme + 3..at].find(':') {
            Some(colon) => format!("{}:***{}", &shown[..scheme + 3 + colon], &shown[at..]),
            None => shown.to_owned(),
        },
        // The password contains an unescaped question mark.
        (Some(scheme), None) if query.contains('@') => format!("{}***", &shown[..scheme + 3]),
        _ => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_url_has_no_password() {
        assert_eq!(without_password("postgres://h/d?user=a&password=hunter2"), "postgres://h/d");
        assert_eq!(without_password("postgres://a:hunter2@b/c"), "postgres://a:***@b/c");
        assert_eq!(without_password("postgres://a:hunter2?@b/c"), "postgres://***");
    }
}
