//! Rows of the log, read back: an invalid row is a named error, never a guess.

use sea_orm::QueryResult;

use super::StoreError;
use model::page::Position;
use model::view::EventView;
use model::{Event, Json, Scope, Timestamp};

/// The columns of a page, in the order in which [`Row`] reads them.
pub(super) const COLUMNS: &str = "e.sequence, e.occurred_at, e.recorded_at, e.body, e.body_format";

/// The format of the bodies written today: `model::EventBody` as JSON.
pub(super) const BODY_FORMAT: i16 = 1;

/// A row of a page, as it came. What it holds is shown by its [`super::Reader`], which knows the scope.
#[derive(Clone, Debug)]
pub struct Row {
    pub(super) position: Position,
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

    /// The event as the scope shows it.
    pub(super) fn event(self, scope: &Scope) -> Result<Event, StoreError> {
        self.check_format()?;
        let body = serde_json::from_str(&self.body).map_err(|error| self.corrupt("body", error.to_string()))?;
        let (position, recorded_at) = (self.position, self.recorded_at);
        let raw = Some(Json::stored(self.body));
        let event = Event { sequence: position.sequence, recorded_at, body, raw, is_redacted: false };
        event.redacted_for(scope).ok_or_else(|| not_the_bodys(position))
    }

    /// The same, read where it lies.
    pub(super) fn view(&self, scope: &Scope) -> Result<EventView<'_>, StoreError> {
        self.check_format()?;
        let view = EventView::read(self.position.sequence, self.recorded_at, &self.body);
        let view = view.map_err(|error| self.corrupt("body", error.to_string()))?;
        view.redacted_for(scope).ok_or_else(|| not_the_bodys(self.position))
    }

    fn check_format(&self) -> Result<(), StoreError> {
        if self.body_format == BODY_FORMAT {
            return Ok(());
        }
        Err(self.corrupt("body_format", format!("{} is not known", self.body_format)))
    }

    fn corrupt(&self, column: &'static str, reason: String) -> StoreError {
        corrupt(self.position, column, reason)
    }
}

/// The service in the column, by which the row was selected, is another than that in the body.
fn not_the_bodys(position: Position) -> StoreError {
    corrupt(position, "service", "not the body's".to_owned())
}

fn corrupt(position: Position, column: &'static str, reason: String) -> StoreError {
    StoreError::Corrupt { table: "audit_event", column, id: position.sequence.to_string(), reason }
}
