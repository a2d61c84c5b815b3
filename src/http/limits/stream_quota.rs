//! Seats: how many connections, subscriptions and exports one principal may have at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::http::middleware::metrics::{GaugeGuard, Metrics};
use access::Caller;
use api::error::ApiError;

/// How much may be streamed.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// How many WebSockets a principal may have.
    pub connections_max: usize,
    /// How many subscriptions a principal may have, over any transport.
    pub subscriptions_max: usize,
    /// How many exports a principal may be sent.
    pub exports_max: usize,
    /// How many operations may run on one WebSocket.
    pub operations_max: usize,
    /// The most bytes in one message of a WebSocket.
    pub message_bytes_max: usize,
    /// How long a WebSocket client may take to send its token.
    pub init_wait: Duration,
    /// How long a reader may take nothing at all.
    pub stall_max: Duration,
}

/// What a seat is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) enum StreamKind {
    Connection,
    Subscription,
    Export,
}

type Key = (StreamKind, String, String);

/// The seats that are taken, by tenant and subject. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct StreamQuota(Arc<Mutex<HashMap<Key, usize>>>);

/// A seat that is taken, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct QuotaGuard {
    quotas: StreamQuota,
    key: Key,
    open: Option<GaugeGuard>,
}

impl StreamQuota {
    /// Takes a seat for a caller, if there is one left.
    pub(in crate::http) fn take(
        &self,
        kind: StreamKind,
        caller: &Caller,
        limits: &StreamLimits,
    ) -> Result<QuotaGuard, ApiError> {
        let (what, limit) = match kind {
            StreamKind::Connection => ("connections", limits.connections_max),
            StreamKind::Subscription => ("subscriptions", limits.subscriptions_max),
            StreamKind::Export => ("exports", limits.exports_max),
        };
        let key = (kind, caller.tenant.key.clone(), caller.principal.subject.clone());
        let mut quotas = self.0.lock();
        let taken = quotas.get(&key).copied().unwrap_or_default();
        if taken >= limit {
            return Err(ApiError::Limit { what, asked: taken + 1, limit });
        }
        quotas.insert(key.clone(), taken + 1);
        Ok(QuotaGuard { quotas: self.clone(), key, open: None })
    }
}

impl QuotaGuard {
    /// The same, counted as open for as long as it is taken.
    pub(in crate::http) fn counted(mut self, metrics: &Metrics, transport: &'static str) -> Self {
        self.open = Some(metrics.subscribed(transport));
        self
    }
}

impl Drop for QuotaGuard {
    fn drop(&mut self) {
        let mut quotas = self.quotas.0.lock();
        if let Some(taken) = quotas.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                quotas.remove(&self.key);
            }
        }
    }
}
