//! `auditgraph import`: records events from files of other systems.

mod run;

use std::process::ExitCode;

use anyhow::Context as _;

use self::run::Importer;
use super::output::{print_line, printable, report_error};
use super::tenant::check_key;
use crate::config::ImportArgs;
use crate::config::file::ConfigFile;
use crate::database;
use crate::system::{new_id, now};
use store::{Store, Tenant};

pub(super) async fn run(config: &ImportArgs) -> anyhow::Result<ExitCode> {
    let file = ConfigFile::read_if_set(config.config_file.as_deref())?;
    let store = database::open_or_create(&config.database).await?;
    let tenant = find_or_add_tenant(&store, config.tenant.as_deref()).await?;
    anyhow::ensure!(!tenant.is_disabled, "tenant `{}` is disabled", tenant.key);
    let importer = Importer {
        writer: access::operator_writer(&store, &tenant),
        reader: access::operator_reader(&store, &tenant),
        operator: config.operator.clone(),
        expect_tenant: config.expect_tenant.clone(),
        rules: file.sensitive_names(&config.sensitive_names),
        clock: now,
    };
    let counts = importer.import(&config.files).await;
    print_line(&format!(
        "recorded {}, duplicates {}, conflicts {}, rejected {}",
        counts.recorded, counts.duplicates, counts.conflicts, counts.rejected
    ));
    let is_complete = counts.conflicts + counts.rejected == 0 && !counts.is_aborted;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the tenant with this key, or adds it. Without a key, returns the only tenant.
async fn find_or_add_tenant(store: &Store, key: Option<&str>) -> anyhow::Result<Tenant> {
    let Some(key) = key else {
        let mut tenants = store.tenants().await?;
        anyhow::ensure!(tenants.len() < 2, "there are several tenants: choose one with --tenant KEY");
        return tenants
            .pop()
            .context("there is no tenant: add one with `auditgraph tenant add KEY`, or name it with --tenant KEY");
    };
    if let Some(tenant) = store.tenant(key).await? {
        return Ok(tenant);
    }
    check_key(key)?;
    // If there are other tenants, the key may be a misspelling of one of them.
    if !store.tenants().await?.is_empty() {
        report_error(&format!("there was no tenant `{}`: it has been added", printable(key)));
    }
    Ok(store.add_tenant(key, key, &[], new_id()).await?)
}
