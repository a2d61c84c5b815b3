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

/// Accounts for the memory of the events that requests hold.
pub trait ByteMeter: Send + Sync + std::fmt::Debug {
    /// Reserves memory for events of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::CallerMemory`] or [`StoreError::ServerMemory`] if there is none.
    fn reserve(&self, bytes: usize) -> Result<(), StoreError>;

    /// Releases the memory of events of `bytes` bytes.
    fn release(&self, bytes: usize);
}

/// Limits of one request. The default has none.
#[derive(Clone, Debug, Default)]
pub struct QueryBudget {
    deadline: Option<Instant>,
    meter: Option<Arc<dyn ByteMeter>>,
    /// The limit in bytes of events, and the bytes read so far.
    event_bytes: Option<(usize, Arc<AtomicUsize>)>,
    shares: Option<RequestShares>,
    /// Whether statements read only what they return, so that they need no permit for scans.
    is_lookup: bool,
}

/// The shares that a request uses.
#[derive(Clone, Debug)]
struct RequestShares {
    caller: Arc<Share>,
    tenant: Arc<Share>,
    /// The scans of all tenants.
    scans: Arc<Semaphore>,
}

/// A share of the connections: all of it, and the part that scans may use.
#[derive(Debug)]
struct Share {
    all: Semaphore,
    scans: Semaphore,
}

impl Share {
    fn new(connections: usize) -> Self {
        Self { all: Semaphore::new(connections.max(1)), scans: Semaphore::new(scans_of(connections)) }
    }
}

/// The connections of a share that scans may use: all but one, which look-ups find free.
fn scans_of(connections: usize) -> usize {
    connections.saturating_sub(1).max(1)
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

    /// Accounts for the bytes of events in a meter as well.
    #[must_use]
    pub fn with_meter(self, meter: Arc<dyn ByteMeter>) -> Self {
        Self { meter: Some(meter), ..self }
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
        if let Some(meter) = &self.meter {
            meter.release(bytes);
        }
    }

    /// Reserves the bytes of an event.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if the request's byte limit is exceeded, and as [`ByteMeter::reserve`]; nothing is
    /// reserved then.
    pub(crate) fn reserve_bytes(&self, bytes: usize) -> Result<(), StoreError> {
        if let Some(meter) = &self.meter {
            meter.reserve(bytes)?;
        }
        let Some((limit, event_bytes)) = &self.event_bytes else { return Ok(()) };
        let requested = event_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if requested > *limit {
            self.release_bytes(bytes);
            return Err(StoreError::TooLarge { requested, limit: *limit });
        }
        Ok(())
    }

    /// Returns the timeout of a statement: `default`, or the time until the deadline if that is shorter.
    pub(crate) fn timeout(&self, default: Duration) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(default, |left| left.min(default))
    }

    /// Marks the statements as look-ups: they read only what they return, and do not wait for scans of the same tenant.
    #[must_use]
    pub(crate) fn for_lookup(self) -> Self {
        Self { is_lookup: true, ..self }
    }

    /// Waits for a permit of the caller's share and one of its tenant's share; scans wait for permits to scan first, so
    /// that a waiting scan occupies no connection. Returns no permits if the budget has no share.
    pub(crate) async fn connection_permits(&self) -> Result<Vec<SemaphorePermit<'_>>, StoreError> {
        let Some(RequestShares { caller, tenant, scans }) = &self.shares else { return Ok(Vec::new()) };
        let mut permits = Vec::new();
        let for_scans = [&caller.scans, &tenant.scans, scans].into_iter().filter(|_| !self.is_lookup);
        for semaphore in for_scans.chain([&caller.all, &tenant.all]) {
            let permit = semaphore.acquire().await;
            permits.push(permit.map_err(|_closed| StoreError::Bug("the semaphore of a connection share is closed"))?);
        }
        Ok(permits)
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
    shares: Mutex<HashMap<ShareKey, Weak<Share>>>,
    scans: Arc<Semaphore>,
}

impl ConnectionShares {
    /// The shares of `connections` read connections.
    pub fn new(connections: u32) -> Self {
        let connections = connections as usize;
        Self { connections, shares: Mutex::default(), scans: Arc::new(Semaphore::new(scans_of(connections))) }
    }

    /// Returns the budget of a caller: at most half of the connections for the caller and three quarters for its
    /// tenant, and at least one each. Of each share, one connection is left to look-ups.
    pub fn of(&self, tenant: &str, issuer: Option<&str>, subject: &str) -> QueryBudget {
        let mut shares = self.shares.lock();
        // Drop unused shares before the map grows: the cost is amortised over the insertions since the last growth.
        if shares.len() == shares.capacity() {
            shares.retain(|_, share| share.strong_count() > 0);
        }
        let mut share = |caller: Option<(Option<String>, String)>, connections: usize| {
            let entry = shares.entry((tenant.to_owned(), caller)).or_default();
            entry.upgrade().unwrap_or_else(|| {
                let share = Arc::new(Share::new(connections));
                *entry = Arc::downgrade(&share);
                share
            })
        };
        let caller = (issuer.map(str::to_owned), subject.to_owned());
        let caller = share(Some(caller), self.connections.div_ceil(2));
        let tenant = share(None, self.connections - self.connections / 4);
        QueryBudget {
            shares: Some(RequestShares { caller, tenant, scans: Arc::clone(&self.scans) }),
            ..QueryBudget::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn caller_has_half_and_tenant_three_quarters_of_connections() {
        let shares = ConnectionShares::new(8);
        let lookup = |tenant, subject| shares.of(tenant, None, subject).for_lookup();
        let (ada, bob, other) = (lookup("a", "ada"), lookup("a", "bob"), lookup("b", "ada"));
        let namesake = shares.of("a", Some("https://issuer.example"), "ada").for_lookup();
        let mut permits = Vec::new();
        for _ in 0..4 {
            permits.push(ada.connection_permits().await.ok().unwrap());
        }
        let again = lookup("a", "ada");
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

    #[tokio::test]
    async fn scans_leave_a_connection_to_lookups() {
        let shares = ConnectionShares::new(8);
        let callers = ["ada", "bob", "eve"].map(|subject| shares.of("a", None, subject));
        let waits = async |budget: &QueryBudget| {
            tokio::time::timeout(Duration::ZERO, budget.connection_permits()).await.is_err()
        };
        let other = shares.of("b", None, "ada");
        let mut permits = Vec::new();
        for (caller, scans) in callers.iter().zip([3, 2, 0]) {
            for _ in 0..scans {
                permits.push(caller.connection_permits().await.ok().unwrap());
            }
            assert!(waits(caller).await, "the caller's share, or that of its tenant, is used up");
        }
        assert!(!waits(&shares.of("a", None, "eve").for_lookup()).await);
        permits.extend([other.connection_permits().await.unwrap(), other.connection_permits().await.unwrap()]);
        assert!(waits(&other).await && !waits(&shares.of("b", None, "ada").for_lookup()).await, "scans of all tenants");
    }

    #[test]
    fn unused_shares_are_dropped() {
        let shares = ConnectionShares::new(8);
        for i in 0..1_000 {
            shares.of("a", None, &i.to_string());
        }
        assert!(shares.shares.lock().len() < 100);
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
