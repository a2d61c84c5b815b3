//! The tail of a log: reads new events once for all followers of a tenant and broadcasts them.
//!
//! Events always come from the table, after their commit. Wake-ups (from this process's commits, on PostgreSQL also
//! from `NOTIFY` of other processes) only reduce latency; polling every [`POLL_INTERVAL`] makes delivery reliable, even
//! if a process sends no notifications. A follower that lags, or gets [`TailMessage::Refetch`], reads the table from
//! its own position, so nothing is lost when the broadcast drops a message.

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

/// The interval between reads without a wake-up.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest interval between two reads, and between two calls of `NOTIFY`.
const INTERVAL_MIN: Duration = Duration::from_millis(20);
/// The interval between checks that the tenant is still open.
pub(crate) const OPEN_CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Events per batch, and batches buffered for a slow follower.
const TAIL_BATCH_EVENTS: u32 = 100;
const TAIL_BATCHES_BUFFERED: usize = 8;
/// If a batch has more bytes, or the tail is more events behind, followers read the table themselves.
const TAIL_BATCH_BYTES_MAX: usize = 4 << 20;
const BEHIND_MAX: i64 = 1_000;
/// Consecutive failures after which followers get an error.
const FAILURES_MAX: u32 = 10;
/// Followers that read the table at the same time.
const CONCURRENT_READS_MAX: usize = 4;
/// The channel of `NOTIFY`.
const CHANNEL: &str = "auditgraph_recorded";

/// A message to the followers of a tenant.
#[derive(Clone, Debug)]
pub(crate) enum TailMessage {
    /// All events between two positions.
    Batch(Arc<EventBatch>),
    /// Events arrived that are not in a batch: read the table.
    Refetch,
    /// The tenant was disabled.
    Closed,
    /// The log cannot be read.
    Failed(StoreError),
}

/// All events after a sequence, up to a position.
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

/// The followers of all tenants. Clones share their state.
#[derive(Clone)]
pub(crate) struct Followers(Arc<FollowersInner>);

struct FollowersInner {
    /// Runs the tails. The threads that start them may end earlier.
    runtime: tokio::runtime::Handle,
    tails: Mutex<HashMap<i32, TenantTail>>,
    pending: Mutex<PendingNotify>,
    is_listening: AtomicBool,
    read_permits: Semaphore,
}

impl Followers {
    /// Creates the state without followers.
    pub(crate) fn new() -> Self {
        Self(Arc::new(FollowersInner {
            runtime: tokio::runtime::Handle::current(),
            tails: Mutex::default(),
            pending: Mutex::default(),
            is_listening: AtomicBool::new(false),
            read_permits: Semaphore::new(CONCURRENT_READS_MAX),
        }))
    }

    /// Waits for a permit to read the table.
    pub(crate) async fn read_permit(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.0.read_permits.acquire().await.ok()
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
    /// Wakes the followers of a tenant, in this process and in others. Call it after every commit.
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

    /// Subscribes to the messages of a tenant, starting its tail if there is none.
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

/// Notifies other processes of commits, several tenants per notification.
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
        // A payload must be smaller than 8,000 bytes. An empty one wakes all tails.
        let payload = if payload.len() < 7_000 { payload } else { String::new() };
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload);
        if let Err(error) = notify.execute(pool).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot notify other processes of a commit");
        }
        tokio::time::sleep(INTERVAL_MIN).await;
    }
}

/// Listens for commits of other processes.
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

/// Reads new events of a tenant until it has no followers.
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
            // Fails without followers; the loop then ends below.
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

/// Reads the events after a position. Returns the new position, and the message to send.
async fn read_new(
    reader: &Reader,
    everything: &Condition,
    at: Option<FeedCursor>,
) -> Result<(Option<FeedCursor>, Option<TailMessage>), StoreError> {
    let head = reader.feed_head().await?;
    let Some(at) = at else {
        // A follower that subscribed before this read may have seen an older head.
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
