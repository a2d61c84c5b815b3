//! The trail: who reads the log is itself recorded, in the background.
//!
//! Noting an access is an entry in a table in memory; every few seconds its entries are recorded by the same queue as
//! all other events. Reading never waits for this and never fails because of it. While the database accepts nothing,
//! events are kept as long as there is room; those without room are counted, and reported in the metrics, in the log
//! lines and in the tenant's next access event. If the process is killed, the entries in memory are lost: those of some
//! seconds or, for polling and following, of the current hour.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::target_log::{IdGenerator, Logs};
mod aggregation;

pub use aggregation::AccessActivity;
pub(super) use aggregation::{CANCELLED, FORBIDDEN, OK, Question, Seen, kept};

use aggregation::{Gathered, Kind};
use model::sensitive::SensitiveNames;
use model::{NewEvent, Timestamp};
use store::{Clock, RecordQueue, StoreError, Tenant};

/// The most memory that accesses take which are not recorded yet, in bytes: some ten thousand different ones.
const BYTES_MAX: usize = 32 << 20;
/// How much of it is recorded at once, without waiting for the next time.
const BYTES_MANY: usize = BYTES_MAX / 4;
/// How many events are recorded in one go.
const BATCH_MAX: usize = 200;
/// How long recording what is left may take when the server stops, and how long to wait between two tries.
const FAREWELL: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

/// Accesses that are not recorded yet.
#[derive(Debug, Default)]
struct Book {
    gathered: HashMap<Kind, Gathered>,
    /// What is gathered takes so much, and what waits for the database so much.
    bytes: usize,
    bytes_waiting: usize,
    /// How many were lost, ever; and how many of those are not reported yet in the log lines, and in an event, by
    /// tenant.
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

    /// The tenant's next event must report these lost ones.
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

impl Waiting {
    /// About how much memory it takes: as text, and what the text was made of.
    fn bytes(&self) -> usize {
        self.event.json().len() * 2
    }
}

struct Shared {
    book: Mutex<Book>,
    logs: Arc<Logs>,
    queue: RecordQueue,
    rules: Arc<SensitiveNames>,
    clock: Clock,
    ids: IdGenerator,
    much: Notify,
    closing: Notify,
}

/// The trail. Clones share it; one that is not kept notes nothing.
#[derive(Clone, Default)]
pub struct AccessLog(Option<Arc<Shared>>);

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessLog").field("is_kept", &self.is_kept()).finish_non_exhaustive()
    }
}

impl AccessLog {
    pub(super) fn kept(
        logs: Arc<Logs>,
        queue: RecordQueue,
        rules: Arc<SensitiveNames>,
        clock: Clock,
        ids: IdGenerator,
    ) -> Self {
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
        let is_much = shared.book.lock().note(seen);
        if is_much {
            shared.much.notify_one();
        }
    }

    /// Adds its figure to those that are collected.
    pub fn register(&self, registry: &mut Registry) {
        if let Some(shared) = &self.0 {
            let help = "Accesses to the log that could not be recorded";
            registry.register("access_events_lost", help, shared.book.lock().lost.clone());
        }
    }

    /// Records what is gathered, every so often, until it is closed.
    pub async fn run(self, every: Duration) {
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

    /// Has the rest recorded; [`AccessLog::record`] ends when that is done.
    pub fn shut_down(&self) {
        if let Some(shared) = &self.0 {
            shared.closing.notify_one();
        }
    }
}

impl Shared {
    fn lose(&self, waiting: &Waiting) {
        let mut book = self.book.lock();
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
        let mut book = self.book.lock();
        book.bytes_waiting = left.iter().map(Waiting::bytes).sum();
        match std::mem::take(&mut book.lost_unsaid) {
            0 => {}
            lost => tracing::warn!(lost, "accesses to the log could not be recorded"),
        }
        left
    }

