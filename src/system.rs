//! The system clock and the source of random ids.
//!
//! The workspace has no other use of either: all other code takes times and ids as arguments, so that its tests are
//! deterministic (`.clippy.toml` disallows the functions called here).

use model::Timestamp;

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "the one use of the system clock")]
pub fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_micros())
}

/// Returns a new random id (UUID, version 4).
#[expect(clippy::disallowed_methods, reason = "the one source of random ids")]
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
