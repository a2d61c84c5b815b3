//! How many requests may run at once, and how often: the same rules for callers and for addresses.
//!
//! Callers over their limit get 429 before the body is read. Every other request waits for a turn before work is done
//! that keeps a core busy: each caller has a fair number of turns, so a caller with a thousand requests makes only its
//! own requests wait. Work that keeps a core busy for long is called dear; of that, each caller has fewer requests
//! running at once than there are cores. Nothing is kept about callers without requests, except what a rate needs.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use access::Caller;
use api::error::ApiError;

type Rate<K> = RateLimiter<
    K,
    HashMapStateStore<K>,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as governor::clock::Clock>::Instant>,
>;

/// When a rate remembers this many, those that are no longer needed are forgotten.
const REMEMBERED: usize = 10_000;

/// The limits of everybody in a crowd.
#[derive(Clone, Copy, Debug)]
pub struct LimiterConfig {
    /// Requests at a time, including those that wait.
    pub requests: usize,
    /// Requests that may be processed at once.
    pub permits: usize,
    /// How many of those may be dear.
    pub expensive: usize,
    /// Requests per second, with bursts up to twice that; 0 for unlimited.
    pub rate: u32,
}

/// What tells callers apart: their tenant and their name in it.
pub type CallerKey = (String, String);

/// What tells a caller apart.
pub(in crate::http) fn caller_key(caller: &Caller) -> CallerKey {
    (caller.tenant.key.clone(), caller.principal.subject.clone())
}

/// The callers or addresses with requests, by key.
pub struct ConcurrencyLimiter<K: Hash + Eq + Clone> {
    config: LimiterConfig,
    rate: Option<Rate<K>>,
    inside: Mutex<HashMap<K, (usize, PermitPools)>>,
}

/// Where requests wait for their turn, and dear ones also for a dear turn.
#[derive(Clone)]
struct PermitPools {
    all: Arc<Semaphore>,
    expensive: Arc<Semaphore>,
}

/// Too much at once or too often, and after how many seconds to try again.
pub(in crate::http) struct LimitReached {
    pub(in crate::http) error: ApiError,
    pub(in crate::http) retry_after_secs: u64,
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for ConcurrencyLimiter<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crowd").field("manners", &self.config).finish_non_exhaustive()
    }
}

/// A place inside, given back when dropped.
pub(in crate::http) struct RequestPermit<K: Hash + Eq + Clone> {
    limiter: Arc<ConcurrencyLimiter<K>>,
    key: K,
    permits: PermitPools,
}

impl<K: Hash + Eq + Clone> ConcurrencyLimiter<K> {
    /// Nobody is in yet.
    pub fn new(config: LimiterConfig) -> Arc<Self> {
        let quota =
            NonZeroU32::new(config.rate).map(|rate| Quota::per_second(rate).allow_burst(rate.saturating_mul(TWO)));
        let rate = quota.map(|quota| RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock));
        Arc::new(Self { config, rate, inside: Mutex::default() })
    }

    /// Lets somebody in, unless it is too much.
    pub(in crate::http) fn admit(self: &Arc<Self>, key: &K) -> Result<RequestPermit<K>, LimitReached> {
        if let Some(rate) = &self.rate {
            if rate.len() > REMEMBERED {
                rate.retain_recent();
            }
            rate.check_key(key).map_err(|early| {
                let limit = self.config.rate as usize;
                let wait = early.wait_time_from(MonotonicClock.now());
                LimitReached {
                    error: ApiError::Limit { what: "requests in a second", asked: limit + 1, limit },
                    retry_after_secs: wait.as_secs() + 1,
                }
            })?;
        }
        let mut inside = self.inside.lock();
        let permits = || PermitPools {
            all: Arc::new(Semaphore::new(self.config.permits)),
            expensive: Arc::new(Semaphore::new(self.config.expensive)),
        };
        let (count, permits) = inside.entry(key.clone()).or_insert_with(|| (0, permits()));
        if *count >= self.config.requests {
            let (asked, limit) = (*count + 1, self.config.requests);
            return Err(LimitReached {
                error: ApiError::Limit { what: "requests at once", asked, limit },
                retry_after_secs: 1,
            });
        }
        *count += 1;
        Ok(RequestPermit { limiter: Arc::clone(self), key: key.clone(), permits: permits.clone() })
    }
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

impl<K: Hash + Eq + Clone> RequestPermit<K> {
    /// Waits until it is one's turn, which lasts until it is dropped.
    pub(in crate::http) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.permits.all).acquire_owned().await.ok()
    }

    /// Waits until dear work may be done; the turn lasts until it is dropped.
    pub(in crate::http) async fn expensive_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits.expensive).acquire_owned().await.ok()
    }
}

impl<K: Hash + Eq + Clone> Drop for RequestPermit<K> {
    fn drop(&mut self) {
        let mut inside = self.limiter.inside.lock();
        if let Some((count, _)) = inside.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests: usize, permits: usize, rate: u32) -> Arc<ConcurrencyLimiter<&'static str>> {
        ConcurrencyLimiter::new(LimiterConfig { requests, permits, expensive: 1, rate })
    }

    #[test]
    fn who_is_in_too_often_waits_outside_and_nobody_else_does() {
        let limiter = limiter(2, 1, 0);
        let first = limiter.admit(&"a").ok().unwrap();
        let second = limiter.admit(&"a").ok().unwrap();
        let refused = limiter.admit(&"a").err().unwrap();
        assert!(matches!(refused.error, ApiError::Limit { what: "requests at once", asked: 3, limit: 2 }));
        assert!(limiter.admit(&"b").is_ok());
        drop(first);
        assert!(limiter.admit(&"a").is_ok());
        drop(second);
        assert!(limiter.inside.lock().is_empty(), "nothing is kept about who left");
    }

    #[test]
    fn who_comes_too_often_is_told_when_to_come_again() {
        let limiter = limiter(10, 1, 1);
        assert!(limiter.admit(&"a").is_ok());
        assert!(limiter.admit(&"a").is_ok());
        let refused = limiter.admit(&"a").err().unwrap();
        assert!(matches!(refused.error, ApiError::Limit { what: "requests in a second", asked: 2, limit: 1 }));
        assert_eq!(refused.retry_after_secs, 1);
        assert!(limiter.admit(&"b").is_ok());
    }

    #[tokio::test]
    async fn turns_are_taken_one_after_the_other_by_one_and_at_once_by_others() {
        let limiter = limiter(10, 1, 0);
        let (first, second) = (limiter.admit(&"a").ok().unwrap(), limiter.admit(&"a").ok().unwrap());
        let permit = first.permit().await.unwrap();
        assert_eq!(second.permits.all.available_permits(), 0);
        let expensive = first.expensive_permit().await.unwrap();
        assert_eq!(second.permits.expensive.available_permits(), 0);
        drop(expensive);
        let other = limiter.admit(&"b").ok().unwrap();
        assert!(other.permit().await.is_some());
        drop(permit);
        assert!(second.permit().await.is_some());
    }
}
