//! The two databases: connections, budgets, errors, statistics, metrics.

pub(crate) mod budget;
pub(crate) mod bulk;
pub(crate) mod classify;
pub(crate) mod connect;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod statistics;

use sea_orm::{SqliteTransactionMode, TransactionOptions};

/// How a transaction that writes begins: on SQLite with the lock to write, which it could not wait for later.
pub(crate) fn write_transaction() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}
