//! `auditgraph serve`: runs the server until the process receives a signal to stop.

use std::process::ExitCode;

use crate::config::{self, ServeArgs, without_password};
use crate::database;
use crate::server::App;

pub(super) async fn run(config: &ServeArgs) -> anyhow::Result<ExitCode> {
    if let Some(unknown) = config::unknown_variables() {
        anyhow::bail!("{unknown}");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = database::kind(&config.database),
        url = without_password(config.database.url()),
        "starting auditgraph"
    );
    App::start(config).await?.run(|address| tracing::info!(%address, "listening")).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
