//! [`ByteBudget`]: limits the memory of request bodies and responses, per caller and in all.
//!
//! Each request has one [`ByteReservation`]. It grows with the bytes of the body that have arrived and with the events
//! that the response is made of, shrinks to the encoded response, and ends when that is written or its connection ends.
//! So neither unfinished bodies nor unread responses can take more memory than the budget.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{CallerKey, LimitExceeded};
use crate::http::response::HttpError;
use api::error::ApiError;
use store::{ByteMeter, StoreError};

/// The memory that processing takes, in multiples of the bytes of a body or of the stored events: for what was read,
/// what is made of it, and what is written.
pub const PROCESSING_FACTOR: usize = 3;

/// The limits of a budget, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct ByteLimits {
    /// The most bytes of one caller.
    pub caller_max: usize,
    /// The most bytes of all callers.
    pub total_max: usize,
}

/// A budget of bytes. Clones share it.
#[derive(Clone, Debug)]
pub struct ByteBudget(Arc<BudgetInner>);

#[derive(Debug)]
struct BudgetInner {
    limits: ByteLimits,
    used: Mutex<UsedBytes>,
}

#[derive(Debug, Default)]
struct UsedBytes {
    total: usize,
    callers: HashMap<CallerKey, usize>,
}

/// Why a reservation cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum BytesExceeded {
    /// The caller would use more than its share.
    Caller { asked: usize, limit: usize },
    /// All callers together would use more than the budget.
    Total,
}

/// The bytes of one request. Clones share them; they are released when the last one is dropped.
#[derive(Clone, Debug)]
pub(in crate::http) struct ByteReservation(Arc<ReservationInner>);

#[derive(Debug)]
struct ReservationInner {
    budget: ByteBudget,
    caller: CallerKey,
    bytes: Mutex<usize>,
}

impl ByteBudget {
    /// A budget of which nothing is used.
    pub fn new(limits: ByteLimits) -> Self {
        Self(Arc::new(BudgetInner { limits, used: Mutex::default() }))
    }

    /// An empty reservation for a request of a caller.
    pub(in crate::http) fn reservation(&self, caller: CallerKey) -> ByteReservation {
        ByteReservation(Arc::new(ReservationInner { budget: self.clone(), caller, bytes: Mutex::default() }))
    }

    /// Replaces `before` bytes of a caller by `after` bytes. Fewer bytes are always possible.
    fn replace(&self, caller: &CallerKey, before: usize, after: usize) -> Result<(), BytesExceeded> {
        let ByteLimits { caller_max, total_max } = self.0.limits;
        let mut used = self.0.used.lock();
        let own = used.callers.get(caller).copied().unwrap_or_default() - before;
        let total = used.total - before;
        if after > before {
            if own.saturating_add(after) > caller_max {
                return Err(BytesExceeded::Caller { asked: own.saturating_add(after), limit: caller_max });
            }
            if total.saturating_add(after) > total_max {
                return Err(BytesExceeded::Total);
            }
        }
        used.total = total + after;
        if own + after == 0 {
            used.callers.remove(caller);
        } else if let Some(entry) = used.callers.get_mut(caller) {
            *entry = own + after;
        } else {
            used.callers.insert(caller.clone(), own + after);
        }
        Ok(())
    }
}

impl ByteReservation {
    /// Reserves further bytes.
    ///
    /// # Errors
    ///
    /// Fails if the budget is exceeded; the reservation is unchanged.
    pub(in crate::http) fn grow(&self, by: usize) -> Result<(), BytesExceeded> {
        let mut bytes = self.0.bytes.lock();
        self.set(&mut bytes, |bytes| bytes.saturating_add(by))
    }

    /// Reserves `to` bytes instead of those that are reserved.
    ///
    /// # Errors
    ///
    /// Fails if these are more and exceed the budget; the reservation is unchanged.
    pub(in crate::http) fn resize(&self, to: usize) -> Result<(), BytesExceeded> {
        let mut bytes = self.0.bytes.lock();
        self.set(&mut bytes, |_| to)
    }

    fn shrink(&self, by: usize) {
        let mut bytes = self.0.bytes.lock();
        // Fewer bytes are always possible.
        let _ = self.set(&mut bytes, |bytes| bytes.saturating_sub(by));
    }

    fn set(&self, bytes: &mut usize, change: impl FnOnce(usize) -> usize) -> Result<(), BytesExceeded> {
        let after = change(*bytes);
        self.0.budget.replace(&self.0.caller, *bytes, after)?;
        *bytes = after;
        Ok(())
    }
}

impl Drop for ReservationInner {
    fn drop(&mut self) {
        let _ = self.budget.replace(&self.caller, *self.bytes.get_mut(), 0);
    }
}

impl ByteMeter for ByteReservation {
    fn reserve(&self, bytes: usize) -> Result<(), StoreError> {
        self.grow(bytes.saturating_mul(PROCESSING_FACTOR)).map_err(|exceeded| match exceeded {
            BytesExceeded::Caller { asked, limit } => StoreError::CallerMemory { requested: asked, limit },
            BytesExceeded::Total => StoreError::ServerMemory,
        })
    }

    fn release(&self, bytes: usize) {
        self.shrink(bytes.saturating_mul(PROCESSING_FACTOR));
    }
}

impl From<BytesExceeded> for ApiError {
    fn from(exceeded: BytesExceeded) -> Self {
        match exceeded {
            BytesExceeded::Caller { asked, limit } => StoreError::CallerMemory { requested: asked, limit }.into(),
            BytesExceeded::Total => StoreError::ServerMemory.into(),
        }
    }
}

impl From<BytesExceeded> for HttpError {
    fn from(exceeded: BytesExceeded) -> Self {
        match exceeded {
            BytesExceeded::Caller { .. } => LimitExceeded { error: exceeded.into(), retry_after_secs: 1 }.into(),
            BytesExceeded::Total => ApiError::from(exceeded).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> ByteBudget {
        ByteBudget::new(ByteLimits { caller_max: 100, total_max: 150 })
    }

    #[test]
    fn caller_and_all_callers_are_limited() {
        let budget = budget();
        let (first, again) = (
            budget.reservation(CallerKey::named("contoso", None, "ada")),
            budget.reservation(CallerKey::named("contoso", None, "ada")),
        );
        first.grow(60).unwrap();
        assert_eq!(again.grow(41), Err(BytesExceeded::Caller { asked: 101, limit: 100 }));
        again.grow(40).unwrap();
        let other = budget.reservation(CallerKey::named("contoso", None, "bob"));
        assert_eq!(other.grow(51), Err(BytesExceeded::Total));
        other.grow(50).unwrap();
        first.resize(10).unwrap();
        other.resize(90).unwrap();
        drop((first, again));
        other.resize(100).unwrap();
        drop(other);
        let used = budget.0.used.lock();
        assert!(used.total == 0 && used.callers.is_empty(), "{used:?}");
    }

    #[test]
    fn clone_keeps_the_bytes_reserved_and_reading_counts_a_multiple() {
        let budget = budget();
        let reservation = budget.reservation(CallerKey::named("contoso", None, "ada"));
        reservation.reserve(30).unwrap();
        assert!(matches!(reservation.reserve(4), Err(StoreError::CallerMemory { requested: 102, limit: 100 })));
        reservation.release(10);
        let kept = reservation.clone();
        drop(reservation);
        assert_eq!(budget.0.used.lock().total, 60);
        drop(kept);
        assert_eq!(budget.0.used.lock().total, 0);
    }
}
