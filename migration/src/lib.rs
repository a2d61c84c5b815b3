//! The schema of the audit log, step by step, for SQLite and PostgreSQL.
//!
//! Migrations only go forward. From release 0.1.0 on they are frozen, and every change is a new one. They name tables
//! and columns as text and never use the `entity` crate, which moves on.

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
