//! `auditgraph backup`: saves an SQLite log to a file, also while a server uses it.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output::print_line;
use super::progress::{Progress, megabytes};
use super::whole_file::{persist, temporary_beside};
use crate::config::BackupArgs;
use crate::database::{self, for_whole_log};

pub(super) async fn run(config: &BackupArgs) -> anyhow::Result<ExitCode> {
    database::ensure_exists(&config.database)?;
    anyhow::ensure!(
        store::is_sqlite(&config.database.database_url),
        "only an SQLite log is saved to a file: for PostgreSQL use `pg_dump --format=custom --file={} URL`, \
         or continuous archiving",
        config.file.display()
    );
    anyhow::ensure!(!config.file.exists(), "{} exists already", config.file.display());
    let store = database::open(&for_whole_log(&config.database)).await?;
    let copy = temporary_beside(&config.file)?;
    let line = || format!("saving: {} MB written", megabytes(copy.path().metadata().map_or(0, |file| file.len())));
    let saved = Progress::start().during(store.copy_into(copy.path()), line).await;
    saved.with_context(|| format!("cannot write to {}", config.file.display()))?;
    let bytes = persist(copy, &config.file)?;
    print_line(&format!("saved {bytes} bytes"));
    Ok(ExitCode::SUCCESS)
}
