//! Following the log: what is stored after a place, then what comes, with no event left out and none sent twice.
//!
//! A follower subscribes to the tail before it reads, reads the table until it has caught up, and from then on takes
//! the tail's batches if they begin at its own place. In all other cases (it was too slow, too much came at once, the
//! log was restored) it reads the table again from its own place. Scope and condition apply to both parts: the tail's
//! events, too, are redacted for the scope before the condition is evaluated.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use super::tail::{ADMISSION_EVERY, News, Parcel};
use super::{FeedError, Reader, StoreError};
use model::Event;
use model::filter::Condition;
use model::page::FeedCursor;

/// How long nothing is said when nothing matches.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How many events are read at first, and at most; fewer where they are large.
const BATCH_FIRST: u32 = 10;
const BATCH_MAX: u32 = 100;
/// How many bytes make a large batch, and how many one may have at most. A single event has fewer.
const BATCH_BYTES: usize = 1 << 20;
pub(super) const BATCH_BYTES_MAX: usize = 16 << 20;

/// Some events in the order of recording; none when there was nothing to say for a while.
#[derive(Debug)]
pub struct Batch {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Everything up to this place was delivered or did not match.
    pub safe_up_to: FeedCursor,
}

/// Somebody who follows a log.
#[derive(Debug)]
pub struct Follow {
    reader: Reader,
    condition: Condition,
    cursor: FeedCursor,
    news: broadcast::Receiver<News>,
    is_first: bool,
    is_live: bool,
    /// How many events to read next.
    limit: u32,
    /// When the tenant was last seen to be open, as long as the table is read: what is told ends by itself.
    admitted: Option<Instant>,
}

impl Reader {
    /// Follows what meets a condition: after a cursor, or from now on.
    pub async fn follow(self, after: Option<FeedCursor>, condition: Condition) -> Result<Follow, FeedError> {
        let news = self.store.news(self.tenant_id);
        let head = self.feed_head().await?;
        let cursor = after.unwrap_or(head);
        Self::check_cursor(head, cursor)?;
        let (is_first, is_live) = (true, after.is_none());
        Ok(Follow { reader: self, condition, cursor, news, is_first, is_live, limit: BATCH_FIRST, admitted: None })
    }
}

impl Follow {
    /// The next events, or none when nothing matched for a while. The first batch comes at once, so that whoever
    /// follows has a cursor to go on from.
    pub async fn next(&mut self) -> Result<Batch, FeedError> {
        let silent_until = Instant::now() + SILENCE_MAX;
        let mut events = Vec::new();
        loop {
            let is_over = std::mem::take(&mut self.is_first) && self.is_live || Instant::now() >= silent_until;
            if !events.is_empty() || is_over {
                return Ok(Batch { events, safe_up_to: self.cursor });
            }
            events = if self.is_live { self.told(silent_until).await? } else { self.read().await? };
        }
    }

    /// Reads what is stored after the cursor.
    async fn read(&mut self) -> Result<Vec<Event>, FeedError> {
        let _permit = self.reader.store.followers.reading().await;
        // The permit is its share of the connections. Waiting for another with it would keep others waiting.
        let reader = self.reader.unshared().holding(BATCH_BYTES_MAX);
        if self.admitted.is_none_or(|since| since.elapsed() > ADMISSION_EVERY) {
            if !reader.is_open().await? {
                return Err(FeedError::Closed);
            }
            self.admitted = Some(Instant::now());
        }
        let page = reader.feed(Some(self.cursor), &self.condition, self.limit).await?;
        let bytes = bytes(&page.events);
        self.limit = if bytes > BATCH_BYTES { (self.limit / 2).max(1) } else { (self.limit * 2).min(BATCH_MAX) };
        self.cursor = page.safe_up_to;
        self.is_live = page.is_caught_up;
        Ok(page.events)
    }

    /// Waits for what the tail sends.
    async fn told(&mut self, until: Instant) -> Result<Vec<Event>, FeedError> {
        match tokio::time::timeout_at(until, self.news.recv()).await {
            Err(_silence) => {}
            Ok(Ok(News::Parcel(parcel))) => return Ok(self.take(&parcel)),
            Ok(Ok(News::Look) | Err(RecvError::Lagged(_))) => self.is_live = false,
            Ok(Ok(News::Closed)) => return Err(FeedError::Closed),
            Ok(Ok(News::Failed(error))) => return Err(error.into()),
            Ok(Err(RecvError::Closed)) => return Err(StoreError::Bug("who tells of news has stopped").into()),
        }
        Ok(Vec::new())
    }

    /// Takes of a parcel what comes after the cursor; one that begins later is a reason to read.
    fn take(&mut self, parcel: &Arc<Parcel>) -> Vec<Event> {
        if parcel.up_to.log_id != self.cursor.log_id || parcel.after > self.cursor.sequence {
            self.is_live = false;
            return Vec::new();
        }
        if parcel.up_to.sequence <= self.cursor.sequence {
            return Vec::new();
        }
        let after = self.cursor.sequence;
        self.cursor = parcel.up_to;
        let new = parcel.events.iter().filter(|event| event.sequence > after);
        let visible = new.filter_map(|event| event.clone().redacted_for(&self.reader.scope));
        let events: Vec<Event> = visible.filter(|event| self.condition.matches(event)).collect();
        self.reader.shown.events(events.len());
        self.reader.shown.up_to(parcel.up_to.sequence);
        events
    }
}

/// About how large events are. Those that hold what is withheld count little; most hold nothing of the kind.
pub(super) fn bytes(events: &[Event]) -> usize {
    events.iter().filter_map(|event| event.raw.as_ref()).map(|raw| raw.text().len()).sum()
}
