//! `auditgraph verify`: checks the integrity of the database and of the logs, and reports every difference.
//!
//! The database file is checked first: what is read from a damaged file proves little.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output::{print_line, printable, report_error};
use super::progress::Progress;
use crate::config::VerifyArgs;
use crate::database::{self, for_whole_log};
use store::{Difference, RowProgress};

pub(super) async fn run(config: &VerifyArgs) -> anyhow::Result<ExitCode> {
    database::ensure_exists(&config.database)?;
    let store = database::open(&for_whole_log(&config.database)).await?;
    let progress = Progress::start();
    let mut differences = Differences { count: 0, reported_max: config.differences_max, progress: &progress };
    let mut report = |difference: Difference| differences.report(None, &difference);
    progress.during(store.verify_file(&mut report), || "verifying the database file".to_owned()).await?;
    store.check_schema().await?;
    store.verify_schema(&mut |difference| differences.report(None, &difference)).await?;
    let mut logs = store.logs().await?;
    if let Some(key) = &config.tenant {
        logs.retain(|log| log.belongs_to(key));
        anyhow::ensure!(!logs.is_empty(), "there is no tenant `{key}`");
    }
    let tenants = logs.iter().filter(|log| !log.is_access_log()).count();
    let mut events = 0;
    for log in &logs {
        let rows = RowProgress::default();
        let mut report = |difference: Difference| differences.report(Some(&log.key), &difference);
        let line = || format!("verifying the log of `{}`: events {}", printable(&log.key), rows.current().rows);
        let verified = progress.during(store.verify(log, &mut report, &rows), line).await;
        events += verified.with_context(|| format!("the log of `{}` was not verified completely", log.key))?;
    }
    if config.tenant.is_none() {
        store.verify_owners(&mut |difference| differences.report(None, &difference)).await?;
    }
    if differences.count > differences.reported_max {
        report_error(&format!("and {} more", differences.count - differences.reported_max));
    }
    print_line(&format!("tenants {tenants}, events {events}, differences {}", differences.count));
    Ok(if differences.count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts differences and reports the first of them.
struct Differences<'a> {
    count: u64,
    reported_max: u64,
    progress: &'a Progress,
}

impl Differences<'_> {
    /// Reports a difference in the log of a tenant, or in no tenant's log.
    fn report(&mut self, tenant: Option<&str>, difference: &Difference) {
        self.count += 1;
        if self.count <= self.reported_max {
            let tenant = tenant.map(|key| {
                let event = difference.sequence.map(|sequence| format!(" event {sequence}")).unwrap_or_default();
                format!("{key}{event}: ")
            });
            let what = format!("{} {}", difference.part, difference.reason);
            self.progress.clear();
            report_error(&printable(&(tenant.unwrap_or_default() + &what)));
        }
    }
}
