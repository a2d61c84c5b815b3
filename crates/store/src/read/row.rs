//! Decodes rows of `audit_event`. An invalid row is [`StoreError::Corrupt`], never a default value.

use sea_orm::QueryResult;

use crate::StoreError;
use crate::read::stored_body;
use model::page::Position;
use model::view::EventView;
use model::{Event, Json, Scope, Timestamp};

/// The columns of a page, in the order in which [`EventRow`] reads them.
pub(crate) const COLUMNS: &str = "e.sequence, e.occurred_at, e.recorded_at, e.body, e.body_format";

/// A row of a page as it is stored. Its text is decoded after the memory for it has been reserved.
#[derive(Debug)]
pub(crate) struct StoredRow {
    position: Position,
    recorded_at: Timestamp,
    body: Vec<u8>,
    body_format: i16,
    text_bytes: usize,
}

impl StoredRow {
    pub(crate) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let (body, body_format): (Vec<u8>, i16) = (row.try_get_by(3)?, row.try_get_by(4)?);
        Ok(Self {
            position: Position { sequence: row.try_get_by(0)?, occurred_at: Timestamp(row.try_get_by(1)?) },
            recorded_at: Timestamp(row.try_get_by(2)?),
            text_bytes: stored_body::text_bytes(body_format, &body, body.len()),
            body,
            body_format,
        })
    }

    /// Returns the size of the body's text in bytes, which is known before it is decoded.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Decodes the text of the body.
    pub(crate) fn decode(self) -> EventRow {
        let Self { position, recorded_at, text_bytes, .. } = self;
        let body = body_codec::decode(self.body_format, &self.body);
        let body = body.map_err(|error| stored_body::corrupt_body(position.sequence, &error));
        EventRow { position, recorded_at, body, text_bytes }
    }
}

/// A row of a page with the text of its body, which is not parsed yet. [`crate::Reader`] parses it, because it knows the
/// scope.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub(crate) position: Position,
    recorded_at: Timestamp,
    /// The text, or why it could not be decoded: an error only for what needs the text.
    body: Result<String, StoreError>,
    text_bytes: usize,
}

impl EventRow {
    /// Returns the size of the body's text in bytes, before it is reduced to the scope.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes
    }

    /// Decodes the event, reduced to the scope.
    pub(crate) fn event(self, scope: &Scope) -> Result<Event, StoreError> {
        let (position, recorded_at, text) = (self.position, self.recorded_at, self.body?);
        let body = serde_json::from_str(&text).map_err(|error| corrupt(position, "body", error.to_string()))?;
        let raw = Some(Json::stored(text));
        let event = Event { sequence: position.sequence, recorded_at, body, raw, is_redacted: false };
        event.redacted_for(scope).ok_or_else(|| service_mismatch(position))
    }

    /// Decodes the event as a view that borrows from the row, reduced to the scope.
    pub(crate) fn view(&self, scope: &Scope) -> Result<EventView<'_>, StoreError> {
        let text = self.body.as_ref().map_err(Clone::clone)?;
        let view = EventView::read(self.position.sequence, self.recorded_at, text);
        let view = view.map_err(|error| corrupt(self.position, "body", error.to_string()))?;
        view.redacted_for(scope).ok_or_else(|| service_mismatch(self.position))
    }
}

/// The service column, by which the row was selected, differs from the service in the body.
fn service_mismatch(position: Position) -> StoreError {
    corrupt(position, "service", "differs from the body".to_owned())
}

fn corrupt(position: Position, column: &'static str, reason: String) -> StoreError {
    StoreError::Corrupt { table: "audit_event", column, id: position.sequence.to_string(), reason }
}
