//! Every setting and every limit: its option, environment variable, default and bounds.
//!
//! Settings are parsed once, at start, into typed values; `Debug` hides secrets and the passwords in URLs. Nothing here
//! opens a connection; only [`mod@file`] and the file with the URL of the database are read.
//!
//! To add a setting, add a field to the struct of its group; the help text ends with the bounds of a number ("From 1 to
//! 500."), which a test compares with the parser. `auditgraph docs --write docs/reference` then updates the reference.

mod access_log;
mod arguments;
mod database;
pub mod file;
mod key;
mod limits;
mod relay;
mod serve;
mod sign_in;
mod streams;
mod tls;
mod tokens;

use clap::builder::{RangedU64ValueParser, Resettable};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub use access_log::AccessLogSettings;
pub use arguments::{
    BackupArgs, CopyArgs, DemoArgs, DocsArgs, DocsPage, DumpArgs, ImportArgs, ReadyArgs, RestoreArgs, TenantAction,
    TenantArgs, TokenArgs, VerifyArgs,
};
pub use database::{DatabaseSettings, DatabaseUrlFile, without_password};
pub use key::{AddKeyArgs, KeyAction, KeyArgs};
pub use limits::LimitSettings;
pub use relay::{OutboxAction, OutboxArgs, RelayArgs};
pub use serve::{MetricsListen, ServeArgs};
pub use sign_in::SignInSettings;
pub use streams::StreamSettings;
pub use tls::TlsSettings;
pub use tokens::TokenSettings;

/// The prefix of environment variables that are settings.
const VARIABLE_PREFIX: &str = "AUDITGRAPH_";
/// The prefix of environment variables that only tests and benchmarks read.
const TEST_VARIABLE_PREFIX: &str = "AUDITGRAPH_TEST_";
/// Further environment variables that the scripts of the repository pass on to the servers that they start.
const SCRIPT_VARIABLES: [&str; 3] = ["AUDITGRAPH_PROGRAM", "AUDITGRAPH_SERVER_LOG", "AUDITGRAPH_SERVER_PID"];

/// A self-hosted audit log with a typed GraphQL API.
#[derive(Debug, Parser)]
#[command(name = "auditgraph", version, about, propagate_version = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Format of the log lines on standard error.
    #[arg(
        long,
        global = true,
        env = "AUDITGRAPH_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Logging"
    )]
    pub log_format: LogFormat,
    /// Filter of log lines, in the syntax of `tracing`, such as `info` or `auditgraph=debug,warn`.
    #[arg(
        long,
        global = true,
        env = "AUDITGRAPH_LOG",
        value_name = "FILTER",
        default_value = "info,sea_orm_migration=warn,actix_server=warn",
        help_heading = "Logging"
    )]
    pub log: String,
}

impl Cli {
    /// Parses a command line without the environment variables.
    pub fn parse_without_environment(arguments: &[&str]) -> Result<Self, clap::Error> {
        let command =
            Self::command().mut_subcommands(|command| command.mut_args(|argument| argument.env(Resettable::Reset)));
        Self::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// One line of text for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API and the viewer.
    Serve(Box<ServeArgs>),
    /// Fill a temporary SQLite log with generated events, print a token for each role, and serve the log.
    Demo(DemoArgs),
    /// Record events from files of other systems.
    Import(ImportArgs),
    /// Migrate the database to the schema of this version.
    Migrate(DatabaseSettings),
    /// Manage tenants.
    Tenant(TenantArgs),
    /// Manage API keys, with which programs authenticate without an identity provider.
    Key(KeyArgs),
    /// Sign a token with the configured secret.
    Token(TokenArgs),
    /// Check whether `serve` could start with these settings, and print how to fix problems.
    Check(Box<ServeArgs>),
    /// Check whether a server on this machine is ready.
    Ready(ReadyArgs),
    /// Check the integrity of the log: sequences without gaps, and tables that agree with the stored events.
    Verify(VerifyArgs),
    /// Save an SQLite log to a file, also while a server uses it.
    Backup(BackupArgs),
    /// Restore a file that `backup` created, and give its logs new ids.
    Restore(RestoreArgs),
    /// Copy all logs unchanged into another database, of either kind.
    Copy(CopyArgs),
    /// Print the table in which an application leaves events for `relay`.
    Outbox(OutboxArgs),
    /// Deliver the events in the outbox of an application to a server.
    Relay(RelayArgs),
    /// Print the stored events as JSON, one per line, in the order of the log.
    Dump(DumpArgs),
    /// Print the GraphQL schema.
    Schema,
    /// Print a page of the reference documentation, generated from the code.
    #[command(hide = true)]
    Docs(DocsArgs),
}

/// Returns a sentence about the environment variables with the prefix of settings that are no settings, or `None` if
/// there are none.
pub fn unknown_variables() -> Option<String> {
    let command = Cli::command();
    let arguments = command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments));
    let settings: Vec<String> =
        arguments.filter_map(|argument| argument.get_env().map(|name| name.to_string_lossy().into_owned())).collect();
    let is_known = |name: &String| {
        name.starts_with(TEST_VARIABLE_PREFIX) || SCRIPT_VARIABLES.contains(&name.as_str()) || settings.contains(name)
    };
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let unknown: Vec<String> = names.filter(|name| name.starts_with(VARIABLE_PREFIX) && !is_known(name)).collect();
    let names = unknown.join(", ");
    let sentence = format!("no setting is called {names}: correct or unset it (`auditgraph serve --help` lists all)");
    (!unknown.is_empty()).then_some(sentence)
}

/// Returns a parser of whole numbers from `min` to `max`. The help text of its setting ends with the bounds.
fn bounds<T: TryFrom<u64>>(min: u64, max: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(min..=max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn debug_hides_secrets() {
        let arguments =
            ["auditgraph", "serve", "--jwt-secret", "hunter2", "--database-url", "postgres://a:hunter2@b/c"];
        let shown = format!("{:?}", Cli::parse_from(arguments));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("postgres://a:***@b/c"), "{shown}");
    }

    /// The bounds in a help text: `From 1 to 500.`
    fn documented_bounds(help: &str) -> Option<(u64, u64)> {
        let (_, sentence) = help.rsplit_once("From ")?;
        let (min, max) = sentence.trim_end_matches('.').split_once(" to ")?;
        Some((min.parse().ok()?, max.parse().ok()?))
    }

    #[test]
    fn help_text_of_a_number_ends_with_its_bounds() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let mut numbers = 0;
        for argument in serve.get_arguments() {
            let default = argument.get_default_values().first().and_then(|value| value.to_str());
            if default.is_none_or(|value| value.parse::<u64>().is_err()) {
                continue;
            }
            numbers += 1;
            let option = format!("--{}", argument.get_long().unwrap());
            let help = argument.get_help().unwrap().to_string();
            let (min, max) = documented_bounds(&help).unwrap_or_else(|| panic!("{option}: {help}"));
            let accepts = |value: u64| {
                let value = value.to_string();
                Cli::parse_without_environment(&["auditgraph", "serve", &option, &value]).is_ok()
            };
            assert!(accepts(min) && accepts(max) && !accepts(max + 1), "{option}");
            assert!(min == 0 || !accepts(min - 1), "{option}");
        }
        assert!(numbers > 30, "{numbers}");
    }
}
