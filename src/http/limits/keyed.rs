//! [`KeyedLimiter`]: limits the rate, the concurrent requests and the streams of each key.
//!
//! A request over the limits of rate or concurrency is refused before its body is read. Every other request waits for a
//! permit before it does work that keeps a core busy: each key has its own permits, so a caller with a thousand requests
//! delays only its own. Expensive operations need a permit of a second kind, of which there are fewer than cores. The
//! limiter holds no entry for a key without requests and streams, except what its rate needs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{LimitExceeded, LimiterConfig, StreamKind};
use crate::http::middleware::metrics::GaugeGuard;
use api::error::ApiError;

type Rate<K> = RateLimiter<
    K,
    HashMapStateStore<K>,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as governor::clock::Clock>::Instant>,
>;

/// From this number of keys on, the rate limiter discards those that no longer restrict anything.
const RATE_KEYS_MAX: usize = 10_000;

/// Limits rate, concurrency and streams of each key (a caller, or a client address).
pub struct KeyedLimiter<K: Hash + Eq + Clone> {
    config: LimiterConfig,
    rate: Option<Rate<K>>,
    usage: Arc<Mutex<HashMap<K, Usage>>>,
}

/// The running requests and open streams of a key.
struct Usage {
    requests: usize,
    /// Open streams, by kind.
    streams: [usize; 4],
    semaphores: Semaphores,
}

/// The counter that a guard decrements.
#[derive(Clone, Copy)]
enum Slot {
    Request,
    Stream(StreamKind),
}

impl Usage {
    fn new(config: &LimiterConfig) -> Self {
        Self {
            requests: 0,
            streams: [0; 4],
            semaphores: Semaphores {
                all: Arc::new(Semaphore::new(config.permits)),
                expensive: Arc::new(Semaphore::new(config.expensive_permits)),
            },
        }
    }

    fn count(&mut self, slot: Slot) -> &mut usize {
        match slot {
            Slot::Request => &mut self.requests,
            Slot::Stream(kind) => &mut self.streams[kind as usize],
        }
    }

    fn is_idle(&self) -> bool {
        self.requests == 0 && self.streams == [0; 4]
    }
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for KeyedLimiter<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyedLimiter").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The semaphores of a key.
#[derive(Clone)]
struct Semaphores {
    all: Arc<Semaphore>,
    expensive: Arc<Semaphore>,
}

/// Counts one request or stream of a key until it is dropped.
struct UsageGuard<K: Hash + Eq + Clone> {
    usage: Arc<Mutex<HashMap<K, Usage>>>,
    key: K,
    slot: Slot,
}

impl<K: Hash + Eq + Clone> Drop for UsageGuard<K> {
    fn drop(&mut self) {
        let mut usage = self.usage.lock();
        if let Some(entry) = usage.get_mut(&self.key) {
            *entry.count(self.slot) -= 1;
            if entry.is_idle() {
                usage.remove(&self.key);
            }
        }
    }
}

/// An admitted request. It counts as running until this is dropped.
pub(in crate::http) struct RequestPermit<K: Hash + Eq + Clone> {
    semaphores: Semaphores,
    _guard: UsageGuard<K>,
}

/// The permits that an operation holds while it is processed.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "the permits are held for their destructors")]
pub(in crate::http) struct Permits {
    /// The permit that every operation needs.
    pub(in crate::http) permit: Option<OwnedSemaphorePermit>,
    /// The additional permit of an expensive operation.
    pub(in crate::http) expensive: Option<OwnedSemaphorePermit>,
}

/// An open stream. It counts against the quota until this is dropped.
pub(in crate::http) struct QuotaGuard<K: Hash + Eq + Clone> {
    _guard: UsageGuard<K>,
    _gauge: Option<GaugeGuard>,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// A limiter without requests.
    pub fn new(config: LimiterConfig) -> Self {
        let quota =
            config.rate_per_sec.map(|rate| Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get())));
        let rate = quota.map(|quota| RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock));
        Self { config, rate, usage: Arc::default() }
    }

    /// Admits a request.
    ///
    /// # Errors
    ///
    /// Fails if the key sends requests too often, or has too many at a time.
    pub(in crate::http) fn admit(&self, key: &K) -> Result<RequestPermit<K>, LimitExceeded> {
        self.check_rate(key)?;
        let (guard, semaphores) = self.acquire(key, Slot::Request, "requests at once", self.config.requests_max)?;
        Ok(RequestPermit { semaphores, _guard: guard })
    }

    /// Opens a stream; `gauge` counts it in the metrics.
    ///
    /// # Errors
    ///
    /// Fails if the key has used up its quota of this kind.
    pub(in crate::http) fn open_stream(
        &self,
        key: &K,
        kind: StreamKind,
        gauge: Option<GaugeGuard>,
    ) -> Result<QuotaGuard<K>, LimitExceeded> {
        let (what, limit) = self.config.streams.of(kind);
        let (guard, _semaphores) = self.acquire(key, Slot::Stream(kind), what, limit)?;
        Ok(QuotaGuard { _guard: guard, _gauge: gauge })
    }

    fn check_rate(&self, key: &K) -> Result<(), LimitExceeded> {
        let Some(rate) = &self.rate else { return Ok(()) };
        if rate.len() > RATE_KEYS_MAX {
            rate.retain_recent();
        }
        rate.check_key(key).map_err(|early| {
            let limit = self.config.rate_per_sec.map_or(0, |rate| rate.get() as usize);
            LimitExceeded {
                error: ApiError::Limit { what: "requests in a second", asked: limit + 1, limit },
                retry_after_secs: early.wait_time_from(MonotonicClock.now()).as_secs() + 1,
            }
        })
    }

    fn acquire(
        &self,
        key: &K,
        slot: Slot,
        what: &'static str,
        limit: usize,
    ) -> Result<(UsageGuard<K>, Semaphores), LimitExceeded> {
        let mut usage = self.usage.lock();
        let used = usage.get_mut(key).map_or(0, |entry| *entry.count(slot));
        if used >= limit {
            return Err(LimitExceeded { error: ApiError::Limit { what, asked: used + 1, limit }, retry_after_secs: 1 });
        }
        let entry = usage.entry(key.clone()).or_insert_with(|| Usage::new(&self.config));
        *entry.count(slot) += 1;
        let semaphores = entry.semaphores.clone();
        drop(usage);
        Ok((UsageGuard { usage: Arc::clone(&self.usage), key: key.clone(), slot }, semaphores))
    }
}

