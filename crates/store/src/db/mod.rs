//! Access to the two databases: connections, budgets, bulk statements, error mapping, statistics, checks, metrics.

pub(crate) mod budget;
pub(crate) mod bulk;
pub(crate) mod classify;
pub(crate) mod connect;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod statistics;

use sea_orm::{SqliteTransactionMode, TransactionOptions};

/// Options of a write transaction. On SQLite it takes the write lock at its start, because a later upgrade fails
/// instead of waiting.
pub(crate) fn write_transaction() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}
