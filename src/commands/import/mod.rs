//! `auditgraph import`: records events from files of other systems.

mod input;
mod log;
mod read;
mod run;

use std::process::ExitCode;
use std::sync::Arc;

use self::log::ImportLog;
use self::run::Importer;
use super::output::print_line;
use crate::config::ImportArgs;
use crate::config::file::ConfigFile;
use crate::system::now;

pub(super) async fn run(config: &ImportArgs) -> anyhow::Result<ExitCode> {
    let file = ConfigFile::read_if_set(config.config_file.as_deref())?;
    let log = ImportLog::find(config).await?;
    let importer = Arc::new(Importer {
        operator: config.operator.clone(),
        expect_tenant: config.expect_tenant.clone(),
        rules: file.sensitive_names(&config.sensitive_names),
        clock: now,
    });
    let counts = importer.import(config.files.clone(), log).await;
    if counts.lines_skipped > 0 {
        print_line(&format!("lines not read: {}", counts.lines_skipped));
    }
    print_line(&format!(
        "recorded {}, duplicates {}, conflicts {}, rejected {}",
        counts.recorded, counts.duplicates, counts.conflicts, counts.rejected
    ));
    let is_complete = counts.conflicts + counts.rejected == 0 && !counts.is_aborted;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
