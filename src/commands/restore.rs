//! `auditgraph restore`: puts a saved SQLite log in place and gives its logs new ids.
//!
//! New ids make feed cursors from before the restore expire. Without them, a follower would continue after events that
//! the restored log does not have, and miss the events that get the same sequences later.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::output::print_line;
use super::whole_file::{persist, temporary_beside};
use crate::config::{DatabaseSettings, RestoreArgs};
use crate::database::{self, for_whole_log};
use crate::system::new_id;

pub(super) async fn run(config: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let logs = match &config.file {
        Some(saved) => restore_file(saved, &config.database).await?,
        None => renew_log_ids_of(&config.database).await?,
    };
    print_line(&format!("logs {logs}, each with a new id: earlier feed cursors are CURSOR_EXPIRED"));
    Ok(ExitCode::SUCCESS)
}

/// Gives new ids to the logs of a database that was restored by other means. Returns the number of logs.
async fn renew_log_ids_of(database: &DatabaseSettings) -> anyhow::Result<usize> {
    database::ensure_exists(database)?;
    let store = database::open_or_create(&for_whole_log(database)).await?;
    Ok(store.renew_log_ids(new_id).await?)
}

/// Restores a saved file as the configured SQLite log. Returns the number of logs in it.
async fn restore_file(saved: &Path, database: &DatabaseSettings) -> anyhow::Result<usize> {
    let Some(target) = store::sqlite_file(database.url())? else {
        anyhow::bail!(
            "only an SQLite log is restored from a file: for PostgreSQL use `pg_restore --dbname=URL {}` on an empty \
             database, then `auditgraph restore --in-place`",
            saved.display()
        );
    };
    for suffix in ["", "-wal", "-shm"] {
        let existing = with_suffix(&target, suffix);
        anyhow::ensure!(
            !existing.exists(),
            "{} exists already: stop the server and move the old log away first, with its -wal and -shm",
            existing.display()
        );
    }
    let wal = with_suffix(saved, "-wal");
    anyhow::ensure!(
        !std::fs::metadata(&wal).is_ok_and(|found| found.len() > 0),
        "{} is a log in use, because {} is not empty: make a copy with `auditgraph backup`",
        saved.display(),
        wal.display()
    );
    let mut source = std::fs::File::open(saved).with_context(|| format!("cannot open {}", saved.display()))?;
    let mut copy = temporary_beside(&target)?;
    std::io::copy(&mut source, &mut copy).with_context(|| format!("cannot copy {}", saved.display()))?;
    let copied = for_whole_log(database).with_url(store::sqlite_url(copy.path())?);
    let logs = prepare(&copied).await.with_context(|| format!("{} cannot be restored", saved.display()))?;
    persist(copy, &target)?;
    Ok(logs)
}

/// Checks a copied log, migrates it to the schema of this version and gives its logs new ids. Returns their number.
async fn prepare(database: &DatabaseSettings) -> anyhow::Result<usize> {
    let store = database::open(database).await?;
    store.check_intact().await?;
    store.check_older().await?;
    store.migrate().await?;
    store.check_schema().await?;
    let logs = store.renew_log_ids(new_id).await?;
    store.close().await?;
    Ok(logs)
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
