//! Limits on what one request may take from the database: time, bytes of events, and read connections.
//!
//! A statement ends when the request's deadline passes, even if the store's statement timeout is longer, and when the
//! future that waits for it is dropped. SQLite polls a progress handler while a statement runs; on PostgreSQL a
//! statement with less time than the default gets a shorter `statement_timeout`. One caller and one tenant may use only
//! a share of the read connections, so that other callers always find some free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::StoreError;

tokio::task_local! {
    /// The deadline of the next statement on this task, and a handle that is dropped when its caller stops waiting.
    static STATEMENT_LIMITS: (Instant, Weak<()>);
}

/// Limits of one request. The default has none.
#[derive(Clone, Debug, Default)]
pub struct QueryBudget {
    deadline: Option<Instant>,
    /// The limit in bytes of events, and the bytes read so far.
    event_bytes: Option<(usize, Arc<AtomicUsize>)>,
    shares: Option<(Arc<Semaphore>, Arc<Semaphore>)>,
}

impl QueryBudget {
    /// Sets the deadline after which no statement may run.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Limits the bytes of events that the request may read. Reading more fails with [`StoreError::TooLarge`].
    #[must_use]
    pub fn with_byte_limit(self, bytes_max: usize) -> Self {
        Self { event_bytes: Some((bytes_max, Arc::default())), ..self }
    }

    /// Removes the connection share, for work with a limit of its own: cached counts and followers.
    #[must_use]
    pub(crate) fn without_connection_share(self) -> Self {
        Self { shares: None, ..self }
    }

    /// Returns bytes that were reserved for events the request no longer holds.
    pub(crate) fn release_bytes(&self, bytes: usize) {
        if let Some((_, event_bytes)) = &self.event_bytes {
            event_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Reserves the bytes of an event.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if the request's byte limit is exceeded.
    pub(crate) fn reserve_bytes(&self, bytes: usize) -> Result<(), StoreError> {
        let Some((limit, event_bytes)) = &self.event_bytes else { return Ok(()) };
        let requested = event_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if requested > *limit { Err(StoreError::TooLarge { requested, limit: *limit }) } else { Ok(()) }
    }

    /// Returns the timeout of a statement: `default`, or the time until the deadline if that is shorter.
    pub(crate) fn timeout(&self, default: Duration) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(default, |left| left.min(default))
    }

    /// Waits for a permit of the caller's share and one of its tenant's share. Returns `None` if the budget has no
    /// share.
    pub(crate) async fn connection_permits(
        &self,
    ) -> Result<Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)>, StoreError> {
        let Some((caller, tenant)) = &self.shares else { return Ok(None) };
        let closed = |_closed| StoreError::Bug("the semaphore of a connection share is closed");
        let caller_permit = caller.acquire().await.map_err(closed)?;
        Ok(Some((caller_permit, tenant.acquire().await.map_err(closed)?)))
    }
}

/// Runs a statement that ends after `timeout`, or as soon as the returned future is dropped.
pub(crate) async fn with_limits<T>(timeout: Duration, statement: impl Future<Output = T>) -> T {
    let waiter = Arc::new(());
    STATEMENT_LIMITS.scope((Instant::now() + timeout, Arc::downgrade(&waiter)), statement).await
}

/// Returns the predicate that SQLite's progress handler calls while the next statement on this task runs: `false` once
/// the statement has to end.
pub(crate) fn should_continue(timeout: Duration) -> impl Fn() -> bool + Send + 'static {
    let latest = Instant::now() + timeout;
    let (deadline, waiter) =
        STATEMENT_LIMITS.try_with(Clone::clone).map_or((latest, None), |(at, caller)| (at.min(latest), Some(caller)));
    move || Instant::now() < deadline && waiter.as_ref().is_none_or(|waiter| waiter.strong_count() > 0)
}

/// A tenant, or a caller within a tenant: its issuer and its subject.
type ShareKey = (String, Option<(Option<String>, String)>);

/// The shares of read connections of all callers that are reading.
#[derive(Debug)]
pub struct ConnectionShares {
    connections: usize,
    semaphores: Mutex<HashMap<ShareKey, Weak<Semaphore>>>,
}

impl ConnectionShares {
    /// Shares of `connections` read connections.
    pub fn new(connections: u32) -> Self {
        Self { connections: connections as usize, semaphores: Mutex::default() }
    }

    /// Returns the budget of a caller: at most half of the connections for the caller and three quarters for its
    /// tenant, and at least one each.
    pub fn of(&self, tenant: &str, issuer: Option<&str>, subject: &str) -> QueryBudget {
        let mut semaphores = self.semaphores.lock();
        // Drop unused semaphores before the map grows: the cost is amortised over the insertions since the last growth.
        if semaphores.len() == semaphores.capacity() {
            semaphores.retain(|_, share| share.strong_count() > 0);
        }
        let mut share = |caller: Option<(Option<String>, String)>, connections: usize| {
            let semaphore = semaphores.entry((tenant.to_owned(), caller)).or_default();
            semaphore.upgrade().unwrap_or_else(|| {
                let share = Arc::new(Semaphore::new(connections.max(1)));
                *semaphore = Arc::downgrade(&share);
                share
            })
        };
        let caller = (issuer.map(str::to_owned), subject.to_owned());
        let caller = share(Some(caller), self.connections.div_ceil(2));
        let tenant = share(None, self.connections - self.connections / 4);
        QueryBudget { shares: Some((caller, tenant)), ..QueryBudget::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn caller_has_half_and_tenant_three_quarters_of_connections() {
        let shares = ConnectionShares::new(8);
        let of = |tenant, subject| shares.of(tenant, None, subject);
        let (ada, bob, other) = (of("a", "ada"), of("a", "bob"), of("b", "ada"));
        let namesake = shares.of("a", Some("https://issuer.example"), "ada");
        let mut permits = Vec::new();
        for _ in 0..4 {
            permits.push(ada.connection_permits().await.ok().unwrap());
        }
        let again = of("a", "ada");
        assert!(
            tokio::time::timeout(Duration::ZERO, again.connection_permits()).await.is_err(),
            "the share spans all requests of the caller"
        );
        permits.push(namesake.connection_permits().await.ok().unwrap());
        permits.push(bob.connection_permits().await.ok().unwrap());
        assert!(
            tokio::time::timeout(Duration::ZERO, bob.connection_permits()).await.is_err(),
            "the share spans all callers of the tenant"
        );
        assert!(other.connection_permits().await.is_ok());
        permits.clear();
        assert!(bob.connection_permits().await.is_ok());
    }

    #[test]
    fn unused_shares_are_dropped() {
        let shares = ConnectionShares::new(8);
        for i in 0..1_000 {
            shares.of("a", None, &i.to_string());
        }
        assert!(shares.semaphores.lock().len() < 100);
    }

    #[tokio::test]
    async fn statement_ends_at_its_deadline_or_without_its_caller() {
        let continues = with_limits(Duration::from_mins(1), async { should_continue(Duration::from_secs(5)) }).await;
        assert!(!continues(), "the caller is gone");
        with_limits(Duration::from_mins(1), async { assert!(should_continue(Duration::from_secs(5))()) }).await;
        with_limits(Duration::ZERO, async { assert!(!should_continue(Duration::from_secs(5))()) }).await;
        assert!(should_continue(Duration::from_secs(5))(), "no limits are set");
    }
}
