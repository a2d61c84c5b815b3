//! The trail: who reads the log is itself recorded, behind the answer.
//!
//! Noting an access is an entry in a table in memory; every few seconds what was gathered there is recorded by the same
//! queue as everything else. Reading never waits for it and never fails by it. While the database does not take
//! anything, events are kept as long as there is room; what there is no room for is counted, and told in the figures, in
//! the log lines and in the next event of the tenant. A process that is killed takes what it gathered along: some
//! seconds, and of those who poll or follow the current hour.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::log::{Ids, Logs};
use super::seen::{Gathered, Kind, Seen};
use crate::audit::sensitive::SensitiveNames;
use crate::audit::{NewEvent, Timestamp};
use crate::store::{Clock, Queue, StoreError, Tenant};

/// The most memory that accesses take which are not recorded yet, in bytes: some ten thousand different ones.
const BYTES_MAX: usize = 32 << 20;
/// How much of it is recorded at once, without waiting for the next time.
const BYTES_MANY: usize = BYTES_MAX / 4;
/// How many events are recorded in one go.
const BATCH_MAX: usize = 200;
/// How long recording what is left may take when the server stops, and how long to wait between two tries.
const FAREWELL: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

/// Accesses that are not recorded yet.
#[derive(Debug, Default)]
struct Book {
    gathered: HashMap<Kind, Gathered>,
    /// What is gathered takes so much, and what waits for the database so much.
    bytes: usize,
    bytes_waiting: usize,
    /// How many were lost, ever; and of those how many were not told in the log lines yet, and in an event, by tenant.
    lost: Counter,
    lost_unsaid: u64,
    lost_untold: HashMap<String, u64>,
}

impl Book {
    /// Notes an access, if there is room. Says whether there is much now.
    fn note(&mut self, seen: Seen) -> bool {
        match self.gathered.entry(seen.kind()) {
            Entry::Occupied(mut alike) => alike.get_mut().add(&seen),
            Entry::Vacant(place) => {
                let gathered = Gathered::new(place.key(), seen);
                let bytes = gathered.bytes();
                if self.bytes + self.bytes_waiting + bytes > BYTES_MAX {
                    let (tenant, requests) = (gathered.tenant().key.clone(), gathered.requests());
                    self.lose(&tenant, requests);
                    return true;
                }
                self.bytes += bytes;
                place.insert(gathered);
            }
        }
        self.bytes > BYTES_MANY
    }

    fn lose(&mut self, tenant: &str, requests: u64) {
        self.lost.inc_by(requests);
        self.lost_unsaid += requests;
        self.leave_untold(tenant, requests);
    }

    /// The next event of the tenant has to tell of these lost ones.
    fn leave_untold(&mut self, tenant: &str, lost: u64) {
        if lost > 0 {
            *self.lost_untold.entry(tenant.to_owned()).or_default() += lost;
        }
    }

    /// Takes out what is to be recorded now.
    fn take(&mut self, now: Timestamp, all: bool) -> Vec<Gathered> {
        let over = self.gathered.extract_if(|_, gathered| all || gathered.is_over(now));
        let mut over: Vec<Gathered> = over.map(|(_, gathered)| gathered).collect();
        over.sort_by_key(Gathered::first_at);
        self.bytes -= over.iter().map(Gathered::bytes).sum::<usize>();
        over
    }
}

/// An event that waits for the database.
struct Waiting {
    tenant: Arc<Tenant>,
    event: NewEvent,
    /// How many accesses it stands for.
    requests: u64,
    /// How many lost ones it tells of.
    lost: u64,
}

struct Shared {
    book: Mutex<Book>,
    logs: Arc<Logs>,
    queue: Queue,
    rules: Arc<SensitiveNames>,
    clock: Clock,
    ids: Ids,
    much: Notify,
    closing: Notify,
}

/// The trail. Clones are the same; one that is not kept takes no notice of anything.
#[derive(Clone, Default)]
pub struct Trail(Option<Arc<Shared>>);

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trail").field("is_kept", &self.is_kept()).finish_non_exhaustive()
    }
}

impl Trail {
    pub(super) fn kept(logs: Arc<Logs>, queue: Queue, rules: Arc<SensitiveNames>, clock: Clock, ids: Ids) -> Self {
        let book = Mutex::default();
        let (much, closing) = (Notify::new(), Notify::new());
        Self(Some(Arc::new(Shared { book, logs, queue, rules, clock, ids, much, closing })))
    }

