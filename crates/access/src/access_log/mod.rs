//! The access log: records in the background which caller reads which events.
//!
//! Reporting an access adds an entry to a buffer in memory; every few seconds its entries are recorded through the same
//! queue as all other events. Reads never wait for the access log and never fail because of it. While the database
//! accepts no events, accesses stay in the buffer as long as there is memory for them; the others are counted, and
//! reported in the metrics, in the logs and in the tenant's next access event. If the process is killed, the entries in
//! memory are lost: those of a few seconds or, for polling and following, of the current hour.
//!
//! The details of one caller have a budget of bytes in an hour, so that no reader can fill the disk: further accesses are
//! counted, with hashes of their arguments.

mod aggregation;
mod buffer;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::target_log::{AccessLogRegistry, IdGenerator};
use buffer::Buffer;
use model::sensitive::SensitiveNames;
use model::{NewEvent, Timestamp};
use store::{Clock, RecordQueue, StoreError, Tenant};

pub use aggregation::AccessActivity;
pub(super) use aggregation::{Access, AccessedField, CANCELLED, FORBIDDEN, OK, truncated};

/// The maximum number of events recorded in one transaction.
const BATCH_MAX: usize = 200;
/// The timeout for recording the remaining accesses on shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two attempts on shutdown.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The access log. Clones share it. The default is disabled and ignores all accesses.
#[derive(Clone, Default)]
pub struct AccessLog(Option<Arc<AccessLogWorker>>);

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").field("is_enabled", &self.is_enabled()).finish_non_exhaustive()
    }
}

impl AccessLog {
    pub(super) fn new(
        logs: Arc<AccessLogRegistry>,
        queue: RecordQueue,
        sensitive_names: Arc<SensitiveNames>,
        (clock, ids): (Clock, IdGenerator),
        caller_bytes_max: usize,
    ) -> Self {
        Self(Some(Arc::new(AccessLogWorker {
            buffer: Mutex::new(Buffer::new(caller_bytes_max)),
            logs,
            queue,
            sensitive_names,
            clock,
            ids,
            flush_now: Notify::new(),
            shutdown: Notify::new(),
        })))
    }

    /// Whether accesses are recorded.
    pub(super) fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.as_ref().map_or(Timestamp(0), |worker| (worker.clock)())
    }

    /// Adds an access to the buffer.
    pub(super) fn add(&self, access: Access) {
        let Some(worker) = &self.0 else { return };
        let must_flush = worker.buffer.lock().add(access);
        if must_flush {
            worker.flush_now.notify_one();
        }
    }

    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        if let Some(worker) = &self.0 {
            let help = "Accesses to the log that could not be recorded";
            registry.register("access_events_lost", help, worker.buffer.lock().lost.clone());
        }
    }

    /// Records the buffered accesses at this interval. Returns after [`Self::shut_down`], once the rest is recorded.
    pub async fn run(self, interval: Duration) {
        let Some(worker) = self.0 else { return };
        let mut pending = Vec::new();
        loop {
            let is_shutdown = tokio::select! {
                () = worker.shutdown.notified() => true,
                () = worker.flush_now.notified() => false,
                () = tokio::time::sleep(interval) => false,
            };
            if is_shutdown {
                return worker.flush_all(pending).await;
            }
            pending = worker.flush(pending, false).await;
        }
    }

    /// Makes [`Self::run`] record the remaining accesses and return.
    pub fn shut_down(&self) {
        if let Some(worker) = &self.0 {
            worker.shutdown.notify_one();
        }
    }
}

/// An event that waits for the database.
struct PendingEvent {
    tenant: Arc<Tenant>,
    event: NewEvent,
    /// The number of accesses in the event.
    requests: u64,
    /// The number of lost accesses that the event reports.
    lost: u64,
}

impl PendingEvent {
    /// The approximate memory, in bytes: the JSON, and the values that it was written from.
    fn bytes(&self) -> usize {
        self.event.json().len() * 2
    }
}

