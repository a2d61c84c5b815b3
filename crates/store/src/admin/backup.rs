//! Copies of an SQLite log, and what must be done to a restored log.
//!
//! A restored log differs from the one that went on after the copy was made: numbers that were given out after the copy
//! will be given out again, for other events. So it gets a new id, which shows that older feed cursors are from the
//! other log.

use std::path::{Path, PathBuf};

use entity::tenant_log;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ActiveValue::Set, ConnectionTrait as _, EntityTrait as _, QuerySelect as _, Statement};
use sea_orm::{DbBackend, TransactionTrait as _};

use crate::db::classify::sqlx_error;
use crate::{Store, StoreError};

/// The file of an SQLite URL; none if the log is not in a file.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, StoreError> {
    if !crate::db::connect::is_sqlite(url) || url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(None);
    }
    let options: SqliteConnectOptions = url.parse().map_err(sqlx_error)?;
    Ok(Some(options.get_filename().to_path_buf()))
}

/// The URL of an SQLite file.
pub fn sqlite_url(file: &Path) -> Result<String, StoreError> {
    let path =
        file.to_str().ok_or_else(|| StoreError::Misconfigured("the name of the file is not UTF-8".to_owned()))?;
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F")))
}

impl Store {
    /// Writes the whole SQLite database, as it is at one moment, into a file that is empty or not there yet.
    pub async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        let path =
            file.to_str().ok_or_else(|| StoreError::Misconfigured("the name of the file is not UTF-8".to_owned()))?;
        let sql = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [path.into()]);
        self.write.execute_raw(sql).await?;
        Ok(())
    }

    /// Whether the file of an SQLite database is intact, as far as SQLite can tell.
    pub async fn check_intact(&self) -> Result<(), StoreError> {
        let sql = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check(1)");
        let found: Option<String> = self.write.query_one_raw(sql).await?.map(|row| row.try_get_by(0)).transpose()?;
        match found.as_deref() {
            Some("ok") => Ok(()),
            problem => {
                Err(StoreError::Misconfigured(format!("the file is damaged: {}", problem.unwrap_or("no answer"))))
            }
        }
    }

    /// Gives the log of every tenant a new id; returns how many there are.
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

    /// Lets go of the database; of an SQLite log nothing is left beside its file then.
    pub async fn close(self) -> Result<(), StoreError> {
        self.read.close().await?;
        Ok(self.write.close().await?)
    }
}
