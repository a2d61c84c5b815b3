//! Counts the outcomes of recording, so that the request log and the metrics report events that were not recorded.

use std::sync::atomic::{AtomicU64, Ordering};

use super::recorder::Recorded;

/// The numbers of events by outcome that requests of one caller have recorded so far.
#[derive(Debug, Default)]
pub struct OutcomeCounter {
    recorded: AtomicU64,
    duplicates: AtomicU64,
    conflicts: AtomicU64,
    rejected: AtomicU64,
}

/// The number of events with each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Events that were recorded.
    pub recorded: u64,
    /// Events that had been recorded before.
    pub duplicates: u64,
    /// Events whose key belongs to a different event.
    pub conflicts: u64,
    /// Events that are not valid.
    pub rejected: u64,
}

impl OutcomeCounter {
    /// Counts one event.
    pub(super) fn count(&self, outcome: &Recorded) {
        let counter = match outcome {
            Recorded::Recorded(..) => &self.recorded,
            Recorded::Duplicate(_) | Recorded::DifferingDuplicate(..) => &self.duplicates,
            Recorded::Conflict(_) => &self.conflicts,
            Recorded::Rejected(_) => &self.rejected,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the current counts, or `None` if no event has an outcome yet.
    pub fn counts(&self) -> Option<OutcomeCounts> {
        let [recorded, duplicates, conflicts, rejected] =
            [&self.recorded, &self.duplicates, &self.conflicts, &self.rejected]
                .map(|count| count.load(Ordering::Relaxed));
        let counts = OutcomeCounts { recorded, duplicates, conflicts, rejected };
        (counts != OutcomeCounts::default()).then_some(counts)
    }
}
