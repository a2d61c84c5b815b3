//! The record queue: many requests share one commit, and a full queue rejects new requests.
//!
//! Requests of one tenant are recorded in order, as many as are queued in one transaction; a request is never split.
//! Tenants are served in turn and share the queue, so that a slow tenant does not delay others: the queued events of
//! one tenant take at most [`TENANT_SHARE_FACTOR`] times the space that is still free. Once a request is queued, its
//! result is the outcome, or an error after which it can be repeated safely, because event keys are idempotent.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sea_orm::DbBackend;
use tokio::sync::{Notify, oneshot};

use crate::db::connect::CONCURRENT_TENANTS_MAX;
use crate::write::prepared::PreparedEvent;
use crate::{RecordOutcome, Store, StoreError, Tenant, Writer};
use model::{NewEvent, Timestamp};

/// The most events in the queue. Further requests are rejected.
const PENDING_EVENTS_MAX: usize = 20_000;
/// The most events per transaction, unless a single request has more.
const BATCH_MAX: usize = 2_000;
/// The most memory of queued events, in bytes. Further requests are rejected.
const PENDING_BYTES_MAX: usize = 64 << 20;
/// The most memory of the events of one transaction, in bytes, unless a single request has more.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// A tenant may queue this many times the free space. A single tenant can fill three quarters of the queue.
const TENANT_SHARE_FACTOR: usize = 3;

/// Returns the current time, for `recorded_at`.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

type RecordResult = Result<Vec<RecordOutcome>, StoreError>;

/// A number of events, and their memory in bytes.
#[derive(Clone, Copy, Default)]
struct QueueLoad {
    events: usize,
    bytes: usize,
}

impl QueueLoad {
    fn add(&mut self, other: QueueLoad) {
        self.events += other.events;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: QueueLoad) {
        self.events -= other.events;
        self.bytes -= other.bytes;
    }
}

/// Events of one tenant with the rows that are derived from them, which keeps a core busy if they are large.
pub struct PreparedRequest {
    tenant_id: i32,
    events: Vec<PreparedEvent>,
    load: QueueLoad,
}

impl PreparedRequest {
    /// Derives the rows of events.
    pub fn new(tenant: &Tenant, events: &[&NewEvent]) -> Self {
        let events: Vec<PreparedEvent> = events.iter().map(|event| PreparedEvent::new(tenant.id, event)).collect();
        let load = QueueLoad { events: events.len(), bytes: events.iter().map(PreparedEvent::memory_bytes).sum() };
        Self { tenant_id: tenant.id, events, load }
    }
}

impl std::fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedRequest").field("events", &self.load.events).finish_non_exhaustive()
    }
}

/// The events of one request, in the queue.
struct RecordRequest {
    events: Vec<PreparedEvent>,
    load: QueueLoad,
    since: Instant,
    sender: oneshot::Sender<RecordResult>,
}

/// The queued requests of one tenant.
#[derive(Default)]
struct TenantQueue {
    requests: VecDeque<RecordRequest>,
    load: QueueLoad,
}

impl TenantQueue {
    fn pop(&mut self) -> Option<RecordRequest> {
        let request = self.requests.pop_front()?;
        self.load.subtract(request.load);
        Some(request)
    }
}

/// The queued requests of all tenants.
#[derive(Default)]
struct PendingBatches {
    queues: HashMap<i32, TenantQueue>,
    /// Tenants with requests, in the order in which they are served.
    ready: VecDeque<i32>,
    /// Tenants whose requests are being recorded.
    recording: HashSet<i32>,
    load: QueueLoad,
}

impl PendingBatches {
    /// Returns whether the queue has space for a request of a tenant.
    fn has_room(&self, tenant_id: i32, requested: QueueLoad) -> bool {
        let own = self.queues.get(&tenant_id).map(|queue| queue.load).unwrap_or_default();
        let fits = |own: usize, all: usize, requested: usize, max: usize| {
            own == 0 && all == 0 || all + requested <= max && own + requested <= (max - all) * TENANT_SHARE_FACTOR
        };
        fits(own.events, self.load.events, requested.events, PENDING_EVENTS_MAX)
            && fits(own.bytes, self.load.bytes, requested.bytes, PENDING_BYTES_MAX)
    }
}

