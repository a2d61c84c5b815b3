//! `auditgraph migrate`: migrates the database to the schema of this version.

use std::process::ExitCode;

use crate::config::DatabaseSettings;
use crate::database;

pub(super) async fn run(settings: &DatabaseSettings) -> anyhow::Result<ExitCode> {
    database::open(settings).await?.migrate().await?;
    Ok(ExitCode::SUCCESS)
}
