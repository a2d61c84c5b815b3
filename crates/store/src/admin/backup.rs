//! Copies of an SQLite database, and the steps after a restore.
//!
//! A restored log diverges from the original after the copy was made: it assigns the same sequences again, to other
//! events. So a restored log gets a new id, and feed cursors of the original are rejected.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entity::tenant_log;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ActiveValue::Set, ConnectionTrait as _, EntityTrait as _, QuerySelect as _, Statement};
use sea_orm::{DatabaseTransaction, DbBackend, QueryOrder as _, TransactionTrait as _};

use crate::db::classify::sqlx_error;
use crate::{Store, StoreError};

/// The longest time for closing the connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the file of an SQLite URL, or `None` if the database is not in a file.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, StoreError> {
    if !crate::db::connect::is_sqlite(url) || url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(None);
    }
    let options: SqliteConnectOptions = url.parse().map_err(sqlx_error)?;
    Ok(Some(options.get_filename().to_path_buf()))
}

/// Returns the URL of an SQLite file.
pub fn sqlite_url(file: &Path) -> Result<String, StoreError> {
    let path = file.to_str().ok_or_else(|| StoreError::Misconfigured("the file name is not UTF-8".to_owned()))?;
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F")))
}

impl Store {
    /// Writes a consistent copy of the SQLite database to a file that is empty or does not exist.
    pub async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        let path = file.to_str().ok_or_else(|| StoreError::Misconfigured("the file name is not UTF-8".to_owned()))?;
        let sql = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [path.into()]);
        self.write.execute_raw(sql).await?;
        Ok(())
    }

    /// Runs SQLite's integrity check.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] with the first problem found.
    pub async fn check_intact(&self) -> Result<(), StoreError> {
        let sql = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check(1)");
        let found: Option<String> = self.write.query_one_raw(sql).await?.map(|row| row.try_get_by(0)).transpose()?;
        match found.as_deref() {
            Some("ok") => Ok(()),
            problem => {
                Err(StoreError::Misconfigured(format!("integrity check failed: {}", problem.unwrap_or("no result"))))
            }
        }
    }

    /// Gives every log a new id. Returns the number of logs.
    pub async fn renew_log_ids(&self, mut new_id: impl FnMut() -> String) -> Result<usize, StoreError> {
        let transaction = self.write.begin_with_options(crate::db::write_transaction()).await?;
        let heads = locked_heads(&transaction).await?;
        renew_ids(&transaction, &heads, &mut new_id).await?;
        transaction.commit().await?;
        Ok(heads.len())
    }

    /// Closes all connections, also those of clones. If no other process uses an SQLite database, its file is complete
    /// afterwards, without further files beside it.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = async {
            self.read.close_by_ref().await?;
            if self.backend() == DbBackend::Sqlite {
                // Without waiting: another process that uses the database copies the log of writes itself.
                let checkpoint = "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)";
                if let Err(error) = self.write.execute_unprepared(checkpoint).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "no checkpoint when closing");
                }
            }
            self.write.close_by_ref().await
        };
        // A connection that is still in use is returned to its pool, or lost with its peer.
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, closed).await.map_err(|_elapsed| StoreError::Timeout)?;
        Ok(closed?)
    }
}

/// Locks the head rows of all logs, so that nothing is recorded until the transaction ends, and returns them by tenant.
pub(crate) async fn locked_heads(transaction: &DatabaseTransaction) -> Result<Vec<tenant_log::Model>, StoreError> {
    let heads = tenant_log::Entity::find().order_by_asc(tenant_log::Column::TenantId);
    // On SQLite the transaction holds the write lock of the whole database.
    let is_postgres = transaction.get_database_backend() == DbBackend::Postgres;
    let heads = if is_postgres { heads.lock_exclusive() } else { heads };
    Ok(heads.all(transaction).await?)
}

/// Gives the logs with these head rows new ids.
pub(crate) async fn renew_ids(
    transaction: &DatabaseTransaction,
    heads: &[tenant_log::Model],
    new_id: &mut impl FnMut() -> String,
) -> Result<(), StoreError> {
    for head in heads {
        let mut head: tenant_log::ActiveModel = head.clone().into();
        head.log_id = Set(new_id());
        tenant_log::Entity::update(head).exec(transaction).await?;
    }
    Ok(())
}
