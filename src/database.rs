//! Opening the log with the database settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;

use crate::config::{DatabaseSettings, without_password};
use store::{self, Observer, Store};

/// Statements that take longer than this are logged as slow, without their values.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);
/// The statement timeout of commands that read or write the whole log.
const WHOLE_LOG_STATEMENT_TIMEOUT: Duration = Duration::from_hours(24);

tokio::task_local! {
    /// The logs that the running command has opened.
    static OPENED: Mutex<Vec<Store>>;
}

/// Runs a command, and closes the logs that it opened, whether it succeeded or not. A closed SQLite log is complete in
/// its file.
pub(crate) async fn closing_logs<T>(command: impl Future<Output = T>) -> T {
    let command = async {
        let outcome = command.await;
        let opened = OPENED.with(|opened| std::mem::take(&mut *opened.lock()));
        for store in opened {
            if let Err(error) = store.close().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the log was not closed");
            }
        }
        outcome
    };
    OPENED.scope(Mutex::default(), command).await
}

/// Opens the log. Creates the file of an SQLite log if it does not exist, but no tables.
pub(crate) async fn open(database: &DatabaseSettings) -> anyhow::Result<Store> {
    let settings = store::StoreSettings {
        url: database.url().to_owned(),
        connections: database.database_connections,
        statement_timeout: Duration::from_millis(database.statement_timeout_ms),
        record_timeout: Duration::from_millis(database.record_timeout_ms),
    };
    let observer: Observer = Arc::new(|sql, elapsed, failed| {
        if elapsed > SLOW_STATEMENT {
            tracing::warn!(sql, ?elapsed, failed, "slow statement");
        } else {
            tracing::trace!(sql, ?elapsed, failed, "statement");
        }
    });
    let store = Store::open(&settings, Some(observer))
        .await
        .with_context(|| format!("cannot open the log at {}", without_password(database.url())))?;
    // Fails in tests, which start a server without a command.
    let _ = OPENED.try_with(|opened| opened.lock().push(store.clone()));
    Ok(store)
}

/// Opens the log and checks its schema. An SQLite log is created or migrated first; PostgreSQL is migrated only by
/// `auditgraph migrate`.
pub(crate) async fn open_or_create(database: &DatabaseSettings) -> anyhow::Result<Store> {
    let store = open(database).await?;
    if store::is_sqlite(database.url()) {
        store.migrate().await?;
    }
    store.check_schema().await?;
    Ok(store)
}

/// Fails if the settings name an SQLite file that does not exist. Commands that only read call this first, because
/// opening an SQLite log creates its file.
pub(crate) fn ensure_exists(database: &DatabaseSettings) -> anyhow::Result<()> {
    if let Some(file) = store::sqlite_file(database.url())? {
        anyhow::ensure!(file.exists(), "there is no log at {}", file.display());
    }
    Ok(())
}

/// Fails, with the ways to create it, if the settings name an SQLite log that does not exist. Opening it would create its
/// file, so a misspelt path would serve an empty log.
pub(crate) fn ensure_served_log_exists(database: &DatabaseSettings) -> anyhow::Result<()> {
    if let Some(file) = store::sqlite_file(database.url())? {
        anyhow::ensure!(file.exists(), "{}", missing_log(&file));
    }
    Ok(())
}

/// Returns a sentence about an SQLite log that does not exist, with the ways to create it.
pub(crate) fn missing_log(file: &Path) -> String {
    format!(
        "there is no log at {}: check AUDITGRAPH_DATABASE_URL; to create a log, add its first tenant with `auditgraph \
         tenant add KEY`, or start `auditgraph serve --create`",
        file.display()
    )
}

/// Returns `SQLite` or `PostgreSQL`.
pub(crate) fn kind(database: &DatabaseSettings) -> &'static str {
    if store::is_sqlite(database.url()) { "SQLite" } else { "PostgreSQL" }
}

/// Returns the settings with a statement timeout for statements that process the whole log.
pub(crate) fn for_whole_log(database: &DatabaseSettings) -> DatabaseSettings {
    let statement_timeout_ms = u64::try_from(WHOLE_LOG_STATEMENT_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    DatabaseSettings { statement_timeout_ms, ..database.clone() }
}
