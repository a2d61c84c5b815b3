//! Maps database errors to [`StoreError`]: the only file that knows SQLSTATEs and SQLite result codes.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::StoreError;

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let error = Arc::new(error);
        match &*error {
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match error_kind(cause) {
                ErrorKind::Busy => Self::Busy(error),
                ErrorKind::SerializationFailure => Self::SerializationFailure(error),
                ErrorKind::Timeout => Self::Timeout,
                ErrorKind::Unavailable => Self::Unavailable(error),
                ErrorKind::Other => Self::Database(error),
            },
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

pub(crate) fn sqlx_error(error: SqlxError) -> StoreError {
    StoreError::from(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorKind {
    Busy,
    SerializationFailure,
    Timeout,
    Unavailable,
    Other,
}

fn error_kind(error: &SqlxError) -> ErrorKind {
    match error {
        SqlxError::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            if cause.try_downcast_ref::<sea_orm::SqlxSqliteError>().is_some() {
                sqlite_kind(&code)
            } else {
                postgres_kind(&code)
            }
        }
        SqlxError::Io(_)
        | SqlxError::Tls(_)
        | SqlxError::Protocol(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// Maps a SQLSTATE (PostgreSQL documentation, appendix A).
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        // lock_not_available
        "55P03" => ErrorKind::Busy,
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => ErrorKind::SerializationFailure,
        // query_canceled: a statement timeout
        "57014" => ErrorKind::Timeout,
        // classes: connection exception, insufficient resources (disk full, too many connections), operator
        // intervention, system error
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => ErrorKind::Unavailable,
        // read_only_sql_transaction (a standby after a failover); idle_in_transaction_session_timeout;
        // insufficient_privilege, which an operator can grant while the server runs
        "25006" | "25P03" | "42501" => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// Maps an SQLite result code. The primary code is the lower byte of an extended code.
fn sqlite_kind(code: &str) -> ErrorKind {
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => ErrorKind::Busy,
        // SQLITE_INTERRUPT
        9 => ErrorKind::Timeout,
        // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
        8 | 10 | 13 | 14 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_classified_by_code() {
        assert_eq!(postgres_kind("40P01"), ErrorKind::SerializationFailure);
        assert_eq!(postgres_kind("40001"), ErrorKind::SerializationFailure);
        assert_eq!(postgres_kind("55P03"), ErrorKind::Busy);
        assert_eq!(postgres_kind("25P03"), ErrorKind::Unavailable);
        assert_eq!(postgres_kind("57014"), ErrorKind::Timeout);
        assert_eq!(postgres_kind("53100"), ErrorKind::Unavailable);
        assert_eq!(postgres_kind("42501"), ErrorKind::Unavailable);
        assert_eq!(postgres_kind("23505"), ErrorKind::Other);
        assert_eq!(sqlite_kind("261"), ErrorKind::Busy);
        assert_eq!(sqlite_kind("13"), ErrorKind::Unavailable);
        assert_eq!(sqlite_kind("1555"), ErrorKind::Other);
    }
}
