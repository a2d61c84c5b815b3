//! Rows of the log, read back: a row that makes no sense is a named error, never a guess.

use sea_orm::QueryResult;

use super::StoreError;
use crate::audit::page::Position;
use crate::audit::{Event, Json, Scope, Timestamp};

/// The columns of a page, in the order in which [`Row`] reads them.
pub(super) const COLUMNS: &str = "e.sequence, e.occurred_at, e.recorded_at, e.body, e.body_format";

/// The format of the bodies written today: `audit::EventBody` as JSON.
pub(super) const BODY_FORMAT: i16 = 1;

/// A row of a page, as it came.
pub(super) struct Row {
    position: Position,
    recorded_at: Timestamp,
    body: String,
    body_format: i16,
}

impl Row {
    pub(super) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self {
            position: Position { sequence: row.try_get_by(0)?, occurred_at: Timestamp(row.try_get_by(1)?) },
            recorded_at: Timestamp(row.try_get_by(2)?),
            body: row.try_get_by(3)?,
            body_format: row.try_get_by(4)?,
        })
    }

    /// How many bytes the event has, whatever the scope shows of it.
    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Where it stands, and the event as the scope shows it.
    pub(super) fn event(self, scope: &Scope) -> Result<(Position, Event), StoreError> {
        let sequence = self.position.sequence;
        let corrupt =
            |column, reason| StoreError::Corrupt { table: "audit_event", column, id: sequence.to_string(), reason };
        if self.body_format != BODY_FORMAT {
            return Err(corrupt("body_format", format!("{} is not known", self.body_format)));
        }
        let body = serde_json::from_str(&self.body).map_err(|error| corrupt("body", error.to_string()))?;
        let event = Event {
            sequence,
            recorded_at: self.recorded_at,
            body,
            raw: Some(Json::stored(self.body)),
            is_redacted: false,
        };
        let event = event.reduced(scope).ok_or_else(|| corrupt("service", "not the body's".to_owned()))?;
        Ok((self.position, event))
    }
}
