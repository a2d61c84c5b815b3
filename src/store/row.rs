//! Rows of the log, read back: a row that makes no sense is a named error, never a guess.

use sea_orm::QueryResult;

use super::StoreError;
use crate::audit::page::Position;
use crate::audit::{Event, Json, Scope, Timestamp};

/// The columns of a page, in the order [`event`] reads them.
pub(super) const COLUMNS: &str = "e.sequence, e.occurred_at, e.recorded_at, e.body, e.body_format";

/// The format of the bodies written today: `audit::EventBody` as JSON.
pub(super) const BODY_FORMAT: i16 = 1;

/// A row of a page: where it stands, and the event as the scope shows it.
pub(super) fn event(row: &QueryResult, scope: &Scope) -> Result<(Position, Event), StoreError> {
    let sequence: i64 = row.try_get_by(0)?;
    let corrupt =
        |column, reason: String| StoreError::Corrupt { table: "audit_event", column, id: sequence.to_string(), reason };
    let position = Position { occurred_at: Timestamp(row.try_get_by(1)?), sequence };
    let (text, format): (String, i16) = (row.try_get_by(3)?, row.try_get_by(4)?);
    if format != BODY_FORMAT {
        return Err(corrupt("body_format", format!("{format} is not known")));
    }
    let body = serde_json::from_str(&text).map_err(|error| corrupt("body", error.to_string()))?;
    let event = Event {
        sequence,
        recorded_at: Timestamp(row.try_get_by(2)?),
        body,
        raw: Some(Json::stored(text)),
        is_redacted: false,
    };
    let event = event.reduced(scope).ok_or_else(|| corrupt("service", "not the body's".to_owned()))?;
    Ok((position, event))
}
