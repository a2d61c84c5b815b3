//! The tail of a log: its newest events are read once for all followers of a tenant, and sent to them.
//!
//! These events always come from the table, after the commit. Wake-ups (by this process's own commits, on PostgreSQL
//! also by `NOTIFY` of others) only make it quick; reading once a second makes it reliable, even for processes that
//! notify nobody. A follower that cannot keep up, or is told to read for itself, reads the table from its own place, so
//! nothing is lost whatever is dropped here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sea_orm::DbBackend;
use sea_orm::sqlx::{self, postgres::PgListener};
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::stream::feed::{BATCH_BYTES_MAX, event_bytes};
use crate::{FeedError, Reader, Store, StoreError};
use model::filter::Condition;
use model::page::FeedCursor;
use model::{Event, Scope};

/// How often a log is read when nobody notifies of new events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The least time between two looks, and between two calls of `NOTIFY`.
const INTERVAL_MIN: Duration = Duration::from_millis(20);
/// How often it is asked whether the tenant is still open.
pub(crate) const OPEN_CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How many events are sent at once, and how many such batches may wait for a slow follower.
const TAIL_BATCH_EVENTS: u32 = 100;
const TAIL_BATCHES_BUFFERED: usize = 8;
/// Beyond so many bytes, or so many events behind, followers read for themselves.
const TAIL_BATCH_BYTES_MAX: usize = 4 << 20;
const BEHIND_MAX: i64 = 1_000;
/// How often reading may fail in a row before followers are informed.
const FAILURES_MAX: u32 = 10;
/// How many followers read the table at the same time.
const CONCURRENT_READS_MAX: usize = 4;
/// The channel of `NOTIFY`.
const CHANNEL: &str = "auditgraph_recorded";

/// What is sent to the followers of a tenant.
#[derive(Clone, Debug)]
pub(crate) enum TailMessage {
    /// Everything that was recorded between two places.
    Batch(Arc<EventBatch>),
    /// There is something: read for yourself.
    Refetch,
    /// The tenant's log was closed.
    Closed,
    /// The log cannot be read.
    Failed(StoreError),
}

/// Everything that was recorded after a place, up to another.
#[derive(Debug)]
pub(crate) struct EventBatch {
    pub after: i64,
    pub up_to: FeedCursor,
    pub events: Vec<Event>,
}

struct TenantTail {
    wake: Arc<Notify>,
    messages: broadcast::Sender<TailMessage>,
}

#[derive(Default)]
struct PendingNotify {
    tenants: BTreeSet<i32>,
    is_sending: bool,
}

/// The followers of all tenants. Clones are the same.
#[derive(Clone)]
pub(crate) struct Followers(Arc<FollowersInner>);

struct FollowersInner {
    /// Where tails run: they outlive the threads of those who begin them.
    runtime: tokio::runtime::Handle,
    tails: Mutex<HashMap<i32, TenantTail>>,
    pending: Mutex<PendingNotify>,
    is_listening: AtomicBool,
    reading: Semaphore,
}

impl Followers {
    /// Nobody follows yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(FollowersInner {
            runtime: tokio::runtime::Handle::current(),
            tails: Mutex::default(),
            pending: Mutex::default(),
            is_listening: AtomicBool::new(false),
            reading: Semaphore::new(CONCURRENT_READS_MAX),
        }))
    }

    /// A permit to read the table from a follower's own place.
    pub(crate) async fn reading(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.0.reading.acquire().await.ok()
    }

    fn wake(&self, tenant_id: i32) {
        if let Some(tail) = self.0.tails.lock().get(&tenant_id) {
            tail.wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.0.tails.lock().values().for_each(|tail| tail.wake.notify_one());
    }
}

impl Store {
    /// To be called after a commit: whoever follows the log, here or elsewhere, looks at it.
    pub(crate) fn notify_commit(&self, tenant_id: i32) {
        self.followers.wake(tenant_id);
        if self.backend() != DbBackend::Postgres {
            return;
        }
        let mut message = self.followers.0.pending.lock();
        message.tenants.insert(tenant_id);
        if !message.is_sending {
            message.is_sending = true;
            self.followers.0.runtime.spawn(send_notifications(self.clone()));
        }
    }

    /// The news of a tenant from now on.
    pub(crate) fn messages(&self, tenant_id: i32) -> broadcast::Receiver<TailMessage> {
        let shared = &self.followers.0;
        let mut tails = shared.tails.lock();
        if let Some(tail) = tails.get(&tenant_id) {
            return tail.messages.subscribe();
        }
        let (messages, receiver) = broadcast::channel(TAIL_BATCHES_BUFFERED);
        let wake = Arc::new(Notify::new());
        tails.insert(tenant_id, TenantTail { wake: Arc::clone(&wake), messages: messages.clone() });
        shared.runtime.spawn(run_tail(self.clone(), tenant_id, wake, messages));
        if self.backend() == DbBackend::Postgres && !shared.is_listening.swap(true, Ordering::Relaxed) {
            shared.runtime.spawn(listen(self.clone()));
        }
        receiver
    }
}

