//! Decodes rows of `audit_event`. An invalid row is [`StoreError::Corrupt`], never a default value.

use sea_orm::QueryResult;

use crate::StoreError;
use model::page::Position;
use model::view::EventView;
use model::{Event, Json, Scope, Timestamp};

/// The columns of a page, in the order in which [`EventRow`] reads them.
pub(crate) const COLUMNS: &str = "e.sequence, e.occurred_at, e.recorded_at, e.body, e.body_format";

/// The format of bodies that are written today: `model::EventBody` as JSON.
pub(crate) const BODY_FORMAT: i16 = 1;

/// A row of a page, not yet decoded. [`crate::Reader`] decodes it, because it knows the scope.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub(crate) position: Position,
    recorded_at: Timestamp,
    body: String,
    body_format: i16,
}

impl EventRow {
    pub(crate) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self {
            position: Position { sequence: row.try_get_by(0)?, occurred_at: Timestamp(row.try_get_by(1)?) },
            recorded_at: Timestamp(row.try_get_by(2)?),
            body: row.try_get_by(3)?,
            body_format: row.try_get_by(4)?,
        })
    }

    /// Returns the size of the body in bytes, before it is reduced to the scope.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Decodes the event, reduced to the scope.
    pub(crate) fn event(self, scope: &Scope) -> Result<Event, StoreError> {
        self.check_format()?;
        let body = serde_json::from_str(&self.body).map_err(|error| self.corrupt("body", error.to_string()))?;
        let (position, recorded_at) = (self.position, self.recorded_at);
        let raw = Some(Json::stored(self.body));
        let event = Event { sequence: position.sequence, recorded_at, body, raw, is_redacted: false };
        event.reduced(scope).ok_or_else(|| service_mismatch(position))
    }

    /// Decodes the event as a view that borrows from the row, reduced to the scope.
    pub(crate) fn view(&self, scope: &Scope) -> Result<EventView<'_>, StoreError> {
        self.check_format()?;
        let view = EventView::read(self.position.sequence, self.recorded_at, &self.body);
        let view = view.map_err(|error| self.corrupt("body", error.to_string()))?;
        view.reduced(scope).ok_or_else(|| service_mismatch(self.position))
    }

    fn check_format(&self) -> Result<(), StoreError> {
        if self.body_format == BODY_FORMAT {
            return Ok(());
        }
        Err(self.corrupt("body_format", format!("unknown format {}", self.body_format)))
    }

    fn corrupt(&self, column: &'static str, reason: String) -> StoreError {
        corrupt(self.position, column, reason)
    }
}

/// The service column, by which the row was selected, differs from the service in the body.
fn service_mismatch(position: Position) -> StoreError {
    corrupt(position, "service", "differs from the body".to_owned())
}

fn corrupt(position: Position, column: &'static str, reason: String) -> StoreError {
    StoreError::Corrupt { table: "audit_event", column, id: position.sequence.to_string(), reason }
}