    /// Whether accesses are recorded.
    pub(super) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.as_ref().map_or(Timestamp(0), |shared| (shared.clock)())
    }

    pub(super) fn note(&self, seen: Seen) {
        let Some(shared) = &self.0 else { return };
        let is_much = shared.book().note(seen);
        if is_much {
            shared.much.notify_one();
        }
    }

    /// Adds its figure to those that are collected.
    pub fn register(&self, registry: &mut Registry) {
        if let Some(shared) = &self.0 {
            let help = "Accesses to the log that could not be recorded";
            registry.register("access_events_lost", help, shared.book().lost.clone());
        }
    }

    /// Records what is gathered, every so often, until it is closed.
    pub async fn record(self, every: Duration) {
        let Some(shared) = self.0 else { return };
        let mut waiting = Vec::new();
        loop {
            let is_closing = tokio::select! {
                () = shared.closing.notified() => true,
                () = shared.much.notified() => false,
                () = tokio::time::sleep(every) => false,
            };
            if is_closing {
                return shared.farewell(waiting).await;
            }
            waiting = shared.flush(waiting, false).await;
        }
    }

    /// Has the rest recorded; [`Trail::record`] ends when that is done.
    pub fn close(&self) {
        if let Some(shared) = &self.0 {
            shared.closing.notify_one();
        }
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, waiting: &Waiting) {
        let mut book = self.book();
        book.lose(&waiting.tenant.key, waiting.requests);
        book.leave_untold(&waiting.tenant.key, waiting.lost);
    }

    async fn farewell(&self, mut waiting: Vec<Waiting>) {
        let until = Instant::now() + FAREWELL;
        loop {
            match tokio::time::timeout_at(until, self.flush(waiting, true)).await {
                Ok(left) if left.is_empty() => return,
                Ok(left) => waiting = left,
                Err(_elapsed) => {
                    tracing::warn!("the last accesses to the log could not be recorded");
                    return;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Records what is gathered and what has waited; what the database does not take now is left.
    async fn flush(&self, mut waiting: Vec<Waiting>, all: bool) -> Vec<Waiting> {
        self.prepare(all, &mut waiting);
        let mut by_tenant: HashMap<String, Vec<Waiting>> = HashMap::new();
        for event in waiting {
            by_tenant.entry(event.tenant.key.clone()).or_default().push(event);
        }
        let mut left = Vec::new();
        for mut events in by_tenant.into_values() {
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(BATCH_MAX));
                if let Err(error) = self.record(&events).await {
                    if is_passing(&error) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "accesses not recorded yet");
                        left.extend(events.into_iter().chain(rest));
                        break;
                    }
                    tracing::error!(error = &error as &dyn std::error::Error, "accesses not recorded");
                    for lost in &events {
                        self.lose(lost);
                    }
                }
                events = rest;
            }
        }
        let mut book = self.book();
        book.bytes_waiting = left.iter().map(|waiting| waiting.event.json().len()).sum();
        match std::mem::take(&mut book.lost_unsaid) {
            0 => {}
            lost => tracing::warn!(lost, "accesses to the log could not be recorded"),
        }
        left
    }

    /// Makes events of what is gathered.
    fn prepare(&self, all: bool, waiting: &mut Vec<Waiting>) {
        let now = (self.clock)();
        let gathered = self.book().take(now, all);
        for gathered in gathered {
            let (tenant, requests) = (Arc::clone(gathered.tenant()), gathered.requests());
            let lost = self.book().lost_untold.remove(&tenant.key).unwrap_or_default();
            match gathered.event((self.ids)(), lost, now, &self.rules) {
                Ok(event) => waiting.push(Waiting { tenant, event, requests, lost }),
                Err(problems) => {
                    tracing::error!(?problems, "an access makes no event");
                    let mut book = self.book();
                    book.lose(&tenant.key, requests);
                    book.leave_untold(&tenant.key, lost);
                }
            }
        }
    }

    /// Records events of one tenant.
    async fn record(&self, events: &[Waiting]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let log = self.logs.of(&first.tenant).await?;
        self.queue.record(&log, &events.iter().map(|waiting| &waiting.event).collect::<Vec<_>>()).await?;
        Ok(())
    }
}

/// Whether trying again may help.
fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Busy(_)
            | StoreError::Undone(_)
            | StoreError::OutcomeUnknown
            | StoreError::Timeout
            | StoreError::Unavailable(_)
            | StoreError::Full
    )
}
