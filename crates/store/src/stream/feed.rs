//! The change feed: polls the log in commit order, without gaps or repetitions.
//!
//! Sequences are assigned without gaps in the order of commits, so every event up to the head is readable. A page scans
//! a bounded part of the log, and its cursor moves to the end of that part even if nothing matched.

use std::time::{Duration, Instant};

use crate::query::select::{RangeScan, ScanBound};
use crate::read::row;
use crate::{EventQuery, Reader, StoreError};
use model::filter::{Condition, TimeRange};
use model::page::{FeedCursor, Order, OrderField, Position};
use model::{Event, Timestamp};

/// The most events that one page scans.
const SCANNED_MAX: i64 = 20_000;
/// The number of events in the first step of a page, at least the page's limit. Each further step is four times as
/// large.
const STEP_MIN: i64 = 100;
/// A page that has taken this long ends early. Its cursor has moved, however expensive the events were.
const PAGE_TIME_MAX: Duration = Duration::from_secs(1);

/// The most bytes of events that a follower or the tail reads at once. A single event is always smaller.
pub(crate) const BATCH_BYTES_MAX: usize = 16 << 20;

/// A page of the change feed.
#[derive(Debug)]
pub struct FeedPage {
    /// The matching events, oldest first.
    pub events: Vec<Event>,
    /// The page covers the log after this sequence.
    pub scanned_from: i64,
    /// Every event up to this position was delivered or did not match.
    pub safe_up_to: FeedCursor,
    /// Whether the page reaches the head of the log.
    pub is_caught_up: bool,
}

/// Why a feed cannot continue.
#[derive(Clone, Debug)]
pub enum FeedError {
    /// The cursor is of another log or lies beyond this one's head: the log was restored.
    Restored {
        /// The start of the log.
        oldest: FeedCursor,
    },
    /// The tenant was disabled.
    Closed,
    /// The log could not be read.
    Store(StoreError),
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Reader {
    /// Returns the events after a cursor that match a condition, at most `limit`. Without a cursor, starts at the
    /// oldest event.
    pub async fn feed(
        &self,
        after: Option<FeedCursor>,
        condition: &Condition,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        let head = self.feed_head().await?;
        let after = after.unwrap_or(FeedCursor { sequence: 0, ..head });
        self.scan_after(head, after, condition, limit).await
    }

    /// Checks that a log with this head can continue from a cursor.
    pub(crate) fn check_cursor(head: FeedCursor, after: FeedCursor) -> Result<(), FeedError> {
        if after.log_id != head.log_id || after.sequence > head.sequence {
            return Err(FeedError::Restored { oldest: FeedCursor { sequence: 0, ..head } });
        }
        Ok(())
    }

    /// Returns the events of a scan that match the list's condition.
    async fn events_of(&self, list: &EventQuery, scan: RangeScan) -> Result<Vec<Event>, StoreError> {
        if list.condition.needs_body() {
            return Ok(self.matching(list, scan).await?.into_iter().map(|(_, event)| event).collect());
        }
        let fetched = self.fetch_events(self.list_query(list).scan(row::COLUMNS, &scan)).await?;
        Ok(fetched.into_iter().map(|(_, event)| event).collect())
    }

    /// Scans the log between a cursor and the head, or as much as one page covers.
    pub(crate) async fn scan_after(
        &self,
        head: FeedCursor,
        after: FeedCursor,
        condition: &Condition,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        Self::check_cursor(head, after)?;
        if after.sequence == head.sequence {
            return Ok(FeedPage {
                events: Vec::new(),
                scanned_from: after.sequence,
                safe_up_to: head,
                is_caught_up: true,
            });
        }
        let list = EventQuery { condition: condition.clone(), period: TimeRange::default(), as_of: None };
        let (started, mut step, mut limit) = (Instant::now(), STEP_MIN.max(i64::from(limit)), limit as usize);
        let end = head.sequence.min(after.sequence + SCANNED_MAX);
        let (mut safe, mut events) = (after.sequence, Vec::new());
        while safe < end && events.len() < limit && (safe == after.sequence || started.elapsed() < PAGE_TIME_MAX) {
            let to = end.min(safe + step);
            let fetched = match self.events_of(&list, sequence_range(safe, to, limit - events.len())).await {
                // Return what was scanned so far; the next page continues from there.
                Err(StoreError::Timeout | StoreError::TooLarge { .. }) if safe > after.sequence => break,
                // Large events: return fewer per page, so that a poller always makes progress.
                Err(StoreError::TooLarge { .. }) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                fetched => fetched?,
            };
            events.extend(fetched);
            let is_full = events.len() == limit;
            safe = events.last().filter(|_| is_full).map_or(to, |last: &Event| last.sequence);
            step *= 4;
        }
        self.shown.events(events.len());
        self.shown.up_to(safe);
        Ok(FeedPage {
            events,
            scanned_from: after.sequence,
            safe_up_to: FeedCursor { sequence: safe, ..head },
            is_caught_up: safe == head.sequence,
        })
    }
}

/// Returns a scan by sequence after `after` and up to `to`.
fn sequence_range(after: i64, to: i64, limit: usize) -> RangeScan {
    let bound =
        |sequence, inclusive| Some(ScanBound { position: Position { occurred_at: Timestamp(0), sequence }, inclusive });
    RangeScan {
        order: Order { field: OrderField::Sequence, descending: false },
        start: bound(after, false),
        end: bound(to, true),
        limit: limit as u64,
    }
}

/// Returns the approximate size of events in bytes. Events with withheld values count little; few have any.
pub(crate) fn event_bytes(events: &[Event]) -> usize {
    events.iter().filter_map(|event| event.raw.as_ref()).map(|raw| raw.text().len()).sum()
}
