//! The log in commit order, for pollers: what was recorded after a place, never skipping and never repeating.
//!
//! Numbers are given without gaps in the order of commits, so everything up to the head that was read can be read. A
//! page examines a bounded part of the log, and its cursor moves to the end of that part, even when nothing matched.

use std::time::{Duration, Instant};

use crate::query::select::{self, RangeScan, ScanBound};
use crate::read::row;
use crate::{Reader, StoreError};
use model::filter::{Condition, TimeRange};
use model::page::{FeedCursor, Order, OrderField, Position};
use model::{Event, Timestamp};

/// The most events that one page looks at.
const SCANNED_MAX: i64 = 20_000;
/// How many of them it looks at first, unless it may have more; then four times as many, and so on.
const STEP_MIN: i64 = 100;
/// When a page has taken this long it ends where it is: its cursor has moved, whatever the events there cost.
const PAGE_TIME_MAX: Duration = Duration::from_secs(1);

pub(crate) const BATCH_BYTES_MAX: usize = 16 << 20;

/// A page of the feed.
#[derive(Debug)]
pub struct FeedPage {
    /// The events that match, oldest first.
    pub events: Vec<Event>,
    /// The page looked at everything after this place.
    pub scanned_from: i64,
    /// Everything up to this place was delivered or did not match.
    pub safe_up_to: FeedCursor,
    /// Whether the page reaches the end of the log as it was.
    pub is_caught_up: bool,
}

/// Why a feed cannot go on from a cursor.
#[derive(Clone, Debug)]
pub enum FeedError {
    /// The log is another one than the cursor's, or does not reach it: it was restored.
    Restored {
        /// Where the log can be read from its beginning.
        oldest: FeedCursor,
    },
    /// The tenant's log was closed in the meantime.
    Closed,
    /// The log could not be asked.
    Store(StoreError),
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Reader {
    /// What was recorded after a cursor and meets a condition, at most `limit` events.
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

    /// Whether the log with this head can go on from a cursor.
    pub(crate) fn check_cursor(head: FeedCursor, after: FeedCursor) -> Result<(), FeedError> {
        if after.log_id != head.log_id || after.sequence > head.sequence {
            return Err(FeedError::Restored { oldest: FeedCursor { sequence: 0, ..head } });
        }
        Ok(())
    }

    /// What lies between a cursor and the head, or as much of it as one page looks at.
    pub(crate) async fn scan_after(
        &self,
        head: FeedCursor,
        after: FeedCursor,
        condition: &Condition,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        Self::check_cursor(head, after)?;
        if after.sequence == head.sequence {
            let nothing = Vec::new();
            return Ok(FeedPage {
                events: nothing,
                scanned_from: after.sequence,
                safe_up_to: head,
                is_caught_up: true,
            });
        }
        let list = select::ListQuery {
            tenant_id: self.tenant_id,
            scope: &self.scope,
            condition,
            period: TimeRange::default(),
            as_of: None,
            after: None,
            prefilter: None,
        };
        let (started, mut step, mut limit) = (Instant::now(), STEP_MIN.max(i64::from(limit)), limit as usize);
        let end = head.sequence.min(after.sequence + SCANNED_MAX);
        let (mut safe, mut events) = (after.sequence, Vec::new());
        while safe < end && events.len() < limit && (safe == after.sequence || started.elapsed() < PAGE_TIME_MAX) {
            let to = end.min(safe + step);
            let fetched =
                match self.fetch_events(list.scan(row::COLUMNS, &sequence_range(safe, to, limit - events.len()))).await
                {
                    // What was looked at so far is answered, and the next page goes on from there.
                    Err(StoreError::Timeout | StoreError::TooLarge { .. }) if safe > after.sequence => break,
                    // Events of which fewer make a page: who polls always gets on.
                    Err(StoreError::TooLarge { .. }) if limit > 1 => {
                        limit /= 2;
                        continue;
                    }
                    fetched => fetched?,
                };
            events.extend(fetched.into_iter().map(|(_, event)| event));
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

/// At most so many events after one place up to another, in the order of the log.
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

/// About how large events are. Those that hold what is withheld count little; most hold nothing of the kind.
pub(crate) fn event_bytes(events: &[Event]) -> usize {
    events.iter().filter_map(|event| event.raw.as_ref()).map(|raw| raw.text().len()).sum()
}
