//! Follows a log: first the stored events after a cursor, then new ones, without gaps or repetitions.
//!
//! A follower subscribes to the tail before it reads the table. It reads the table until it has caught up, and then
//! takes batches from the tail as long as they continue at its own position. Otherwise (it was too slow, too much
//! arrived at once, or the log was restored) it reads the table again from its own position. Scope and condition apply
//! to both sources: events from the tail, too, are reduced to the scope before the condition is evaluated.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use crate::stream::feed::{BATCH_BYTES_MAX, event_bytes};
use crate::stream::tail::{EventBatch, OPEN_CHECK_INTERVAL, TailMessage};
use crate::{FeedError, Reader, StoreError};
use model::Event;
use model::filter::Condition;
use model::page::FeedCursor;

/// The longest time between two batches. A batch without events is a heartbeat.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// The number of events of the first read.
const BATCH_FIRST: u32 = 10;
/// The most events per read. Large events reduce the number.
const BATCH_MAX: u32 = 100;
/// A batch above this size, in bytes, halves the number of events of the next read.
const BATCH_BYTES: usize = 1 << 20;

/// Events in commit order. Empty if nothing matched within `HEARTBEAT_INTERVAL`.
#[derive(Debug)]
pub struct FollowBatch {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The batch covers the log after this sequence.
    pub scanned_from: i64,
    /// Every event up to this position was delivered or did not match.
    pub safe_up_to: FeedCursor,
}

/// A follower of a log.
#[derive(Debug)]
pub struct Follow {
    reader: Reader,
    condition: Condition,
    cursor: FeedCursor,
    messages: broadcast::Receiver<TailMessage>,
    /// Whether no batch was returned yet.
    is_first: bool,
    /// Whether the follower takes batches from the tail instead of reading the table.
    is_live: bool,
    /// The number of events of the next read.
    limit: u32,
    /// When the tenant was last seen open. Only used while reading the table: the tail reports a closed log itself.
    open_checked_at: Option<Instant>,
}

impl Reader {
    /// Follows the events that match a condition, after a cursor or from now on.
    pub async fn follow(self, after: Option<FeedCursor>, condition: Condition) -> Result<Follow, FeedError> {
        let messages = self.store.messages(self.tenant_id);
        let head = self.feed_head().await?;
        let cursor = after.unwrap_or(head);
        Self::check_cursor(head, cursor)?;
        let (is_first, is_live) = (true, after.is_none());
        Ok(Follow {
            reader: self,
            condition,
            cursor,
            messages,
            is_first,
            is_live,
            limit: BATCH_FIRST,
            open_checked_at: None,
        })
    }
}

impl Follow {
    /// Returns the next events, or none after `HEARTBEAT_INTERVAL`. If the follower started from now on, the first
    /// batch is empty and immediate, so that the client has a cursor to resume from.
    pub async fn next(&mut self) -> Result<FollowBatch, FeedError> {
        let heartbeat_at = Instant::now() + HEARTBEAT_INTERVAL;
        let (mut events, scanned_from) = (Vec::new(), self.cursor.sequence);
        loop {
            let is_heartbeat = std::mem::take(&mut self.is_first) && self.is_live || Instant::now() >= heartbeat_at;
            if !events.is_empty() || is_heartbeat {
                return Ok(FollowBatch { events, scanned_from, safe_up_to: self.cursor });
            }
            events = if self.is_live { self.receive(heartbeat_at).await? } else { self.read_stored().await? };
        }
    }

    /// Reads the stored events after the cursor.
    async fn read_stored(&mut self) -> Result<Vec<Event>, FeedError> {
        let _permit = self.reader.store.followers.read_permit().await;
        // The permit bounds the connections already. Waiting for a connection share while holding it would block other
        // followers.
        let reader = self.reader.without_connection_share().with_byte_limit(BATCH_BYTES_MAX);
        if self.open_checked_at.is_none_or(|since| since.elapsed() > OPEN_CHECK_INTERVAL) {
            if !reader.is_open().await? {
                return Err(FeedError::Closed);
            }
            self.open_checked_at = Some(Instant::now());
        }
        let page = reader.feed(Some(self.cursor), &self.condition, self.limit).await?;
        let event_bytes = event_bytes(&page.events);
        self.limit = if event_bytes > BATCH_BYTES { (self.limit / 2).max(1) } else { (self.limit * 2).min(BATCH_MAX) };
        self.cursor = page.safe_up_to;
        self.is_live = page.is_caught_up;
        Ok(page.events)
    }

    /// Waits for the next message of the tail.
    async fn receive(&mut self, deadline: Instant) -> Result<Vec<Event>, FeedError> {
        match tokio::time::timeout_at(deadline, self.messages.recv()).await {
            Err(_elapsed) => {}
            Ok(Ok(TailMessage::Batch(batch))) => return Ok(self.take_batch(&batch)),
            Ok(Ok(TailMessage::Refetch) | Err(RecvError::Lagged(_))) => self.is_live = false,
            Ok(Ok(TailMessage::Closed)) => return Err(FeedError::Closed),
            Ok(Ok(TailMessage::Failed(error))) => return Err(error.into()),
            Ok(Err(RecvError::Closed)) => return Err(StoreError::Bug("the tail stopped without a message").into()),
        }
        Ok(Vec::new())
    }

    /// Takes the events after the cursor from a batch. If the batch starts beyond the cursor, the table has to be read.
    fn take_batch(&mut self, batch: &Arc<EventBatch>) -> Vec<Event> {
        if batch.up_to.log_id != self.cursor.log_id || batch.after > self.cursor.sequence {
            self.is_live = false;
            return Vec::new();
        }
        if batch.up_to.sequence <= self.cursor.sequence {
            return Vec::new();
        }
        let after = self.cursor.sequence;
        self.cursor = batch.up_to;
        let new = batch.events.iter().filter(|event| event.sequence > after);
        let visible = new.filter_map(|event| event.clone().redacted_for(&self.reader.scope));
        let events: Vec<Event> = visible.filter(|event| self.condition.matches(event)).collect();
        self.reader.shown.events(events.len());
        self.reader.shown.up_to(batch.up_to.sequence);
        events
    }
}
