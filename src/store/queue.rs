//! The queue before the writer: many requests share one commit, and nothing is taken that cannot be kept.
//!
//! Requests of a tenant are recorded in the order they came, as many as wait at once in one transaction; a request is
//! never split over two. Tenants take turns, so that one that is slow does not hold up another. When the queue is
//! full nothing is taken. After that the answer is the outcome, or an error that means "unknown, repeat it": the event
//! keys make repeating safe.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sea_orm::DbBackend;
use tokio::sync::{Notify, oneshot};

use super::prepared::Prepared;
use super::{Outcome, Store, StoreError, Tenant, Writer};
use crate::audit::{NewEvent, Timestamp};

/// The most events that wait. Beyond, requests are refused.
const WAITING_MAX: usize = 20_000;
/// The most events in one transaction, as long as it is not a single request that has more.
const BATCH_MAX: usize = 2_000;
/// The most memory that waiting events take, in bytes. Beyond, requests are refused.
const WAITING_BYTES_MAX: usize = 128 << 20;
/// The most memory that the events of one transaction take, as long as it is not a single request that takes more.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How many tenants record at the same time on PostgreSQL. SQLite has one writer.
pub(super) const TENANTS_AT_ONCE: u32 = 8;

/// Gives the moment of recording.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

type Answer = Result<Vec<Outcome>, StoreError>;

/// Events of one request.
struct Request {
    events: Vec<Prepared>,
    bytes: usize,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Waiting {
    requests: HashMap<i32, VecDeque<Request>>,
    /// Tenants with requests, in the order of their turns.
    turns: VecDeque<i32>,
    /// Tenants that are being recorded.
    busy: HashSet<i32>,
    events: usize,
    bytes: usize,
}

struct Shared {
    waiting: Mutex<Waiting>,
    something: Notify,
    store: Store,
    clock: Clock,
}

/// The queue. Clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// Starts recording what will be put into the queue.
    pub fn start(store: Store, clock: Clock) -> Self {
        let workers = if store.backend() == DbBackend::Postgres { TENANTS_AT_ONCE } else { 1 };
        let shared = Arc::new(Shared { waiting: Mutex::default(), something: Notify::new(), store, clock });
        for _ in 0..workers {
            tokio::spawn(work(Arc::clone(&shared)));
        }
        Self(shared)
    }

    /// Records events of a tenant; the answer comes when they are on disk.
    pub async fn record(&self, tenant: &Tenant, events: &[&NewEvent]) -> Answer {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let since = Instant::now();
        let events: Vec<Prepared> = events.iter().map(|event| Prepared::new(tenant.id, event)).collect();
        let bytes: usize = events.iter().map(Prepared::bytes).sum();
        let (answer, outcome) = oneshot::channel();
        {
            let mut waiting = self.0.lock();
            let is_full = waiting.events + events.len() > WAITING_MAX || waiting.bytes + bytes > WAITING_BYTES_MAX;
            if is_full && waiting.events > 0 {
                self.0.store.meters.refused.inc_by(events.len() as u64);
                return Err(StoreError::Full);
            }
            waiting.events += events.len();
            waiting.bytes += bytes;
            self.0.store.meters.waiting.set(i64::try_from(waiting.events).unwrap_or(i64::MAX));
            waiting.requests.entry(tenant.id).or_default().push_back(Request { events, bytes, since, answer });
            if !waiting.turns.contains(&tenant.id) && !waiting.busy.contains(&tenant.id) {
                waiting.turns.push_back(tenant.id);
            }
        }
        self.0.something.notify_one();
        let answered = outcome.await.unwrap_or(Err(StoreError::OutcomeUnknown));
        self.0.store.meters.recording.observe(since.elapsed().as_secs_f64());
        answered
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests of the tenant whose turn it is. Those that waited too long for it are refused.
    fn take(&self) -> Option<(i32, Vec<Request>)> {
        let mut waiting = self.lock();
        let tenant_id = waiting.turns.pop_front()?;
        let queue = waiting.requests.get_mut(&tenant_id)?;
        let (mut taken, mut late, mut events, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
        while let Some(next) = queue.front() {
            if next.since.elapsed() > self.store.record_timeout {
                late.extend(queue.pop_front());
                continue;
            }
            let is_full = events + next.events.len() > BATCH_MAX || bytes + next.bytes > BATCH_BYTES_MAX;
            if is_full && !taken.is_empty() {
                break;
            }
            events += next.events.len();
            bytes += next.bytes;
            taken.extend(queue.pop_front());
        }
        if queue.is_empty() {
            waiting.requests.remove(&tenant_id);
        }
        events += late.iter().map(|request| request.events.len()).sum::<usize>();
        bytes += late.iter().map(|request| request.bytes).sum::<usize>();
        waiting.events -= events;
        waiting.bytes -= bytes;
        self.store.meters.waiting.set(i64::try_from(waiting.events).unwrap_or(i64::MAX));
        for request in late {
            // Nobody may be waiting any more.
            let _ = request.answer.send(Err(StoreError::Full));
        }
        waiting.busy.insert(tenant_id);
        Some((tenant_id, taken))
    }

    /// The tenant may have its next turn.
    fn done(&self, tenant_id: i32) {
        let mut waiting = self.lock();
        waiting.busy.remove(&tenant_id);
        if waiting.requests.contains_key(&tenant_id) {
            waiting.turns.push_back(tenant_id);
        }
        if !waiting.turns.is_empty() {
            self.something.notify_one();
        }
    }
}

async fn work(shared: Arc<Shared>) {
    loop {
        let Some((tenant_id, requests)) = shared.take() else {
            shared.something.notified().await;
            continue;
        };
        if !shared.lock().turns.is_empty() {
            shared.something.notify_one();
        }
        let events: usize = requests.iter().map(|request| request.events.len()).sum();
        shared.store.meters.events_per_commit.observe(u32::try_from(events).map_or(f64::MAX, f64::from));
        let writer = Writer::new(shared.store.clone(), tenant_id);
        // In a task of its own: whatever happens to it, the next tenant has its turn. Who waited for it is then told
        // that nothing is known, because the answers are dropped.
        let recorded = tokio::spawn(record_all(writer, requests, Arc::clone(&shared.clock))).await;
        if let Err(error) = recorded {
            tracing::error!(error = &error as &dyn std::error::Error, "recording ended early");
        }
        shared.done(tenant_id);
    }
}

/// Records requests in one transaction; if the database refuses one of them for what it holds, each on its own.
async fn record_all(writer: Writer, mut requests: Vec<Request>, clock: Clock) {
    let mut all: Vec<&mut Prepared> = requests.iter_mut().flat_map(|request| &mut request.events).collect();
    match writer.record_prepared(&mut all, clock()).await {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for request in requests {
                // Nobody may be waiting any more.
                let _ = request.answer.send(Ok(outcomes.by_ref().take(request.events.len()).collect()));
            }
        }
        Err(StoreError::Database(_)) if requests.len() > 1 => {
            for mut request in requests {
                let mut events: Vec<&mut Prepared> = request.events.iter_mut().collect();
                let _ = request.answer.send(writer.record_prepared(&mut events, clock()).await);
            }
        }
        Err(error) => {
            writer.store.meters.failed.inc();
            for request in requests {
                let _ = request.answer.send(Err(error.clone()));
            }
        }
    }
}
