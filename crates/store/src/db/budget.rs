//! How much of the database one request may use: until when, how many bytes, and how many connections at a time.
//!
//! A statement ends when the request's time is up, even if statements have more time otherwise, and when nobody waits
//! for it any more. SQLite asks a handler while it works; PostgreSQL gets a shorter timeout before a statement that has
//! less time than others. One caller and one tenant may use only a share of the connections for reading, so that the
//! others find some free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::StoreError;

tokio::task_local! {
    /// Until when the statement that is about to begin may run, and who waits for it.
    static STATEMENT_LIMITS: (Instant, Weak<()>);
}

/// What one request may take; by default, as much as there is.
#[derive(Clone, Debug, Default)]
pub struct QueryBudget {
    deadline: Option<Instant>,
    /// Bytes of events that may be read, and that were.
    bytes_read: Option<(usize, Arc<AtomicUsize>)>,
    permits: Option<(Arc<Semaphore>, Arc<Semaphore>)>,
}

impl QueryBudget {
    /// The same, until then.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same, with so many bytes of events.
    #[must_use]
    pub fn with_byte_limit(self, bytes_max: usize) -> Self {
        Self { bytes_read: Some((bytes_max, Arc::default())), ..self }
    }

    /// The same, without a share of the connections: for what has a limit of its own, as sums and followers do.
    #[must_use]
    pub(crate) fn without_connection_share(self) -> Self {
        Self { permits: None, ..self }
    }

    /// Gives back what was taken in and is not held any more.
    pub(crate) fn release_bytes(&self, bytes: usize) {
        if let Some((_, bytes_read)) = &self.bytes_read {
            bytes_read.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Takes in so many bytes of an event, if the request may.
    pub(crate) fn reserve_bytes(&self, bytes: usize) -> Result<(), StoreError> {
        let Some((limit, bytes_read)) = &self.bytes_read else { return Ok(()) };
        let asked = bytes_read.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if asked > *limit { Err(StoreError::TooLarge { asked, limit: *limit }) } else { Ok(()) }
    }

    /// How long a statement may take, which is otherwise so long.
    pub(crate) fn timeout(&self, default: Duration) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(default, |left| left.min(default))
    }

    /// Waits until the caller and its tenant have a connection left of their share.
    pub(crate) async fn connection_permits(
        &self,
    ) -> Result<Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)>, StoreError> {
        let Some((caller, tenant)) = &self.permits else { return Ok(None) };
        let closed = |_closed| StoreError::Bug("a share is closed");
        let caller_permit = caller.acquire().await.map_err(closed)?;
        Ok(Some((caller_permit, tenant.acquire().await.map_err(closed)?)))
    }
}

/// Runs a statement that ends with its time, or when it is not waited for any more.
pub(crate) async fn with_limits<T>(timeout: Duration, statement: impl Future<Output = T>) -> T {
    let waiter = Arc::new(());
    STATEMENT_LIMITS.scope((Instant::now() + timeout, Arc::downgrade(&waiter)), statement).await
}

/// Whether the statement that is about to begin on this task may go on; asked again and again while it runs.
pub(crate) fn should_continue(timeout: Duration) -> impl Fn() -> bool + Send + 'static {
    let latest = Instant::now() + timeout;
    let (deadline, waiter) =
        STATEMENT_LIMITS.try_with(Clone::clone).map_or((latest, None), |(at, who)| (at.min(latest), Some(who)));
    move || Instant::now() < deadline && waiter.as_ref().is_none_or(|waiter| waiter.strong_count() > 0)
}

/// A tenant, or a subject in it.
type ShareKey = (String, Option<String>);

/// The shares of those who read at the moment.
#[derive(Debug)]
pub struct ConnectionShares {
    connections: usize,
    semaphores: Mutex<HashMap<ShareKey, Weak<Semaphore>>>,
}

impl ConnectionShares {
    /// ConnectionShares of so many connections.
    pub fn new(connections: u32) -> Self {
        Self { connections: connections as usize, semaphores: Mutex::default() }
    }

    /// The share of a caller: half of the connections for it, three quarters for its tenant, and one at least.
    pub fn of(&self, tenant: &str, subject: &str) -> QueryBudget {
        let mut semaphores = self.semaphores.lock();
        // As many as there were when it grew last are gone by then, or are still read for.
        if semaphores.len() == semaphores.capacity() {
            semaphores.retain(|_, share| share.strong_count() > 0);
        }
        let mut share = |subject: Option<&str>, connections: usize| {
            let bytes_read = semaphores.entry((tenant.to_owned(), subject.map(str::to_owned))).or_default();
            bytes_read.upgrade().unwrap_or_else(|| {
                let share = Arc::new(Semaphore::new(connections.max(1)));
                *bytes_read = Arc::downgrade(&share);
                share
            })
        };
        let caller = share(Some(subject), self.connections.div_ceil(2));
        let tenant = share(None, self.connections - self.connections / 4);
        QueryBudget { permits: Some((caller, tenant)), ..QueryBudget::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_has_half_and_a_tenant_three_quarters() {
        let permits = ConnectionShares::new(8);
        let (ada, bob, other) = (permits.of("a", "ada"), permits.of("a", "bob"), permits.of("b", "ada"));
        let mut bytes_read = Vec::new();
        for _ in 0..4 {
            bytes_read.push(ada.connection_permits().await.ok().unwrap());
        }
        let again = permits.of("a", "ada");
        assert!(
            tokio::time::timeout(Duration::ZERO, again.connection_permits()).await.is_err(),
            "her half is taken, in all requests"
        );
        for _ in 0..2 {
            bytes_read.push(bob.connection_permits().await.ok().unwrap());
        }
        assert!(
            tokio::time::timeout(Duration::ZERO, bob.connection_permits()).await.is_err(),
            "the tenant's part is taken"
        );
        assert!(other.connection_permits().await.is_ok());
        bytes_read.clear();
        assert!(bob.connection_permits().await.is_ok());
    }

    #[test]
    fn who_reads_no_more_is_forgotten() {
        let permits = ConnectionShares::new(8);
        for i in 0..1_000 {
            permits.of("a", &i.to_string());
        }
        assert!(permits.semaphores.lock().len() < 100);
    }

    #[tokio::test]
    async fn a_statement_goes_on_while_it_has_time_and_somebody_waits() {
        let go_on = with_limits(Duration::from_mins(1), async { should_continue(Duration::from_secs(5)) }).await;
        assert!(!go_on(), "nobody waits any more");
        with_limits(Duration::from_mins(1), async { assert!(should_continue(Duration::from_secs(5))()) }).await;
        with_limits(Duration::ZERO, async { assert!(!should_continue(Duration::from_secs(5))()) }).await;
        assert!(should_continue(Duration::from_secs(5))(), "nothing is said of it");
    }
}
