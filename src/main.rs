//! The program: parses the command line, starts tracing and hands over to [`auditgraph::commands`].

use std::io::IsTerminal as _;
use std::process::ExitCode;

use auditgraph::commands;
use auditgraph::config::{Cli, Command, LogFormat};
use clap::Parser as _;

/// A page is made of thousands of short strings; mimalloc takes half the time of the system's allocator for these.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The log filter of `auditgraph docs`, whose server only generates the list of metrics.
const DOCS_LOG: &str = "error";

fn main() -> ExitCode {
    let cli = Cli::parse();
    start(cli).unwrap_or_else(|error| {
        commands::report_failure(&error);
        ExitCode::FAILURE
    })
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    start_tracing(&cli)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(commands::run(cli.command))
}

/// Writes log lines to standard error, in colour if it is a terminal.
fn start_tracing(cli: &Cli) -> anyhow::Result<()> {
    let filter = if matches!(cli.command, Command::Docs(_)) { DOCS_LOG } else { &cli.log };
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|problem| anyhow::anyhow!("AUDITGRAPH_LOG is not a valid filter: {problem}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match cli.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
