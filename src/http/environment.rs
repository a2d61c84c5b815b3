//! The sources of time and of random ids.

use access::IdGenerator;
use model::Timestamp;
use store::Clock;

/// The sources of time and of random ids. The server takes them from [`crate::system`].
#[derive(Clone)]
pub struct Environment {
    clock: Clock,
    ids: IdGenerator,
}

impl Environment {
    /// Uses these sources.
    pub fn new(clock: Clock, ids: IdGenerator) -> Self {
        Self { clock, ids }
    }

    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A new random id.
    pub(super) fn new_id(&self) -> String {
        (self.ids)()
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
