//! `auditgraph migrate`: migrates the database to the schema of this version.

use std::process::ExitCode;

use crate::config::Database;
use crate::database;

pub(super) async fn run(settings: &Database) -> anyhow::Result<ExitCode> {
    database::open(settings).await?.migrate().await?;
    Ok(ExitCode::SUCCESS)
}
