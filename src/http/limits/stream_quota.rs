//! Seats: how many connections, subscriptions and exports one principal may have at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::http::middleware::metrics::{Meters, Running};
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
pub(in crate::http) enum Kind {
    Connection,
    Subscription,
    Export,
}

type Key = (Kind, String, String);

/// The seats that are taken, by tenant and subject. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Seats(Arc<Mutex<HashMap<Key, usize>>>);

/// A seat that is taken, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Seat {
    seats: Seats,
    key: Key,
    open: Option<Running>,
}

impl Seats {
    /// Takes a seat for a caller, if there is one left.
    pub(in crate::http) fn take(&self, kind: Kind, caller: &Caller, limits: &StreamLimits) -> Result<Seat, ApiError> {
        let (what, limit) = match kind {
            Kind::Connection => ("connections", limits.connections_max),
            Kind::Subscription => ("subscriptions", limits.subscriptions_max),
            Kind::Export => ("exports", limits.exports_max),
        };
        let key = (kind, caller.tenant.key.clone(), caller.principal.subject.clone());
        let mut seats = self.0.lock();
        let taken = seats.get(&key).copied().unwrap_or_default();
        if taken >= limit {
            return Err(ApiError::Limit { what, asked: taken + 1, limit });
        }
        seats.insert(key.clone(), taken + 1);
        Ok(Seat { seats: self.clone(), key, open: None })
    }
}

impl Seat {
    /// The same, counted as open for as long as it is taken.
    pub(in crate::http) fn counted(mut self, meters: &Meters, transport: &'static str) -> Self {
        self.open = Some(meters.subscribed(transport));
        self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.0.lock();
        if let Some(taken) = seats.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.key);
            }
        }
    }
}
