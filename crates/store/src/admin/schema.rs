//! Migrates the database and checks that its schema is the one of this version.

use std::time::Duration;

use migration::MigratorTrait;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, TransactionTrait as _, sqlx};

use crate::db::classify::sqlx_error;
use crate::db::{statistics, write_transaction};
use crate::{Store, StoreError};

/// The time limit for reading the applied migrations.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

impl Store {
    /// Migrates the database to this version's schema. Several processes may call this at the same time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Schema`] if the schema is newer than this version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.applied().await {
            Ok(applied) if applied.len() > known_migrations().len() => return Err(newer_schema()),
            Ok(_) | Err(StoreError::Schema(_)) => {}
            Err(error) => return Err(error),
        }
        if self.backend() == DbBackend::Postgres {
            // The lock is held by a separate connection until the migration is complete.
            let pool = self.write.get_postgres_connection_pool();
            let mut guard = pool.acquire().await.map_err(sqlx_error)?;
            // Wait as long as a migration by another process takes.
            sqlx::query("SET lock_timeout = 0").execute(&mut *guard).await.map_err(sqlx_error)?;
            sqlx::query("SELECT pg_advisory_lock(4242104210)").execute(&mut *guard).await.map_err(sqlx_error)?;
            let migrated = migration::Migrator::up(&self.write, None).await;
            let released = sqlx::query("SELECT pg_advisory_unlock(4242104210)").execute(&mut *guard).await;
            migrated?;
            released.map_err(sqlx_error)?;
        } else {
            // On SQLite the migrator starts no transaction itself.
            let transaction = self.write.begin_with_options(write_transaction()).await?;
            migration::Migrator::up(&transaction, None).await?;
            statistics::write_typical(&transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Checks that the database has exactly this version's schema.
    ///
    /// # Errors
    ///
    /// [`StoreError::Schema`] names which version to run or that it has to be migrated.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let (applied, expected) = (self.applied().await?, known_migrations());
        if applied == expected {
            Ok(())
        } else if applied.len() > expected.len() {
            Err(newer_schema())
        } else {
            Err(StoreError::Schema("the database is older than this program; run `auditgraph migrate`".to_owned()))
        }
    }

    /// Returns the migrations that were applied to the database.
    async fn applied(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT version FROM seaql_migrations ORDER BY version";
        let query = self.read.query_all_raw(Statement::from_string(self.backend(), sql));
        let rows = self.with_timeout(READY_TIMEOUT, query).await.map_err(|error| match error {
            StoreError::Database(_) => StoreError::Schema("the database is empty; run `auditgraph migrate`".to_owned()),
            other => other,
        })?;
        Ok(rows.iter().map(|row| row.try_get_by(0)).collect::<Result<_, _>>()?)
    }

    /// Checks that [`Store::migrate`] can continue from the database's schema: this version's or an older one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Schema`] if the database is empty or has an unknown migration.
    pub async fn check_older(&self) -> Result<(), StoreError> {
        let (applied, expected) = (self.applied().await?, known_migrations());
        if applied.is_empty() || !expected.starts_with(&applied) {
            return Err(StoreError::Schema("the database has migrations that this version does not know".to_owned()));
        }
        Ok(())
    }
}

fn newer_schema() -> StoreError {
    StoreError::Schema(
        "the database is newer than this program; run the version that migrated it, or a later one".to_owned(),
    )
}

/// Returns the migrations of this version.
fn known_migrations() -> Vec<String> {
    migration::Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}
