//! Database errors, told apart: the one place that knows SQLSTATEs and SQLite's result codes.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::StoreError;

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let error = Arc::new(error);
        match &*error {
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match kind(cause) {
                Kind::Busy => Self::Busy(error),
                Kind::SerializationFailure => Self::SerializationFailure(error),
                Kind::Timeout => Self::Timeout,
                Kind::Unavailable => Self::Unavailable(error),
                Kind::Other => Self::Database(error),
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
enum Kind {
    Busy,
    SerializationFailure,
    Timeout,
    Unavailable,
    Other,
}

fn kind(error: &SqlxError) -> Kind {
    match error {
        SqlxError::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            if cause.try_downcast_ref::<sea_orm::SqlxSqliteError>().is_some() { sqlite(&code) } else { postgres(&code) }
        }
        SqlxError::Io(_)
        | SqlxError::Tls(_)
        | SqlxError::Protocol(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn postgres(code: &str) -> Kind {
    match code {
        // lock not available
        "55P03" => Kind::Busy,
        // serialization failure, deadlock
        "40001" | "40P01" => Kind::SerializationFailure,
        // query canceled, which is what a statement timeout looks like
        "57014" => Kind::Timeout,
        // connection exceptions, insufficient resources (disk full, too many connections), operator intervention
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Kind::Unavailable,
        // read only, which is what a standby after a failover looks like; ended for being idle in a transaction; no
        // privilege, which an operator takes away and gives
        "25006" | "25P03" | "42501" => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// By result code; the primary code is the lower byte of an extended one.
fn sqlite(code: &str) -> Kind {
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => Kind::Busy,
        // SQLITE_INTERRUPT
        9 => Kind::Timeout,
        // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
        8 | 10 | 13 | 14 => Kind::Unavailable,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_code() {
        assert_eq!(postgres("40P01"), Kind::SerializationFailure);
        assert_eq!(postgres("40001"), Kind::SerializationFailure);
        assert_eq!(postgres("55P03"), Kind::Busy);
        assert_eq!(postgres("25P03"), Kind::Unavailable);
        assert_eq!(postgres("57014"), Kind::Timeout);
        assert_eq!(postgres("53100"), Kind::Unavailable);
        assert_eq!(postgres("42501"), Kind::Unavailable);
        assert_eq!(postgres("23505"), Kind::Other);
        assert_eq!(sqlite("261"), Kind::Busy);
        assert_eq!(sqlite("13"), Kind::Unavailable);
        assert_eq!(sqlite("1555"), Kind::Other);
    }
}
