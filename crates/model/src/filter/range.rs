//! Ranges of times and of positions in the log.

use crate::Timestamp;

/// A half-open range of time, `from..to`. A bound that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The start of the range, inclusive.
    pub from: Option<Timestamp>,
    /// The end of the range, exclusive.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Whether a time is in the range.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// A half-open range of positions in the log, `from..to`. A bound that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceRange {
    /// The start of the range, inclusive.
    pub from: Option<i64>,
    /// The end of the range, exclusive.
    pub to: Option<i64>,
}

impl SequenceRange {
    /// Whether a position is in the range.
    pub fn contains(&self, sequence: i64) -> bool {
        self.from.is_none_or(|from| sequence >= from) && self.to.is_none_or(|to| sequence < to)
    }
}