/// Turns buffered accesses into events and records them.
struct AccessLogWorker {
    buffer: Mutex<Buffer>,
    logs: Arc<AccessLogRegistry>,
    queue: RecordQueue,
    sensitive_names: Arc<SensitiveNames>,
    clock: Clock,
    ids: IdGenerator,
    flush_now: Notify,
    shutdown: Notify,
}

impl AccessLogWorker {
    /// Records everything that is left, with retries, for at most [`SHUTDOWN_TIMEOUT`].
    async fn flush_all(&self, mut pending: Vec<PendingEvent>) {
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
        loop {
            match tokio::time::timeout_at(deadline, self.flush(pending, true)).await {
                Ok(left) if left.is_empty() => return,
                Ok(left) => pending = left,
                Err(_elapsed) => {
                    tracing::warn!("shutdown timed out; the last accesses are not in the access log");
                    return;
                }
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Records the buffered accesses that are due, or all, and the pending events. Returns the events to retry.
    async fn flush(&self, mut pending: Vec<PendingEvent>, all: bool) -> Vec<PendingEvent> {
        self.prepare(all, &mut pending);
        let mut by_tenant: HashMap<String, Vec<PendingEvent>> = HashMap::new();
        for event in pending {
            by_tenant.entry(event.tenant.key.clone()).or_default().push(event);
        }
        let mut left = Vec::new();
        for mut events in by_tenant.into_values() {
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(BATCH_MAX));
                if let Err(error) = self.record(&events).await {
                    if is_transient(&error) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "recording accesses failed; retrying");
                        left.extend(events.into_iter().chain(rest));
                        break;
                    }
                    tracing::error!(error = &error as &dyn std::error::Error, "recording accesses failed");
                    for event in &events {
                        self.add_lost(event);
                    }
                }
                events = rest;
            }
        }
        let mut buffer = self.buffer.lock();
        buffer.pending_bytes = left.iter().map(PendingEvent::bytes).sum();
        match std::mem::take(&mut buffer.lost_not_logged) {
            0 => {}
            lost => tracing::warn!(lost, "accesses to the log could not be recorded"),
        }
        left
    }

    /// Turns the buffered accesses that are due, or all, into events.
    fn prepare(&self, all: bool, pending: &mut Vec<PendingEvent>) {
        let now = (self.clock)();
        let due = self.buffer.lock().take_due(now, all);
        for access in due {
            let (tenant, requests) = (Arc::clone(access.tenant()), access.requests());
            let lost = self.buffer.lock().lost_not_recorded.remove(&tenant.key).unwrap_or_default();
            match access.into_event((self.ids)(), lost, now, &self.sensitive_names) {
                Ok(event) => {
                    let event = PendingEvent { tenant, event, requests, lost };
                    self.buffer.lock().pending_bytes += event.bytes();
                    pending.push(event);
                }
                Err(problems) => {
                    tracing::error!(?problems, "an access event is not valid");
                    let mut buffer = self.buffer.lock();
                    buffer.add_lost(&tenant.key, requests);
                    buffer.report_lost_later(&tenant.key, lost);
                }
            }
        }
    }

    /// Records events of one tenant in one transaction.
    async fn record(&self, events: &[PendingEvent]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let log = self.logs.find_or_create(&first.tenant).await?;
        self.queue.record(&log, &events.iter().map(|pending| &pending.event).collect::<Vec<_>>()).await?;
        Ok(())
    }

    fn add_lost(&self, event: &PendingEvent) {
        let mut buffer = self.buffer.lock();
        buffer.add_lost(&event.tenant.key, event.requests);
        buffer.report_lost_later(&event.tenant.key, event.lost);
    }
}

/// Whether a retry may succeed.
fn is_transient(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Busy(_)
            | StoreError::SerializationFailure(_)
            | StoreError::OutcomeUnknown
            | StoreError::Timeout
            | StoreError::Unavailable(_)
            | StoreError::QueueFull
            | StoreError::DatabaseLocked
    )
}
