//! What an operator does with a whole log: check its integrity, save it, restore it, copy it.
//!
//! A file appears under its name only when it is complete, and never replaces another.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::{new_id, open, open_for_operator, printable};
use crate::config::{Backup, Cli, Command, Copy, Database, Restore, Verify};
use store::{self, Copied, Difference};

/// How long a statement of these commands may take: they walk through the whole log.
const PATIENCE: Duration = Duration::from_hours(24);

/// What a look at the logs found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Tenants whose logs were looked at, and those of accesses to them.
    pub tenants: usize,
    /// Events looked at.
    pub events: i64,
    /// A difference that was found.
    pub differences: u64,
}

fn patient(database: &Database) -> Database {
    let statement_timeout_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
    Database { statement_timeout_ms, ..database.clone() }
}

/// `auditgraph verify`. The first differences are passed to `complain`, one line each.
pub async fn verify(config: &Verify, complain: &mut (dyn FnMut(String) + Send)) -> anyhow::Result<Verified> {
    must_be_there(&config.database)?;
    let store = open(&patient(&config.database)).await?;
    store.check_schema().await?;
    let mut logs = store.logs().await?;
    if let Some(key) = &config.tenant {
        logs.retain(|log| log.belongs_to(key));
        anyhow::ensure!(!logs.is_empty(), "there is no tenant `{key}`");
    }
    let tenants = logs.iter().filter(|log| !log.is_access_log()).count();
    let mut found = Verified { tenants, ..Verified::default() };
    for log in &logs {
        let mut tell = |difference: Difference| {
            found.differences += 1;
            if found.differences <= config.differences_max {
                complain(line(&log.key, &difference));
            }
        };
        found.events += store.verify(log, &mut tell).await?;
    }
    if config.tenant.is_none() {
        let mut tell = |difference: Difference| {
            found.differences += 1;
            if found.differences > config.differences_max {
                return;
            }
            complain(printable(&format!("{}.{} {}", difference.table, difference.column, difference.reason)));
        };
        store.verify_owners(&mut tell).await?;
    }
    if found.differences > config.differences_max {
        complain(format!("and {} more", found.differences - config.differences_max));
    }
    Ok(found)
}

fn line(tenant: &str, difference: &Difference) -> String {
    let place = difference.sequence.map(|sequence| format!(" event {sequence}")).unwrap_or_default();
    printable(&format!("{tenant}{place}: {}.{} {}", difference.table, difference.column, difference.reason))
}

/// An SQLite log is made where there is none only by commands that record.
pub(super) fn must_be_there(database: &Database) -> anyhow::Result<()> {
    if let Some(file) = store::sqlite_file(&database.database_url)? {
        anyhow::ensure!(file.exists(), "there is no log at {}", file.display());
    }
    Ok(())
}

/// `auditgraph copy`.
pub async fn copy(config: &Copy) -> anyhow::Result<Copied> {
    anyhow::ensure!(config.from != config.to, "--from and --to name the same database");
    let (from, to) = (only_url(&config.from)?, only_url(&config.to)?);
    must_be_there(&from)?;
    let source = open(&patient(&from)).await?;
    source.check_schema().await.context("the database to copy")?;
    let target = open_for_operator(&patient(&to)).await.context("the database to copy to")?;
    source.copy_to(&target).await.context("nothing was copied")
}

/// A database of which nothing but its URL is set.
fn only_url(url: &str) -> anyhow::Result<Database> {
    match Cli::parse_plain(&["auditgraph", "migrate", "--database-url", url])?.command {
        Command::Migrate(database) => Ok(database),
        _ => anyhow::bail!("the settings are not what they should be"),
    }
}

/// `auditgraph backup`: the bytes written.
pub async fn backup(config: &Backup) -> anyhow::Result<u64> {
    must_be_there(&config.database)?;
    anyhow::ensure!(
        store::is_sqlite(&config.database.database_url),
        "only an SQLite log is saved to a file: for PostgreSQL use `pg_dump --format=custom --file={} URL`, \
         or continuous archiving",
        config.file.display()
    );
    anyhow::ensure!(!config.file.exists(), "{} exists already", config.file.display());
    let store = open(&patient(&config.database)).await?;
    let copy = beside(&config.file)?;
    store.copy_into(copy.path()).await.with_context(|| format!("cannot write to {}", config.file.display()))?;
    keep(copy, &config.file)
}

/// `auditgraph restore`: the line to print.
pub async fn restore(config: &Restore) -> anyhow::Result<String> {
    let Some(saved) = &config.file else {
        must_be_there(&config.database)?;
        let store = open_for_operator(&patient(&config.database)).await?;
        return Ok(renewed(store.renew_log_ids(new_id).await?));
    };
    let Some(target) = store::sqlite_file(&config.database.database_url)? else {
        anyhow::bail!(
            "only an SQLite log is restored from a file: for PostgreSQL use `pg_restore --dbname=URL {}` on an empty \
             database, then `auditgraph restore --in-place`",
            saved.display()
        );
    };
    for suffix in ["", "-wal", "-shm"] {
        let held = named_beside(&target, suffix);
        anyhow::ensure!(
            !held.exists(),
            "{} exists already: stop the server and move the old log away first, with its -wal and -shm",
            held.display()
        );
    }
    let wal = named_beside(saved, "-wal");
    anyhow::ensure!(
        !std::fs::metadata(&wal).is_ok_and(|found| found.len() > 0),
        "{} is a log in use, because {} holds something: make a copy with `auditgraph backup`",
        saved.display(),
        wal.display()
    );
    let mut source = std::fs::File::open(saved).with_context(|| format!("cannot open {}", saved.display()))?;
    let mut copy = beside(&target)?;
    std::io::copy(&mut source, &mut copy).with_context(|| format!("cannot copy {}", saved.display()))?;
    let database = Database { database_url: store::sqlite_url(copy.path())?, ..patient(&config.database) };
    let count = bring_back(&database).await.with_context(|| format!("{} cannot be restored", saved.display()))?;
    keep(copy, &target)?;
    Ok(renewed(count))
}

/// Checks a copied log, brings it to this version's schema and gives it new ids.
async fn bring_back(database: &Database) -> anyhow::Result<usize> {
    let store = open(database).await?;
    store.check_intact().await?;
    store.check_older().await?;
    store.migrate().await?;
    store.check_schema().await?;
    let count = store.renew_log_ids(new_id).await?;
    store.close().await?;
    Ok(count)
}

fn renewed(count: usize) -> String {
    format!("logs {count}, each with a new id: earlier feed cursors are CURSOR_EXPIRED")
}

fn named_beside(file: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// An empty file that only its owner can read, where another one will be.
fn beside(file: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().prefix(".auditgraph-").tempfile_in(folder);
    made.with_context(|| format!("cannot write in {}", folder.display()))
}

/// Puts a complete file at its place, where nothing may be yet, and on disk: how many bytes it has.
fn keep(copy: NamedTempFile, place: &Path) -> anyhow::Result<u64> {
    // The database wrote by the name, so the file is opened by it again.
    let file = std::fs::OpenOptions::new().write(true).open(copy.path())?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    copy.persist_noclobber(place).with_context(|| format!("cannot put a file at {}", place.display()))?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    Ok(bytes)
}
