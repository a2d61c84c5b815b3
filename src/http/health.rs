//! Whether the log can be reached. The result is cached for a moment, because this address is open to everybody.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use store::Store;

/// How long an answer is cached.
const REMEMBERED: Duration = Duration::from_millis(250);

/// Knows whether the database is reached and at this version's schema.
#[derive(Debug)]
pub struct Readiness {
    store: Store,
    asked: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// Nobody has asked yet.
    pub fn of(store: Store) -> Self {
        Self { store, asked: Mutex::default() }
    }

    /// Asks, or says what was heard a moment ago. Who comes meanwhile hears the same answer.
    pub(in crate::http) async fn is_ready(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if let Some((at, is_ready)) = *asked
            && at.elapsed() < REMEMBERED
        {
            return is_ready;
        }
        let checked = self.store.check_schema().await;
        if let Err(error) = &checked {
            tracing::warn!(error = error as &dyn std::error::Error, "not ready");
        }
        *asked = Some((Instant::now(), checked.is_ok()));
        checked.is_ok()
    }
}
