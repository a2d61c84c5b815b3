//! The schema of the database: migrating it, and checking that it is this version's.

use std::time::Duration;

use migration::MigratorTrait;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, TransactionTrait as _, sqlx};

use crate::db::classify::sqlx_error;
use crate::db::{statistics, write_transaction};
use crate::{Store, StoreError};

/// How long may pass until it is said that the database does not answer whether it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

impl Store {
    /// Brings the database to this version's schema. Several processes may try at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.applied().await {
            Ok(applied) if applied.len() > known_migrations().len() => return Err(newer_schema()),
            Ok(_) | Err(StoreError::Schema(_)) => {}
            Err(error) => return Err(error),
        }
        if self.backend() == DbBackend::Postgres {
            // Held by a connection of its own until the migration is through.
            let pool = self.write.get_postgres_connection_pool();
            let mut guard = pool.acquire().await.map_err(sqlx_error)?;
            // However long the one before takes.
            sqlx::query("SET lock_timeout = 0").execute(&mut *guard).await.map_err(sqlx_error)?;
            sqlx::query("SELECT pg_advisory_lock(4242104210)").execute(&mut *guard).await.map_err(sqlx_error)?;
            let migrated = migration::Migrator::up(&self.write, None).await;
            let released = sqlx::query("SELECT pg_advisory_unlock(4242104210)").execute(&mut *guard).await;
            migrated?;
            released.map_err(sqlx_error)?;
        } else {
            // On SQLite the migrator opens no transaction by itself.
            let transaction = self.write.begin_with_options(write_transaction()).await?;
            migration::Migrator::up(&transaction, None).await?;
            statistics::write_typical(&transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Whether the database is exactly at this version's schema.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let (applied, known) = (self.applied().await?, known_migrations());
        if applied == known {
            Ok(())
        } else if applied.len() > known.len() {
            Err(newer_schema())
        } else {
            Err(StoreError::Schema("it is older than this program: run `auditgraph migrate`".to_owned()))
        }
    }

    /// The migrations that the database has had.
    async fn applied(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT version FROM seaql_migrations ORDER BY version";
        let query = self.read.query_all_raw(Statement::from_string(self.backend(), sql));
        let rows = self.with_timeout(READY_TIMEOUT, query).await.map_err(|error| match error {
            StoreError::Database(_) => StoreError::Schema("it is empty: run `auditgraph migrate`".to_owned()),
            other => other,
        })?;
        Ok(rows.iter().map(|row| row.try_get_by(0)).collect::<Result<_, _>>()?)
    }

    /// Whether the database is at this version's schema or on the way to it, so that [`Store::migrate`] can go on.
    pub async fn check_older(&self) -> Result<(), StoreError> {
        let (applied, known) = (self.applied().await?, known_migrations());
        if applied.is_empty() || !known.starts_with(&applied) {
            return Err(StoreError::Schema("it is not of a version that this program knows".to_owned()));
        }
        Ok(())
    }
}

fn newer_schema() -> StoreError {
    StoreError::Schema("it is newer than this program: run the version that migrated it, or a later one".to_owned())
}

/// The migrations that this version knows.
fn known_migrations() -> Vec<String> {
    migration::Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}
