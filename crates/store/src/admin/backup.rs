//! Copies of an SQLite database, and the steps after a restore.
//!
//! A restored log diverges from the original after the copy was made: it assigns the same sequences again, to other
//! events. So a restored log gets a new id, and feed cursors of the original are rejected.

use std::path::{Path, PathBuf};

use entity::tenant_log;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ActiveValue::Set, ConnectionTrait as _, EntityTrait as _, QuerySelect as _, Statement};
use sea_orm::{DbBackend, TransactionTrait as _};

use crate::db::classify::sqlx_error;
use crate::{Store, StoreError};

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
        let heads = tenant_log::Entity::find();
        let heads = if self.backend() == DbBackend::Postgres { heads.lock_exclusive() } else { heads };
        let heads = heads.all(&transaction).await?;
        let count = heads.len();
        for head in heads {
            let mut head: tenant_log::ActiveModel = head.into();
            head.log_id = Set(new_id());
            tenant_log::Entity::update(head).exec(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(count)
    }

    /// Closes all connections. SQLite then leaves no other file beside the database file.
    pub async fn close(self) -> Result<(), StoreError> {
        self.read.close().await?;
        Ok(self.write.close().await?)
    }
}
