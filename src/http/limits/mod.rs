//! Limits per caller and per client address: one keyed limiter for rates, concurrency, permits and stream quotas, and a
//! budget of memory.

mod byte_budget;
mod keyed;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::response::HttpError;
use access::Caller;
use api::error::ApiError;

pub use byte_budget::{ByteBudget, ByteLimits, PROCESSING_FACTOR};
pub(super) use byte_budget::{ByteReservation, BytesExceeded};
pub use keyed::KeyedLimiter;
pub(super) use keyed::{Permits, QuotaGuard, RequestPermit};

/// The limits of one key.
#[derive(Clone, Copy, Debug)]
pub struct LimiterConfig {
    /// The most requests at a time, including those that wait for a permit.
    pub requests_max: usize,
    /// The most requests that are processed at a time.
    pub permits: usize,
    /// The most of them that are expensive.
    pub expensive_permits: usize,
    /// Requests per second, with bursts up to twice that; `None` if unlimited.
    pub rate_per_sec: Option<NonZeroU32>,
    /// Quotas of streams.
    pub streams: StreamQuotas,
}

/// The most streams of each kind that are open at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamQuotas {
    /// WebSocket connections.
    pub connections_max: usize,
    /// Subscriptions, over any transport.
    pub subscriptions_max: usize,
    /// Exports.
    pub exports_max: usize,
    /// WebSockets that wait for `connection_init`.
    pub pending_max: usize,
}

/// A kind of stream with a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// A WebSocket connection.
    Connection,
    /// A subscription.
    Subscription,
    /// An export.
    Export,
    /// A WebSocket that waits for `connection_init`.
    Pending,
}

impl StreamQuotas {
    /// The name of a kind in error messages, and its quota.
    const fn of(&self, kind: StreamKind) -> (&'static str, usize) {
        match kind {
            StreamKind::Connection => ("connections", self.connections_max),
            StreamKind::Subscription => ("subscriptions", self.subscriptions_max),
            StreamKind::Export => ("exports", self.exports_max),
            StreamKind::Pending => ("WebSockets without `connection_init`", self.pending_max),
        }
    }
}

/// The key of a caller: its tenant, the issuer of its token and its subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallerKey {
    pub(super) tenant: String,
    issuer: Option<String>,
    subject: String,
}

impl CallerKey {
    /// The key of a caller.
    pub(super) fn of(caller: &Caller) -> Self {
        let principal = &caller.principal;
        let (issuer, subject) = (principal.issuer.clone(), principal.subject.clone());
        Self { tenant: caller.tenant.key.clone(), issuer, subject }
    }

    /// The key of a caller by name, for tests without a token.
    #[cfg(test)]
    pub(super) fn named(tenant: &str, issuer: Option<&str>, subject: &str) -> Self {
        Self { tenant: tenant.to_owned(), issuer: issuer.map(str::to_owned), subject: subject.to_owned() }
    }
}

/// Counts a WebSocket that waits for `connection_init`, for its address and in all, until it is dropped.
pub(super) struct PendingWebSocket {
    _of_address: QuotaGuard<IpAddr>,
    _of_all: OwnedSemaphorePermit,
}

impl PendingWebSocket {
    /// Counts a WebSocket from an address; `all` has a permit for each WebSocket that may wait.
    ///
    /// # Errors
    ///
    /// Fails if the address has too many, or if there are too many in all.
    pub(super) fn admit(
        addresses: &KeyedLimiter<IpAddr>,
        address: &IpAddr,
        all: &Arc<Semaphore>,
    ) -> Result<Self, HttpError> {
        let of_address = addresses.open_stream(address, StreamKind::Pending, None)?;
        let of_all = Arc::clone(all)
            .try_acquire_owned()
            .map_err(|_none_left| ApiError::Overloaded("too many WebSockets wait for `connection_init`; try again"))?;
        Ok(Self { _of_address: of_address, _of_all: of_all })
    }
}

/// A limit of a caller or an address is reached.
#[derive(Debug)]
pub(super) struct LimitExceeded {
    /// The error that the client receives.
    pub(super) error: ApiError,
    /// The time after which a retry may succeed, in seconds.
    pub(super) retry_after_secs: u64,
}
