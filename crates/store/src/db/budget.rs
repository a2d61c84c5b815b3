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
    static ALLOWED: (Instant, Weak<()>);
}

/// What one request may take; by default, as much as there is.
#[derive(Clone, Debug, Default)]
pub struct QueryBudget {
    deadline: Option<Instant>,
    /// Bytes of events that may be read, and that were.
    held: Option<(usize, Arc<AtomicUsize>)>,
    shares: Option<(Arc<Semaphore>, Arc<Semaphore>)>,
}

impl QueryBudget {
    /// The same, until then.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same, with so many bytes of events.
    #[must_use]
    pub fn holding(self, bytes_max: usize) -> Self {
        Self { held: Some((bytes_max, Arc::default())), ..self }
    }

    /// The same, without a share of the connections: for what has a limit of its own, as sums and followers do.
    #[must_use]
    pub(crate) fn unshared(self) -> Self {
        Self { shares: None, ..self }
    }

    /// Gives back what was taken in and is not held any more.
    pub(crate) fn release(&self, bytes: usize) {
        if let Some((_, held)) = &self.held {
            held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Takes in so many bytes of an event, if the request may.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), StoreError> {
        let Some((limit, held)) = &self.held else { return Ok(()) };
        let asked = held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if asked > *limit { Err(StoreError::TooLarge { asked, limit: *limit }) } else { Ok(()) }
    }

    /// How long a statement may take, which is otherwise so long.
    pub(crate) fn patience(&self, otherwise: Duration) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(otherwise, |left| left.min(otherwise))
    }

    /// Waits until the caller and its tenant have a connection left of their share.
    pub(crate) async fn share(&self) -> Result<Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)>, StoreError> {
        let Some((caller, tenant)) = &self.shares else { return Ok(None) };
        let closed = |_closed| StoreError::Bug("a share is closed");
        let own = caller.acquire().await.map_err(closed)?;
        Ok(Some((own, tenant.acquire().await.map_err(closed)?)))
    }
}

/// Runs a statement that ends with its time, or when it is not waited for any more.
pub(crate) async fn within<T>(patience: Duration, statement: impl Future<Output = T>) -> T {
    let waiting = Arc::new(());
    ALLOWED.scope((Instant::now() + patience, Arc::downgrade(&waiting)), statement).await
}

/// Whether the statement that is about to begin on this task may go on; asked again and again while it runs.
pub(crate) fn may_go_on(patience: Duration) -> impl Fn() -> bool + Send + 'static {
    let latest = Instant::now() + patience;
    let (deadline, waiting) =
        ALLOWED.try_with(Clone::clone).map_or((latest, None), |(at, who)| (at.min(latest), Some(who)));
    move || Instant::now() < deadline && waiting.as_ref().is_none_or(|waiting| waiting.strong_count() > 0)
}

/// A tenant, or a subject in it.
type Holder = (String, Option<String>);

/// The shares of those who read at the moment.
#[derive(Debug)]
pub struct ConnectionShares {
    connections: usize,
    holders: Mutex<HashMap<Holder, Weak<Semaphore>>>,
}

impl ConnectionShares {
    /// ConnectionShares of so many connections.
    pub fn new(connections: u32) -> Self {
        Self { connections: connections as usize, holders: Mutex::default() }
    }

    /// The share of a caller: half of the connections for it, three quarters for its tenant, and one at least.
    pub fn of(&self, tenant: &str, subject: &str) -> QueryBudget {
        let mut holders = self.holders.lock();
        // As many as there were when it grew last are gone by then, or are still read for.
        if holders.len() == holders.capacity() {
            holders.retain(|_, share| share.strong_count() > 0);
        }
        let mut share = |subject: Option<&str>, connections: usize| {
            let held = holders.entry((tenant.to_owned(), subject.map(str::to_owned))).or_default();
            held.upgrade().unwrap_or_else(|| {
                let share = Arc::new(Semaphore::new(connections.max(1)));
                *held = Arc::downgrade(&share);
                share
            })
        };
        let caller = share(Some(subject), self.connections.div_ceil(2));
        let tenant = share(None, self.connections - self.connections / 4);
        QueryBudget { shares: Some((caller, tenant)), ..QueryBudget::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_has_half_and_a_tenant_three_quarters() {
        let shares = ConnectionShares::new(8);
        let (ada, bob, other) = (shares.of("a", "ada"), shares.of("a", "bob"), shares.of("b", "ada"));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(ada.share().await.ok().unwrap());
        }
        let again = shares.of("a", "ada");
        assert!(
            tokio::time::timeout(Duration::ZERO, again.share()).await.is_err(),
            "her half is taken, in all requests"
        );
        for _ in 0..2 {
            held.push(bob.share().await.ok().unwrap());
        }
        assert!(tokio::time::timeout(Duration::ZERO, bob.share()).await.is_err(), "the tenant's part is taken");
        assert!(other.share().await.is_ok());
        held.clear();
        assert!(bob.share().await.is_ok());
    }

    #[test]
    fn who_reads_no_more_is_forgotten() {
        let shares = ConnectionShares::new(8);
        for i in 0..1_000 {
            shares.of("a", &i.to_string());
        }
        assert!(shares.holders.lock().len() < 100);
    }

    #[tokio::test]
    async fn a_statement_goes_on_while_it_has_time_and_somebody_waits() {
        let go_on = within(Duration::from_mins(1), async { may_go_on(Duration::from_secs(5)) }).await;
        assert!(!go_on(), "nobody waits any more");
        within(Duration::from_mins(1), async { assert!(may_go_on(Duration::from_secs(5))()) }).await;
        within(Duration::ZERO, async { assert!(!may_go_on(Duration::from_secs(5))()) }).await;
        assert!(may_go_on(Duration::from_secs(5))(), "nothing is said of it");
    }
}
