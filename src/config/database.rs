//! Where the log is: the URL of a database, which may contain a password.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

/// What the URL of a log begins with.
const SCHEMES: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];

/// Where the log is.
#[derive(Args, Clone)]
pub struct Database {
    /// The log: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        global = true,
        value_parser = LogUrl,
        env = "AUDITGRAPH_DATABASE_URL",
        default_value = "sqlite://auditgraph.db",
        hide_env_values = true
    )]
    pub database_url: String,
    /// The most connections for reading the log.
    #[arg(long, global = true, env = "AUDITGRAPH_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub database_connections: u32,
    /// How long one statement may take, in milliseconds.
    #[arg(long, global = true, env = "AUDITGRAPH_STATEMENT_TIMEOUT_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub statement_timeout_ms: u64,
    /// How long recording waits for locks, in milliseconds; a commit may take twice as long altogether.
    #[arg(long, global = true, env = "AUDITGRAPH_RECORD_TIMEOUT_MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(500..=600_000))]
    pub record_timeout_ms: u64,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("database_url", &without_password(&self.database_url))
            .field("database_connections", &self.database_connections)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("record_timeout_ms", &self.record_timeout_ms)
            .finish()
    }
}

/// Parses the URL of a log. Unlike other errors of the command line, this one does not show the value: it may contain a
/// password.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogUrl;

impl TypedValueParser for LogUrl {
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
            "--{option}{variable} is not the URL of a log, which must begin with `{sqlite}`, `{postgres}` or \
             `{postgresql}`\n"
        );
        Err(clap::Error::raw(ErrorKind::ValueValidation, rule).with_cmd(command))
    }
}

/// A URL for printing: without the password, and without parameters, which may contain one as well.
pub fn without_password(url: &str) -> String {
    let (shown, parameters) = url.split_once('?').unwrap_or((url, ""));
    match (shown.find("://"), shown.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => match shown[scheme + 3..at].find(':') {
            Some(colon) => format!("{}:***{}", &shown[..scheme + 3 + colon], &shown[at..]),
            None => shown.to_owned(),
        },
        // The password contains an unescaped question mark.
        (Some(scheme), None) if parameters.contains('@') => format!("{}***", &shown[..scheme + 3]),
        _ => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_printed() {
        assert_eq!(without_password("postgres://h/d?user=a&password=hunter2"), "postgres://h/d");
        assert_eq!(without_password("postgres://a:hunter2@b/c"), "postgres://a:***@b/c");
        assert_eq!(without_password("postgres://a:hunter2?@b/c"), "postgres://***");
    }
}