    /// Makes events of what is gathered.
    fn prepare(&self, all: bool, waiting: &mut Vec<Waiting>) {
        let now = (self.clock)();
        let gathered = self.book.lock().take(now, all);
        for gathered in gathered {
            let (tenant, requests) = (Arc::clone(gathered.tenant()), gathered.requests());
            let lost = self.book.lock().lost_untold.remove(&tenant.key).unwrap_or_default();
            match gathered.event((self.ids)(), lost, now, &self.rules) {
                Ok(event) => {
                    let event = Waiting { tenant, event, requests, lost };
                    self.book.lock().bytes_waiting += event.bytes();
                    waiting.push(event);
                }
                Err(problems) => {
                    tracing::error!(?problems, "an access makes no event");
                    let mut book = self.book.lock();
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
            | StoreError::SerializationFailure(_)
            | StoreError::OutcomeUnknown
            | StoreError::Timeout
            | StoreError::Unavailable(_)
            | StoreError::QueueFull
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::aggregation::{AccessActivity, OK, Question};
    use super::*;
    use auth::Principal;
    use model::time::HOUR;

    fn seen(tenant: &Arc<Tenant>, act: AccessActivity, filter: String, at: i64) -> Seen {
        let principal = Principal {
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: tenant.key.clone(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants: Vec::new(),
            record: None,
            expires_at: Timestamp(0),
        };
        let question = Question {
            act,
            operation: "Mine".into(),
            field: "auditEvents".into(),
            filter: Some(filter),
            arguments: None,
        };
        Seen {
            principal: Arc::new(principal),
            tenant: Arc::clone(tenant),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            request_id: "1".into(),
            question,
            code: OK.into(),
            at: Timestamp(at),
            requests: 1,
            events: 2,
            as_of: Some(at),
        }
    }

    fn tenant() -> Arc<Tenant> {
        Arc::new(Tenant::unstored("contoso"))
    }

    fn details(gathered: Gathered, lost: u64) -> Vec<(String, String)> {
        let event = gathered.event("key".into(), lost, Timestamp(2 * HOUR), &SensitiveNames::default()).unwrap();
        let details = event.body().additional_details.iter();
        details.map(|detail| (detail.key.clone(), detail.value.clone().unwrap_or_default())).collect()
    }

    #[test]
    fn what_is_alike_is_one_event_with_its_counts() {
        let (mut book, tenant) = (Book::default(), tenant());
        for at in [30, 10, 20] {
            book.note(seen(&tenant, AccessActivity::Query, "{}".into(), at));
        }
        book.note(seen(&tenant, AccessActivity::Query, "{\"search\":\"x\"}".into(), 5));
        let mut taken = book.take(Timestamp(40), false);
        assert_eq!((taken.len(), book.bytes), (2, 0));
        let details = details(taken.pop().unwrap(), 7);
        let said = |key: &str| details.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let expected = [Some("3"), Some("6"), Some("30"), Some("1970-01-01T00:00:00.000030Z"), Some("7"), None];
        assert_eq!(["requests", "events", "asOf", "until", "lost", "arguments"].map(said), expected);
    }

    #[test]
    fn who_polls_is_one_event_an_hour_and_whoever_is_refused_is_told_of_at_once() {
        let (mut book, tenant) = (Book::default(), tenant());
        for at in [0, HOUR - 1, HOUR] {
            book.note(seen(&tenant, AccessActivity::Poll, "{}".into(), at));
        }
        book.note(Seen { code: "FORBIDDEN".into(), ..seen(&tenant, AccessActivity::Poll, "{}".into(), HOUR) });
        assert_eq!(book.take(Timestamp(HOUR - 1), false).len(), 1);
        assert_eq!(book.take(Timestamp(HOUR), false).len(), 1);
        assert_eq!(book.take(Timestamp(HOUR), true).len(), 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let (mut book, tenant) = (Book::default(), tenant());
        let long = "x".repeat(1 << 20);
        let ask = |book: &mut Book, number: usize| {
            book.note(seen(&tenant, AccessActivity::Query, format!("{number}{long}"), 1))
        };
        assert!(!ask(&mut book, 0));
        (1..100).for_each(|number| assert_eq!(ask(&mut book, number), number > 6, "{number}"));
        assert!(book.bytes <= BYTES_MAX);
        let kept = book.gathered.len();
        assert_eq!(
            (book.lost.get(), book.lost_untold["contoso"], book.lost_unsaid),
            (100 - kept as u64, 100 - kept as u64, 100 - kept as u64)
        );
        // What is known already only counts one more.
        ask(&mut book, 0);
        assert_eq!((book.gathered.len(), book.lost.get()), (kept, 100 - kept as u64));
        assert_eq!(book.take(Timestamp(1), false).len(), kept);
    }
}