impl<K: Hash + Eq + Clone> RequestPermit<K> {
    /// Waits for a permit to process the request.
    pub(in crate::http) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.semaphores.all).acquire_owned().await.ok()
    }

    /// Waits for a permit for expensive work.
    pub(in crate::http) async fn expensive_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.semaphores.expensive).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::http::limits::StreamQuotas;

    fn limiter(requests_max: usize, rate: u32) -> KeyedLimiter<&'static str> {
        let streams = StreamQuotas { connections_max: 1, subscriptions_max: 2, exports_max: 1, pending_max: 1 };
        let rate_per_sec = NonZeroU32::new(rate);
        KeyedLimiter::new(LimiterConfig { requests_max, permits: 1, expensive_permits: 1, rate_per_sec, streams })
    }

    #[test]
    fn concurrency_limit_is_per_key() {
        let limiter = limiter(2, 0);
        let first = limiter.admit(&"a").ok().unwrap();
        let second = limiter.admit(&"a").ok().unwrap();
        let refused = limiter.admit(&"a").err().unwrap();
        assert!(matches!(refused.error, ApiError::Limit { what: "requests at once", asked: 3, limit: 2 }));
        assert!(limiter.admit(&"b").is_ok());
        drop(first);
        assert!(limiter.admit(&"a").is_ok());
        drop(second);
        assert!(limiter.usage.lock().is_empty(), "no entry is left for an idle key");
    }

    #[test]
    fn rate_limit_reports_when_to_retry() {
        let limiter = limiter(10, 1);
        assert!(limiter.admit(&"a").is_ok());
        assert!(limiter.admit(&"a").is_ok());
        let refused = limiter.admit(&"a").err().unwrap();
        assert!(matches!(refused.error, ApiError::Limit { what: "requests in a second", asked: 2, limit: 1 }));
        assert_eq!(refused.retry_after_secs, 1);
        assert!(limiter.admit(&"b").is_ok());
    }

    #[tokio::test]
    async fn permits_are_per_key() {
        let limiter = limiter(10, 0);
        let (first, second) = (limiter.admit(&"a").ok().unwrap(), limiter.admit(&"a").ok().unwrap());
        let permit = first.permit().await.unwrap();
        assert_eq!(second.semaphores.all.available_permits(), 0);
        let expensive = first.expensive_permit().await.unwrap();
        assert_eq!(second.semaphores.expensive.available_permits(), 0);
        drop(expensive);
        let other = limiter.admit(&"b").ok().unwrap();
        assert!(other.permit().await.is_some());
        drop(permit);
        assert!(second.permit().await.is_some());
    }

    #[test]
    fn stream_quota_is_per_key_and_kind() {
        let limiter = limiter(1, 0);
        let open = |key, kind| limiter.open_stream(&key, kind, None);
        let connection = open("a", StreamKind::Connection).ok().unwrap();
        let refused = open("a", StreamKind::Connection).err().unwrap();
        assert!(matches!(refused.error, ApiError::Limit { what: "connections", asked: 2, limit: 1 }));
        let _others = (open("b", StreamKind::Connection).ok().unwrap(), open("a", StreamKind::Export).ok().unwrap());
        assert!(limiter.admit(&"a").is_ok(), "streams are not requests");
        drop(connection);
        assert!(open("a", StreamKind::Connection).is_ok());
    }
}
