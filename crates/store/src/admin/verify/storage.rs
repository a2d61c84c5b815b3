//! Verifies what the rows depend on: the database file, and the objects of the schema.
//!
//! A damaged index, an index over fewer rows, or a trigger changes what queries return and what is recorded, also while
//! all rows agree with the bodies.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, Statement, TransactionTrait as _};

use super::schema_objects::{SchemaObject, postgres_objects, sqlite_objects};
use super::unreadable::{cause, is_damage};
use super::{Difference, ReportDifference};
use crate::db::connect;
use crate::{Store, StoreError};

/// The most problems of the file that are reported.
const PROBLEMS_MAX: usize = 100;

impl Store {
    /// Runs SQLite's own integrity check and reports the problems that it finds: damaged pages, and indexes that differ
    /// from their tables. PostgreSQL has a tool of its own for this, `pg_amcheck`.
    pub async fn verify_file(&self, report: ReportDifference<'_>) -> Result<(), StoreError> {
        if self.backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let sql = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA integrity_check({PROBLEMS_MAX})"));
        let checked = self.read.query_all_raw(sql).await.map_err(StoreError::from);
        let problems: Result<Vec<String>, StoreError> =
            checked.and_then(|rows| rows.iter().map(|row| row.try_get_by(0).map_err(StoreError::from)).collect());
        match problems {
            Ok(problems) => {
                for problem in problems.into_iter().filter(|problem| problem != "ok") {
                    report(Difference::of("database file", format!("fails the integrity check: {problem}")));
                }
                Ok(())
            }
            Err(error) if is_damage(&error) => {
                report(Difference::of("database file", format!("fails the integrity check: {}", cause(&error))));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Compares the tables of the log, their columns, constraints, indexes and triggers with those that the migrations
    /// create in an empty database, and reports every difference. Tables and views of other programs are ignored.
    pub async fn verify_schema(&self, report: ReportDifference<'_>) -> Result<(), StoreError> {
        let compared = match self.backend() {
            DbBackend::Postgres => self.postgres_schemas().await,
            _ => self.sqlite_schemas().await,
        };
        let (expected, found) = compared?;
        match expected {
            Ok(expected) => compare(expected, found, report),
            Err(error) => report(Difference::of("schema", format!("cannot be compared: {}", cause(&error)))),
        }
        Ok(())
    }

    async fn sqlite_schemas(&self) -> Result<Schemas, StoreError> {
        let found = sqlite_objects(&self.read).await?;
        let empty = connect::in_memory().await?;
        let transaction = empty.begin().await?;
        migration::Migrator::create(&transaction).await?;
        let expected = sqlite_objects(&transaction).await?;
        transaction.rollback().await?;
        empty.close().await?;
        Ok((Ok(expected), found))
    }

    /// The expected tables are created as temporary ones, in a transaction that is rolled back.
    async fn postgres_schemas(&self) -> Result<Schemas, StoreError> {
        let transaction = self.write.begin().await?;
        // The schema that `check_schema` read from.
        let ours = "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('seaql_migrations'))";
        let found = postgres_objects(&transaction, ours).await?;
        let expected = expected_in_postgres(&transaction).await;
        transaction.rollback().await?;
        Ok((expected, found))
    }
}

/// The expected objects, or why they could not be created, and the objects found.
type Schemas = (Result<Vec<SchemaObject>, StoreError>, Vec<SchemaObject>);

async fn expected_in_postgres(transaction: &DatabaseTransaction) -> Result<Vec<SchemaObject>, StoreError> {
    transaction.execute_unprepared("SET LOCAL search_path = pg_temp").await?;
    migration::Migrator::create(transaction).await?;
    postgres_objects(transaction, "pg_my_temp_schema()").await
}

/// Reports the objects that are missing, that differ, and those of the expected tables that are not expected.
fn compare(expected: Vec<SchemaObject>, found: Vec<SchemaObject>, report: ReportDifference<'_>) {
    let tables: BTreeSet<String> = expected.iter().map(|object| object.table.clone()).collect();
    let existing: BTreeSet<String> = found.iter().map(|object| object.table.clone()).collect();
    for table in tables.difference(&existing) {
        report(Difference::of(&format!("table {table}"), "is missing"));
    }
    let of_both = |object: &SchemaObject| tables.contains(&object.table) && existing.contains(&object.table);
    let mut found: BTreeMap<String, String> =
        found.into_iter().filter(&of_both).map(|object| (object.name, object.definition)).collect();
    for SchemaObject { name, definition, .. } in expected.into_iter().filter(&of_both) {
        match found.remove(&name) {
            Some(found) if found == definition => {}
            Some(_) => report(Difference::of(&name, "differs from the schema of this version")),
            None => report(Difference::of(&name, "is missing")),
        }
    }
    for name in found.into_keys() {
        report(Difference::of(&name, "is not part of the schema"));
    }
}
