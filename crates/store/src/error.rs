//! Why the log could not answer.

use std::sync::Arc;

use sea_orm::DbErr;

/// Why the log could not answer. Never shown to callers: only `graphql` and the command line decide what is said.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored row makes no sense.
    #[error("corrupt {table}.{column} at {id}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database's schema is not this version's.
    #[error("the database is not at this version's schema: {0}")]
    Schema(String),
    /// The database is set up so that the log's promises would not hold.
    #[error("the database cannot keep the log's promises: {0}")]
    Misconfigured(String),
    /// Locks were not released in time; nothing was done, and repeating helps.
    #[error("busy")]
    Busy(#[source] Arc<DbErr>),
    /// The database undid it to let another go on (deadlock, serialization failure); repeating at once helps.
    #[error("undone in favour of another")]
    SerializationFailure(#[source] Arc<DbErr>),
    /// Whether it was recorded is not known; repeating is safe.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// It took too long.
    #[error("took too long")]
    Timeout,
    /// The database cannot be reached or cannot take anything.
    #[error("unavailable")]
    Unavailable(#[source] Arc<DbErr>),
    /// The events asked for have more bytes than one request may read.
    #[error("{asked} bytes of events, where {limit} are allowed")]
    TooLarge {
        /// How many bytes there were, as far as was read.
        asked: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Too many events wait to be recorded; nothing was taken.
    #[error("too many events wait to be recorded")]
    QueueFull,
    /// The tenant is not there, or disabled.
    #[error("no tenant `{0}`")]
    NoTenant(String),
    /// A tenant of this key is there already.
    #[error("tenant `{0}` exists already")]
    TenantExists(String),
    /// Something happened that this program rules out.
    #[error("bug: {0}")]
    Bug(&'static str),
    /// Anything else the database says.
    #[error("database")]
    Database(#[source] Arc<DbErr>),
}
