//! The system clock and the source of random ids and numbers.
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

/// Returns a random number from 0 to 1.
#[expect(clippy::disallowed_methods, reason = "the one source of random numbers")]
pub fn random_fraction() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}
