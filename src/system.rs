//! The system clock and the source of random ids, secrets and numbers.
//!
//! The workspace has no other use of either: all other code takes times and ids as arguments, so that its tests are
//! deterministic (`.clippy.toml` disallows the functions called here).

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use access::RandomSource;
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

/// Returns 32 random bytes for a secret: a hash of three random ids, which have 366 bits of the system's secure source.
#[expect(clippy::disallowed_methods, reason = "the one source of random ids")]
pub fn random_bytes() -> [u8; 32] {
    let hash = (0..3).fold(Sha256::new(), |hash, _| hash.chain_update(uuid::Uuid::new_v4().as_bytes()));
    hash.finalize().into()
}

/// Returns the sources of random ids and secrets.
pub fn random_source() -> RandomSource {
    RandomSource { ids: Arc::new(new_id), secrets: Arc::new(random_bytes) }
}
