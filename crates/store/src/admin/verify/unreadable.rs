//! Parts of a log that the database cannot read, for example because a page of its file is damaged. Each is reported,
//! with the events that it concerns, and verification continues with the rest.

use std::error::Error as _;

use sea_orm::{ConnectionTrait as _, DbBackend};

use super::{Difference, Verification};
use crate::StoreError;

/// The savepoint to which PostgreSQL returns after an error: without one, no further statement of the transaction would
/// be run.
const SAVEPOINT: &str = "readable";

/// Whether an error is caused by the rows that were read, so that other rows may still be readable. All other errors,
/// such as a lost connection, end the verification.
pub(super) fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(_) | StoreError::Corrupt { .. })
}

/// Returns the innermost cause of an error.
pub(super) fn cause(error: &StoreError) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = error.to_string();
        source = error.source();
    }
    message
}

/// The events that cannot be read: the last range of them, which is not reported yet.
#[derive(Debug, Default)]
pub(super) struct UnreadableEvents {
    /// First and last sequence, and the cause.
    pending: Option<(i64, i64, String)>,
    has_any: bool,
}

impl UnreadableEvents {
    /// Whether all events could be read.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_any
    }

    /// Notes that an event cannot be read, which was reported already.
    pub(super) fn set_any(&mut self) {
        self.has_any = true;
    }

    /// Adds an event to the pending range, unless it does not continue that range. Returns whether the pending range
    /// has to be reported first.
    pub(super) fn add(&mut self, sequence: i64, error: &StoreError) -> bool {
        self.has_any = true;
        let cause = cause(error);
        match &mut self.pending {
            Some((_, last, pending)) if *last + 1 == sequence && *pending == cause => *last = sequence,
            Some(_) => return true,
            None => self.pending = Some((sequence, sequence, cause)),
        }
        false
    }
}

impl Verification<'_> {
    /// Sets the savepoint for [`Self::return_to_savepoint`].
    pub(super) async fn set_savepoint(&self) -> Result<(), StoreError> {
        self.run_on_postgres(&format!("SAVEPOINT {SAVEPOINT}")).await
    }

    /// Makes the transaction usable again after an error.
    pub(super) async fn return_to_savepoint(&self) -> Result<(), StoreError> {
        self.run_on_postgres(&format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}")).await
    }

    async fn run_on_postgres(&self, sql: &str) -> Result<(), StoreError> {
        if self.snapshot.get_database_backend() == DbBackend::Postgres {
            self.snapshot.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    /// Returns what was read, or reports that a table cannot be read, for the events of a range, and returns `None`.
    pub(super) async fn readable<T>(
        &mut self,
        read: Result<T, impl Into<StoreError>>,
        table: &str,
        range: Option<(i64, i64)>,
    ) -> Result<Option<T>, StoreError> {
        let error = match read.map_err(Into::into) {
            Ok(read) => return Ok(Some(read)),
            Err(error) if is_damage(&error) => error,
            Err(error) => return Err(error),
        };
        self.return_to_savepoint().await?;
        self.report_unreadable(table, range, &cause(&error));
        Ok(None)
    }

    /// Reports the events that could not be read since the last call.
    pub(super) fn report_unreadable_events(&mut self) {
        if let Some((first, last, cause)) = self.unreadable.pending.take() {
            self.report_unreadable("audit_event", Some((first, last)), &cause);
        }
    }

    fn report_unreadable(&mut self, table: &str, range: Option<(i64, i64)>, cause: &str) {
        let reason = match range {
            Some((first, last)) if last == i64::MAX => format!("cannot be read from event {first} on: {cause}"),
            Some((first, last)) if first < last => format!("cannot be read up to event {last}: {cause}"),
            _ => format!("cannot be read: {cause}"),
        };
        let sequence = range.map(|(first, _)| first);
        (self.report)(Difference { sequence, part: table.to_owned(), reason });
    }
}
