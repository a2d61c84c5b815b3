//! `auditgraph migrate`: migrates the database to the schema of this version.

use std::process::ExitCode;

use super::output::print_line;
use crate::config::{DatabaseSettings, without_password};
use crate::database;

pub(super) async fn run(settings: &DatabaseSettings) -> anyhow::Result<ExitCode> {
    let store = database::open(settings).await?;
    let is_current = store.check_schema().await.is_ok();
    store.migrate().await?;
    let (kind, url) = (database::kind(settings), without_password(settings.url()));
    let schema = concat!("the schema of auditgraph ", env!("CARGO_PKG_VERSION"));
    print_line(&if is_current {
        format!("{kind} {url}: nothing to do, it has {schema}")
    } else {
        format!("{kind} {url}: migrated to {schema}")
    });
    Ok(ExitCode::SUCCESS)
}
