//! The loop of a relay: reads rows that wait, delivers them, and settles them.

use std::future::Future;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::Instant;

use crate::event::event_of;
use crate::server::{RecordingServer, Refusal};
use crate::table::{OutboxCounts, OutboxRow, OutboxTable, Settlement};

/// The most bytes of events in a request: half of what a server accepts by default.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// The interval between reads without a notification.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The interval between reports of the counts and removals of old rows.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// The first wait after a failure. It doubles with each further failure.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What happened to rows of an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayProgress {
    /// The rows whose events were recorded.
    pub recorded: u64,
    /// The rows that were set aside.
    pub set_aside: u64,
}

/// Receives what a relay does, for logs and metrics.
pub trait RelayObserver {
    /// Rows were settled.
    fn report_settled(&mut self, progress: RelayProgress);
    /// Rows that wait, at regular intervals.
    fn report_counts(&mut self, counts: OutboxCounts);
    /// A delivery failed and is repeated after this time.
    fn report_failure(&mut self, reason: &str, retry_in: Duration);
}

/// A relay between the outbox of an application and a server.
#[derive(Debug)]
pub struct Relay {
    /// The outbox.
    pub table: OutboxTable,
    /// The server.
    pub server: RecordingServer,
    /// How long recorded rows are kept; `None` if they are removed at once.
    pub keep: Option<Duration>,
    /// The source of randomness of waits, from 0 to 1, so that many relays do not retry at the same time.
    pub random: fn() -> f64,
}

/// Why rows were not settled.
enum DeliveryError {
    Server(Refusal),
    Database(DbErr),
}

impl Relay {
    /// Delivers until `stop` completes. A delivery that is under way is completed.
    pub async fn run(&self, observer: &mut impl RelayObserver, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut listener = None;
        let (mut failures, mut reported_at) = (0, None::<Instant>);
        loop {
            if listener.is_none() {
                // Without notifications the relay polls.
                listener = self.table.listen().await.ok().flatten();
            }
            let delivered = self.deliver(observer).await;
            if reported_at.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL) {
                reported_at = Some(Instant::now());
                self.report(observer).await;
            }
            let wait = match delivered {
                Ok(0) => {
                    failures = 0;
                    POLL_INTERVAL
                }
                Ok(_) => {
                    failures = 0;
                    Duration::ZERO
                }
                Err(error) => {
                    failures += 1;
                    let (reason, wait) = self.backoff(error, failures);
                    observer.report_failure(&reason, wait);
                    wait
                }
            };
            let notified = async {
                match &mut listener {
                    // Notifications end no wait after a failure.
                    Some(listener) if failures == 0 => listener.recv().await.is_ok(),
                    _ => std::future::pending().await,
                }
            };
            let mut is_listening = true;
            tokio::select! {
                biased;
                () = &mut stop => return,
                received = notified => is_listening = received,
                () = tokio::time::sleep(wait) => {}
            }
            if !is_listening {
                listener = None;
            }
        }
    }

    /// Delivers the rows that wait. Returns an error as soon as a delivery fails.
    ///
    /// # Errors
    ///
    /// The reason of the failure.
    pub async fn run_once(&self, observer: &mut impl RelayObserver) -> Result<(), String> {
        loop {
            match self.deliver(observer).await {
                Ok(0) => {
                    self.report(observer).await;
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) => return Err(self.backoff(error, 1).0),
            }
        }
    }

    /// Delivers one batch. Returns the number of rows that were settled.
    async fn deliver(&self, observer: &mut impl RelayObserver) -> Result<usize, DeliveryError> {
        let locked = self.table.waiting().await.map_err(DeliveryError::Database)?;
        let (mut settled, mut events) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for row in &locked.rows {
            match event_of(row) {
                Ok(event) => {
                    bytes += event.len();
                    if bytes > REQUEST_BYTES_MAX && !events.is_empty() {
                        break;
                    }
                    events.push((row, event));
                }
                Err(problem) => settled.push((row.id, Settlement::SetAside(problem))),
            }
        }
        let outcome = self.deliver_events(&events, &mut settled).await;
        let set_aside = settled.iter().filter(|(_, settled)| *settled != Settlement::Recorded).count();
        let count = settled.len();
        if count > 0 {
            self.table.settle(locked, &settled).await.map_err(DeliveryError::Database)?;
            observer
                .report_settled(RelayProgress { recorded: (count - set_aside) as u64, set_aside: set_aside as u64 });
        }
        outcome.map(|()| count).map_err(DeliveryError::Server)
    }

    /// Sends events and adds what became of them to `settled`. A body that the server refuses as a whole is sent in
    /// halves, so that one event that makes it unreadable or too large does not hold up the others.
    async fn deliver_events(
        &self,
        events: &[(&OutboxRow, String)],
        settled: &mut Vec<(i64, Settlement)>,
    ) -> Result<(), Refusal> {
        let mut parts = vec![events];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let texts: Vec<&str> = part.iter().map(|(_, event)| event.as_str()).collect();
            match self.server.record(&texts).await {
                Ok(outcomes) => settled.extend(part.iter().map(|(row, _)| row.id).zip(outcomes)),
                Err(Refusal::Body(message)) if part.len() == 1 => {
                    settled.extend(part.iter().map(|(row, _)| (row.id, Settlement::SetAside(message.clone()))));
                }
                Err(Refusal::Body(_)) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    // The first half is sent next.
                    parts.extend([second, first]);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Returns the reason of a failure and the wait before the next attempt.
    fn backoff(&self, error: DeliveryError, failures: u32) -> (String, Duration) {
        let longest = BACKOFF_MIN.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX);
        let wait = BACKOFF_MIN.max(longest.mul_f64((self.random)()));
        match error {
            DeliveryError::Server(Refusal::Unavailable(reason, retry_after)) => {
                (format!("the server cannot record: {reason}"), retry_after.map_or(wait, |after| after.max(wait)))
            }
            DeliveryError::Server(Refusal::Misconfigured(reason) | Refusal::Body(reason)) => {
                (format!("the server refuses this relay: {reason}"), wait)
            }
            DeliveryError::Database(error) => (format!("the outbox cannot be used: {error}"), wait),
        }
    }

    /// Reports the counts, and removes rows that were recorded long enough ago.
    async fn report(&self, observer: &mut impl RelayObserver) {
        if let Some(keep) = self.keep
            && let Err(error) = self.table.remove_recorded(keep).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "recorded rows cannot be removed from the outbox");
        }
        match self.table.counts().await {
            Ok(counts) => observer.report_counts(counts),
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "the outbox cannot be counted"),
        }
    }
}
