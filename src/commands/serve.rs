//! `auditgraph serve`: runs the server until the process receives a signal to stop.

use std::process::ExitCode;

use crate::config::ServeArgs;
use crate::server::App;

pub(super) async fn run(config: &ServeArgs) -> anyhow::Result<ExitCode> {
    App::start(config).await?.run(|address| tracing::info!(%address, "listening")).await?;
    Ok(ExitCode::SUCCESS)
}