/// Tells other processes of commits, many at once.
async fn send_notifications(store: Store) {
    let pool = store.write.get_postgres_connection_pool();
    loop {
        let tenants = {
            let mut message = store.followers.0.pending.lock();
            message.is_sending = !message.tenants.is_empty();
            std::mem::take(&mut message.tenants)
        };
        if tenants.is_empty() {
            return;
        }
        let payload = tenants.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        // A payload has less than 8,000 bytes; without one everybody looks.
        let payload = if payload.len() < 7_000 { payload } else { String::new() };
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload);
        if let Err(error) = notify.execute(pool).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "could not notify others of a commit");
        }
        tokio::time::sleep(INTERVAL_MIN).await;
    }
}

/// Hears of the commits of other processes.
async fn listen(store: Store) {
    let pool = store.write.get_postgres_connection_pool();
    loop {
        let listened: Result<(), sqlx::Error> = async {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(CHANNEL).await?;
            loop {
                let message = listener.recv().await?;
                if message.payload().is_empty() {
                    store.followers.wake_all();
                }
                message.payload().split(',').filter_map(|id| id.parse().ok()).for_each(|id| store.followers.wake(id));
            }
        }
        .await;
        if let Err(error) = listened {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot listen for commits of other processes");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Reads what is new of a tenant, for as long as anybody follows it.
async fn run_tail(store: Store, tenant_id: i32, wake: Arc<Notify>, messages: broadcast::Sender<TailMessage>) {
    let reader = Reader::new(store.clone(), tenant_id, Scope::all());
    let everything = Condition::everything();
    let (mut at, mut failures, mut open_checked_at) = (None, 0, None::<Instant>);
    loop {
        let mut result = read_new(&reader, &everything, at).await;
        if open_checked_at.is_none_or(|since| since.elapsed() > OPEN_CHECK_INTERVAL) {
            match reader.is_open().await {
                Ok(true) => open_checked_at = Some(Instant::now()),
                Ok(false) => result = Ok((at, Some(TailMessage::Closed))),
                Err(error) => result = Err(error),
            }
        }
        let mut is_immediate = false;
        let message = match result {
            Ok((now_at, message)) => {
                (at, failures) = (now_at, 0);
                is_immediate = matches!(message, Some(TailMessage::Batch(_)));
                message
            }
            Err(error) => {
                failures += 1;
                (failures == FAILURES_MAX).then_some(TailMessage::Failed(error))
            }
        };
        if let Some(message) = message {
            // Without followers nobody is told; then this ends below.
            let _ = messages.send(message);
        }
        {
            let mut tails = store.followers.0.tails.lock();
            if messages.receiver_count() == 0 {
                tails.remove(&tenant_id);
                return;
            }
        }
        tokio::time::sleep(INTERVAL_MIN).await;
        if !is_immediate {
            let _ = tokio::time::timeout(POLL_INTERVAL, wake.notified()).await;
        }
    }
}

/// What is new after a place, and the place after it.
async fn read_new(
    reader: &Reader,
    everything: &Condition,
    at: Option<FeedCursor>,
) -> Result<(Option<FeedCursor>, Option<TailMessage>), StoreError> {
    let head = reader.feed_head().await?;
    let Some(at) = at else {
        // Who began to follow before this was read may have read an older head.
        return Ok((Some(head), Some(TailMessage::Refetch)));
    };
    if head == at {
        return Ok((Some(at), None));
    }
    if head.log_id != at.log_id || head.sequence < at.sequence || head.sequence - at.sequence > BEHIND_MAX {
        return Ok((Some(head), Some(TailMessage::Refetch)));
    }
    let page = match reader.with_byte_limit(BATCH_BYTES_MAX).scan_after(head, at, everything, TAIL_BATCH_EVENTS).await {
        Ok(page) => page,
        Err(FeedError::Store(error)) => return Err(error),
        Err(FeedError::Restored { .. } | FeedError::Closed) => return Ok((Some(head), Some(TailMessage::Refetch))),
    };
    let up_to = page.safe_up_to;
    if event_bytes(&page.events) > TAIL_BATCH_BYTES_MAX {
        return Ok((Some(up_to), Some(TailMessage::Refetch)));
    }
    let batch = EventBatch { after: at.sequence, up_to, events: page.events };
    Ok((Some(up_to), Some(TailMessage::Batch(Arc::new(batch)))))
}
