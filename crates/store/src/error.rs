//! The error type of the store.

use std::sync::Arc;

use sea_orm::DbErr;

/// Why an operation of the store failed.
///
/// Clients never see these messages: `api` and the commands decide which message and code an error gets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored row is invalid.
    #[error("corrupt {table}.{column} at {id}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's identity within the table.
        id: String,
        /// The reason why the value is invalid.
        reason: String,
    },
    /// The database has the schema of another version.
    #[error("wrong database schema: {0}")]
    Schema(String),
    /// The database's settings do not guarantee durability, or it lacks a privilege or a property that the operation
    /// needs.
    #[error("the database cannot be used: {0}")]
    Misconfigured(String),
    /// A lock was not released in time. Nothing was written; a retry may succeed.
    #[error("timed out waiting for a lock")]
    Busy(#[source] Arc<DbErr>),
    /// The database rolled the transaction back because of a deadlock or a serialization conflict. An immediate retry
    /// may succeed.
    #[error("rolled back because of a concurrent transaction")]
    SerializationFailure(#[source] Arc<DbErr>),
    /// The transaction may or may not have been committed. Retrying is safe, because event keys are idempotent.
    #[error("unknown whether the events were recorded; recording them again is safe")]
    OutcomeUnknown,
    /// The operation exceeded its time limit.
    #[error("timed out")]
    Timeout,
    /// The database cannot be reached, or refuses writes.
    #[error("the database is unavailable")]
    Unavailable(#[source] Arc<DbErr>),
    /// The requested events are larger than one request may read.
    #[error("the events have at least {requested} bytes, but a request may read at most {limit}")]
    TooLarge {
        /// Bytes read when the limit was exceeded.
        requested: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A caller's requests would take more memory than one caller may use.
    #[error("the requests of one caller need at least {requested} bytes, but may use at most {limit}")]
    CallerMemory {
        /// Bytes needed when the limit was exceeded.
        requested: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The requests of all callers would take more memory than the server may use.
    #[error("the requests of all callers need too much memory")]
    ServerMemory,
    /// The request waited too long to be recorded, because the database is locked or slow. Nothing was recorded.
    #[error("the database is locked or too slow")]
    DatabaseLocked,
    /// The record queue is full. Nothing was recorded.
    #[error("the record queue is full")]
    QueueFull,
    /// The tenant does not exist or is disabled.
    #[error("no tenant `{0}`")]
    NoTenant(String),
    /// A tenant with this key already exists.
    #[error("tenant `{0}` already exists")]
    TenantExists(String),
    /// There is no API key with this id that is neither revoked nor expired.
    #[error("no API key `{0}` that is neither revoked nor expired")]
    NoApiKey(String),
    /// The tenant has the most API keys that a tenant can have.
    #[error("the tenant already has the most API keys that are neither revoked nor expired: revoke some")]
    TooManyApiKeys,
    /// A table of a log has as many rows as it can number.
    #[error("table `{table}` is full: a log can number {} of its rows", i32::MAX)]
    NumbersExhausted {
        /// The table.
        table: &'static str,
    },
    /// Something was recorded in the source of a copy while it was copied.
    #[error("the source changed during the copy: stop every server and import that uses it, and copy again")]
    SourceChanged,
    /// An invariant of this program is violated.
    #[error("bug: {0}")]
    Bug(&'static str),
    /// Any other error of the database.
    #[error("database error")]
    Database(#[source] Arc<DbErr>),
}
