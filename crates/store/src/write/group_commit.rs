//! The queue before the writer: many requests share one commit, and a full queue rejects new requests.
//!
//! Requests of a tenant are recorded in the order they came, as many as wait at once in one transaction; a request is
//! never split over two. Tenants take turns and share the queue, so that a slow one does not hold up another: the
//! waiting events of one tenant take at most three times the room that is still free. Once a request is in the queue,
//! its answer is the outcome, or an error that means "outcome unknown, repeat it": the event keys make repeating safe.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sea_orm::DbBackend;
use tokio::sync::{Notify, oneshot};

use crate::db::connect::TENANTS_AT_ONCE;
use crate::write::prepared::Prepared;
use crate::{RecordOutcome, Store, StoreError, Tenant, Writer};
use model::{NewEvent, Timestamp};

/// The most events that wait. Beyond, requests are refused.
const WAITING_MAX: usize = 20_000;
/// The most events in one transaction, as long as it is not a single request that has more.
const BATCH_MAX: usize = 2_000;
/// The most memory that waiting events take, in bytes. Beyond, requests are refused.
const WAITING_BYTES_MAX: usize = 128 << 20;
/// The most memory that the events of one transaction take, as long as it is not a single request that takes more.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How many times what is free one tenant may have waiting: alone, three quarters of the room.
const SHARE: usize = 3;

/// Gives the moment of recording.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

type Answer = Result<Vec<RecordOutcome>, StoreError>;

/// How many events, and how much memory they take.
#[derive(Clone, Copy, Default)]
struct Load {
    events: usize,
    bytes: usize,
}

impl Load {
    fn add(&mut self, other: Load) {
        self.events += other.events;
        self.bytes += other.bytes;
    }

    fn take(&mut self, other: Load) {
        self.events -= other.events;
        self.bytes -= other.bytes;
    }
}

/// Events of one request.
struct Request {
    events: Vec<Prepared>,
    load: Load,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The requests of one tenant.
#[derive(Default)]
struct Line {
    requests: VecDeque<Request>,
    load: Load,
}

impl Line {
    fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.load.take(request.load);
        Some(request)
    }
}

#[derive(Default)]
struct Waiting {
    lines: HashMap<i32, Line>,
    /// Tenants with requests, in the order of their turns.
    turns: VecDeque<i32>,
    /// Tenants that are being recorded.
    busy: HashSet<i32>,
    load: Load,
}

impl Waiting {
    /// Whether there is room for a request of a tenant.
    fn has_room(&self, tenant_id: i32, asked: Load) -> bool {
        let own = self.lines.get(&tenant_id).map(|line| line.load).unwrap_or_default();
        let fits = |own: usize, all: usize, asked: usize, max: usize| {
            own == 0 && all == 0 || all + asked <= max && own + asked <= (max - all) * SHARE
        };
        fits(own.events, self.load.events, asked.events, WAITING_MAX)
            && fits(own.bytes, self.load.bytes, asked.bytes, WAITING_BYTES_MAX)
    }
}

struct Shared {
    waiting: Mutex<Waiting>,
    something: Notify,
    store: Store,
    clock: Clock,
}

/// The queue. Clones are the same queue.
#[derive(Clone)]
pub struct RecordQueue(Arc<Shared>);

impl std::fmt::Debug for RecordQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordQueue").finish_non_exhaustive()
    }
}

impl RecordQueue {
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
        let load = Load { events: events.len(), bytes: events.iter().map(Prepared::bytes).sum() };
        let (answer, outcome) = oneshot::channel();
        {
            let mut waiting = self.0.waiting.lock();
            if !waiting.has_room(tenant.id, load) {
                self.0.store.meters.refused.inc_by(load.events as u64);
                return Err(StoreError::QueueFull);
            }
            waiting.load.add(load);
            self.0.store.meters.waiting.set(i64::try_from(waiting.load.events).unwrap_or(i64::MAX));
            let line = waiting.lines.entry(tenant.id).or_default();
            line.load.add(load);
            line.requests.push_back(Request { events, load, since, answer });
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
    /// The requests of the tenant whose turn it is. Those that waited too long for it are refused.
    fn take(&self) -> Option<(i32, Vec<Request>)> {
        let mut waiting = self.waiting.lock();
        let tenant_id = waiting.turns.pop_front()?;
        let line = waiting.lines.get_mut(&tenant_id)?;
        let (mut taken, mut late, mut batch, before) = (Vec::new(), Vec::new(), Load::default(), line.load);
        while let Some(next) = line.requests.front() {
            if next.since.elapsed() > self.store.record_timeout {
                late.extend(line.pop());
                continue;
            }
            batch.add(next.load);
            if (batch.events > BATCH_MAX || batch.bytes > BATCH_BYTES_MAX) && !taken.is_empty() {
                break;
            }
            taken.extend(line.pop());
        }
        let mut gone = before;
        gone.take(line.load);
        if line.requests.is_empty() {
            waiting.lines.remove(&tenant_id);
        }
        waiting.load.take(gone);
        self.store.meters.waiting.set(i64::try_from(waiting.load.events).unwrap_or(i64::MAX));
        for request in late {
            // Nobody may be waiting any more.
            let _ = request.answer.send(Err(StoreError::QueueFull));
        }
        waiting.busy.insert(tenant_id);
        Some((tenant_id, taken))
    }

    /// The tenant may have its next turn.
    fn done(&self, tenant_id: i32) {
        let mut waiting = self.waiting.lock();
        waiting.busy.remove(&tenant_id);
        if waiting.lines.contains_key(&tenant_id) {
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
        if !shared.waiting.lock().turns.is_empty() {
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

/// Records requests in one transaction; if the database refuses one of them for its data, each in a separate one.
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
                let recorded = writer.record_prepared(&mut events, clock()).await;
                if recorded.is_err() {
                    writer.store.meters.failed.inc();
                }
                let _ = request.answer.send(recorded);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_leaves_room_for_others() {
        let mut waiting = Waiting::default();
        let asked = Load { events: 1_000, bytes: 1_000 };
        let mut put = |tenant_id: i32| {
            let has_room = waiting.has_room(tenant_id, asked);
            if has_room {
                waiting.load.add(asked);
                waiting.lines.entry(tenant_id).or_default().load.add(asked);
            }
            has_room
        };
        assert_eq!((0..30).filter(|_| put(1)).count(), 15, "three quarters of the room");
        assert_eq!((0..30).filter(|_| put(2)).count(), 4);
        assert!(put(3), "and still there is room");
    }

    #[test]
    fn a_request_that_is_larger_than_the_room_is_taken_when_nothing_waits() {
        let large = Load { events: 1_000, bytes: WAITING_BYTES_MAX + 1 };
        let mut waiting = Waiting::default();
        assert!(waiting.has_room(1, large));
        waiting.load.add(large);
        assert!(!waiting.has_room(2, large));
    }
}
