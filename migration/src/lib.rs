//! The migrations of the audit log's schema, for SQLite and PostgreSQL.
//!
//! Migrations only go forward. From release 0.1.0 on, a released migration is frozen, and every change is a new one.
//! Migrations name tables and columns in SQL and never use the `entity` crate, which changes.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseTransaction;

mod m20261122_000001_log;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl Migrator {
    /// Creates the schema in an empty database, without recording which migrations were applied. For comparisons with
    /// the schema of an existing database.
    pub async fn create(connection: &DatabaseTransaction) -> Result<(), DbErr> {
        let manager = SchemaManager::new(connection);
        for migration in Self::migrations() {
            migration.up(&manager).await?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261122_000001_log::Migration)]
    }
}