/// The shared state of [`RecordQueue`].
struct QueueInner {
    pending: Mutex<PendingBatches>,
    work_available: Notify,
    store: Store,
    clock: Clock,
}

/// The record queue. Clones share it.
#[derive(Clone)]
pub struct RecordQueue(Arc<QueueInner>);

impl std::fmt::Debug for RecordQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordQueue").finish_non_exhaustive()
    }
}

impl RecordQueue {
    /// Starts the workers.
    pub fn start(store: Store, clock: Clock) -> Self {
        let workers = if store.backend() == DbBackend::Postgres { CONCURRENT_TENANTS_MAX } else { 1 };
        let shared = Arc::new(QueueInner { pending: Mutex::default(), work_available: Notify::new(), store, clock });
        for _ in 0..workers {
            tokio::spawn(run_worker(Arc::clone(&shared)));
        }
        Self(shared)
    }

    /// Records events of a tenant. Returns after they are durable.
    ///
    /// # Errors
    ///
    /// As [`Self::record_prepared`].
    pub async fn record(&self, tenant: &Tenant, events: &[&NewEvent]) -> RecordResult {
        self.record_prepared(PreparedRequest::new(tenant, events)).await
    }

    /// Records the events of a request. Returns after they are durable.
    ///
    /// # Errors
    ///
    /// [`StoreError::QueueFull`] if the queue has no space; nothing was recorded. [`StoreError::DatabaseLocked`] if the
    /// request waited too long, because another process holds a lock or the database is slow; nothing was recorded.
    /// [`StoreError::OutcomeUnknown`] if the worker failed; the request can be repeated.
    pub async fn record_prepared(&self, request: PreparedRequest) -> RecordResult {
        let PreparedRequest { tenant_id, events, load } = request;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let since = Instant::now();
        let (sender, receiver) = oneshot::channel();
        {
            let mut pending = self.0.pending.lock();
            if !pending.has_room(tenant_id, load) {
                self.0.store.metrics.rejected.inc_by(load.events as u64);
                return Err(StoreError::QueueFull);
            }
            pending.load.add(load);
            self.0.store.metrics.pending.set(i64::try_from(pending.load.events).unwrap_or(i64::MAX));
            let queue = pending.queues.entry(tenant_id).or_default();
            queue.load.add(load);
            queue.requests.push_back(RecordRequest { events, load, since, sender });
            if !pending.ready.contains(&tenant_id) && !pending.recording.contains(&tenant_id) {
                pending.ready.push_back(tenant_id);
            }
        }
        self.0.work_available.notify_one();
        let recorded = receiver.await.unwrap_or(Err(StoreError::OutcomeUnknown));
        self.0.store.metrics.recording.observe(since.elapsed().as_secs_f64());
        recorded
    }
}

impl QueueInner {
    /// Returns the requests of the next tenant. Requests that waited longer than `record_timeout` are rejected.
    fn take_batch(&self) -> Option<(i32, Vec<RecordRequest>)> {
        let mut pending = self.pending.lock();
        let tenant_id = pending.ready.pop_front()?;
        let queue = pending.queues.get_mut(&tenant_id)?;
        let (mut taken, mut expired, mut batch, before) = (Vec::new(), Vec::new(), QueueLoad::default(), queue.load);
        while let Some(next) = queue.requests.front() {
            if next.since.elapsed() > self.store.record_timeout {
                expired.extend(queue.pop());
                continue;
            }
            batch.add(next.load);
            if (batch.events > BATCH_MAX || batch.bytes > BATCH_BYTES_MAX) && !taken.is_empty() {
                break;
            }
            taken.extend(queue.pop());
        }
        let mut removed = before;
        removed.subtract(queue.load);
        if queue.requests.is_empty() {
            pending.queues.remove(&tenant_id);
        }
        pending.load.subtract(removed);
        self.store.metrics.pending.set(i64::try_from(pending.load.events).unwrap_or(i64::MAX));
        for request in expired {
            // The caller may have stopped waiting.
            let _ = request.sender.send(Err(StoreError::DatabaseLocked));
        }
        pending.recording.insert(tenant_id);
        Some((tenant_id, taken))
    }

