//! A stored event, read in place: strings are borrowed from the stored body, and JSON values stay unparsed.
//!
//! Pages are written from views. [`super::Event`] is the owned form, for all code that inspects or keeps an event. A
//! test runs random documents against both to prove that both show the same (`tests/it/api/output.rs`).

use super::{BodyView, EventId, RawJson, Timestamp};

/// A stored event as a scope shows it.
#[derive(Debug)]
pub struct EventView<'a> {
    /// The position in the tenant's log.
    pub sequence: i64,
    /// When the event was recorded.
    pub recorded_at: Timestamp,
    /// The body, without the parts that the caller may not see.
    pub body: BodyView<'a>,
    /// The body as stored, or `None` if any part of it is withheld.
    pub raw: Option<RawJson<'a>>,
    /// Whether any part of the event is withheld.
    pub is_redacted: bool,
}

impl<'a> EventView<'a> {
    /// Reads a stored body.
    ///
    /// # Errors
    ///
    /// Fails if `body` is not the JSON of an [`EventBody`](super::EventBody).
    pub fn read(sequence: i64, recorded_at: Timestamp, body: &'a str) -> Result<Self, serde_json::Error> {
        let raw = Some(RawJson::stored(body));
        Ok(Self { sequence, recorded_at, raw, is_redacted: false, body: serde_json::from_str(body)? })
    }

    /// The id of the event.
    pub fn id(&self) -> EventId {
        EventId::of(&self.body.service, &self.body.event_key)
    }
}
