//! The commands of the program, one file each. Their options are in [`crate::config`].
//!
//! A command prints its result to standard output and problems to standard error, and returns the exit code: 0 if all
//! went well, 1 if it failed or found problems. (clap exits with 2 on a wrong command line.)

mod backup;
mod check;
mod copy;
mod demo;
mod docs;
mod dump;
mod import;
mod migrate;
mod outbox;
mod output;
mod progress;
mod ready;
mod relay;
mod restore;
mod schema;
mod serve;
mod tenant;
mod token;
mod verify;
mod whole_file;

use std::process::ExitCode;

use crate::config::Command;

pub use output::error_chain;
pub(crate) use output::report_error;

/// Runs a command to its end, and closes the log that it used.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    crate::database::closing_logs(Box::pin(dispatch(command))).await
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(&args).await,
        Command::Demo(args) => demo::run(&args).await,
        Command::Import(args) => import::run(&args).await,
        Command::Migrate(database) => migrate::run(&database).await,
        Command::Tenant(args) => tenant::run(&args).await,
        Command::Token(args) => token::run(&args),
        Command::Check(args) => Ok(check::run(&args).await),
        Command::Ready(args) => ready::run(&args).await,
        Command::Verify(args) => verify::run(&args).await,
        Command::Backup(args) => backup::run(&args).await,
        Command::Restore(args) => restore::run(&args).await,
        Command::Copy(args) => copy::run(&args).await,
        Command::Outbox(args) => Ok(outbox::run(args)),
        Command::Relay(args) => relay::run(&args).await,
        Command::Dump(args) => dump::run(&args).await,
        Command::Schema => Ok(schema::run()),
        Command::Docs(args) => docs::run(&args).await,
    }
}

/// Prints an error that ends the program.
pub fn report_failure(error: &anyhow::Error) {
    report_error(&format!("auditgraph: {}", error_chain(&**error)));
}