    /// Marks a tenant's batch as finished, so that the tenant can be served again.
    fn finish(&self, tenant_id: i32) {
        let mut pending = self.pending.lock();
        pending.recording.remove(&tenant_id);
        if pending.queues.contains_key(&tenant_id) {
            pending.ready.push_back(tenant_id);
        }
        if !pending.ready.is_empty() {
            self.work_available.notify_one();
        }
    }
}

/// Records the requests of one tenant after another.
async fn run_worker(shared: Arc<QueueInner>) {
    loop {
        let Some((tenant_id, requests)) = shared.take_batch() else {
            shared.work_available.notified().await;
            continue;
        };
        if !shared.pending.lock().ready.is_empty() {
            shared.work_available.notify_one();
        }
        let events: usize = requests.iter().map(|request| request.events.len()).sum();
        shared.store.metrics.events_per_commit.observe(u32::try_from(events).map_or(f64::MAX, f64::from));
        let writer = Writer::new(shared.store.clone(), tenant_id);
        // A task of its own: if it panics, the worker continues with the next tenant, and the callers get
        // `OutcomeUnknown` because their senders are dropped.
        let recorded = tokio::spawn(record_batch(writer, requests, Arc::clone(&shared.clock))).await;
        if let Err(error) = recorded {
            tracing::error!(error = &error as &dyn std::error::Error, "recording task failed");
        }
        shared.finish(tenant_id);
    }
}

/// Records requests in one transaction. If the database or the log rejects the data of one of them, records each in a transaction
/// of its own.
async fn record_batch(writer: Writer, mut requests: Vec<RecordRequest>, clock: Clock) {
    let mut all: Vec<&mut PreparedEvent> = requests.iter_mut().flat_map(|request| &mut request.events).collect();
    match writer.record_prepared(&mut all, clock()).await {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for request in requests {
                // The caller may have stopped waiting.
                let _ = request.sender.send(Ok(outcomes.by_ref().take(request.events.len()).collect()));
            }
        }
        Err(StoreError::Database(_) | StoreError::NumbersExhausted { .. }) if requests.len() > 1 => {
            for mut request in requests {
                let mut events: Vec<&mut PreparedEvent> = request.events.iter_mut().collect();
                let recorded = writer.record_prepared(&mut events, clock()).await;
                if recorded.is_err() {
                    writer.store.metrics.failed.inc();
                }
                let _ = request.sender.send(recorded);
            }
        }
        Err(error) => {
            writer.store.metrics.failed.inc();
            for request in requests {
                let _ = request.sender.send(Err(error.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_leaves_queue_space_for_others() {
        let mut pending = PendingBatches::default();
        let requested = QueueLoad { events: 1_000, bytes: 1_000 };
        let mut put = |tenant_id: i32| {
            let has_room = pending.has_room(tenant_id, requested);
            if has_room {
                pending.load.add(requested);
                pending.queues.entry(tenant_id).or_default().load.add(requested);
            }
            has_room
        };
        assert_eq!((0..30).filter(|_| put(1)).count(), 15, "three quarters of the queue");
        assert_eq!((0..30).filter(|_| put(2)).count(), 4);
        assert!(put(3), "space is left for a third tenant");
    }

    #[test]
    fn oversized_request_is_accepted_by_an_empty_queue() {
        let large = QueueLoad { events: 1_000, bytes: PENDING_BYTES_MAX + 1 };
        let mut pending = PendingBatches::default();
        assert!(pending.has_room(1, large));
        pending.load.add(large);
        assert!(!pending.has_room(2, large));
    }
}
