//! The migrations of the audit log's schema, for SQLite and PostgreSQL.
//!
//! Migrations only go forward. From release 0.1.0 on, a released migration is frozen, and every change is a new one.
//! Migrations name tables and columns in SQL and never use the `entity` crate, which changes.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261122_000001_log;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261122_000001_log::Migration)]
    }
}
