//! The command line: parses, starts logging, hands over to [`auditgraph::app`].

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use auditgraph::app;
use auditgraph::config::{Cli, Command, LogFormat};
use auditgraph::import::chain;
use clap::Parser as _;

/// A page is some thousand small texts, which this allocator hands out and takes back in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start(cli).unwrap_or_else(|error| {
        complain(&format!("auditgraph: {}", chain(&*error)));
        ExitCode::FAILURE
    })
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    start_logging(&cli)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(cli.command))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(config) => app::serve(&config).await?,
        Command::Demo(config) => app::demo(&config, &mut |line| say(&line)).await?,
        Command::Migrate(database) => app::migrate(&database).await?,
        Command::Token(config) => say(&app::token(&config)?),
        Command::Schema => say(api::sdl().trim_end()),
        Command::Tenant(command) => app::tenant(&command).await?.iter().for_each(|line| say(line)),
        Command::Check(config) => {
            let found = app::check(&config).await;
            for finding in &found {
                say(&finding.to_string());
            }
            if found.iter().any(|finding| !finding.is_good) {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Ready(config) => app::ready(config.listen).await?,
        Command::Copy(config) => {
            let copied = app::copy(&config).await?;
            say(&format!("copied tenants {}, events {}", copied.tenants, copied.events));
        }
        Command::Verify(config) => {
            let found = app::verify(&config, &mut |line| complain(&line)).await?;
            say(&format!("tenants {}, events {}, differences {}", found.tenants, found.events, found.differences));
            if found.differences > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Backup(config) => say(&format!("saved {} bytes", app::backup(&config).await?)),
        Command::Restore(config) => say(&app::restore(&config).await?),
        Command::Import(config) => {
            let report = app::import(&config, &mut |line| complain(&line)).await?;
            say(&format!(
                "recorded {}, duplicates {}, conflicts {}, rejected {}",
                report.recorded, report.duplicates, report.conflicts, report.rejected
            ));
            if report.conflicts + report.rejected > 0 || report.is_cut_short {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn start_logging(cli: &Cli) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&cli.log)
        .map_err(|problem| anyhow::anyhow!("AUDITGRAPH_LOG cannot be read: {problem}"))?;
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

/// Prints a line for the caller; it is not an error if nobody reads it any more.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
