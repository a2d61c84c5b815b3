//! Running an operation, the same for every transport: permits, deadline, quota and access record.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::limits::{
    ByteReservation, BytesExceeded, CallerKey, LimitExceeded, Permits, QuotaGuard, RequestPermit, StreamKind,
};
use crate::http::state::OperationServices;
use access::{AccessRecord, Caller};
use api::Session;
use api::engine::parameters::Parameters;
use api::engine::{Executable, OperationRule, PrepareError, Prepared};
use api::error::ApiError;
use model::Timestamp;

/// Prepares an operation once the caller has a permit, and returns the permits that it holds while it runs.
pub(super) async fn prepare(
    services: &OperationServices,
    parameters: Parameters,
    rule: OperationRule,
    caller: &Caller,
    request_permit: &RequestPermit<CallerKey>,
) -> Result<(Prepared, Permits), PrepareError> {
    let permit = request_permit.permit().await;
    let mut expensive = None;
    if services.engine.is_expensive_to_prepare(&parameters) {
        expensive = request_permit.expensive_permit().await;
        // Lets other requests run before this one keeps the core busy.
        tokio::task::yield_now().await;
    }
    let prepared = services.engine.prepare(parameters, rule, &caller.tenant.key)?;
    if prepared.kind() == OperationType::Mutation {
        // Recording does little work and waits for the group commit, so it holds no permit.
        return Ok((prepared, Permits::default()));
    }
    if expensive.is_none() && prepared.is_expensive {
        expensive = request_permit.expensive_permit().await;
    }
    Ok((prepared, Permits { permit, expensive }))
}

/// Where an operation comes from.
pub(super) struct OperationSource {
    /// The id of the request, or of the operation on a WebSocket.
    pub(super) request_id: String,
    /// The time of arrival.
    pub(super) now: Timestamp,
    /// The time by which a query must end.
    pub(super) deadline: Instant,
    /// The transport of a subscription, as a label of metrics.
    pub(super) transport: &'static str,
    /// The memory of the request and its response.
    pub(super) reservation: ByteReservation,
}

/// An operation that is ready to run, with the guard that it holds until it ends.
pub(super) struct Operation {
    pub(super) services: OperationServices,
    pub(super) session: Arc<Session>,
    pub(super) kind: OperationType,
    pub(super) request_id: String,
    executable: Option<Executable>,
    deadline: Instant,
    guard: OperationGuard,
    reservation: ByteReservation,
}

/// The quota or the permits that an operation holds while it runs. Dropping it releases the quota or the permits.
pub(super) enum OperationGuard {
    /// The quota of a subscription.
    #[expect(dead_code, reason = "the quota is held for its destructor")]
    Quota(QuotaGuard<CallerKey>),
    /// The permits of a query or a mutation.
    Permits(RequestPermit<CallerKey>, #[expect(dead_code, reason = "held for their destructors")] Permits),
}

impl OperationGuard {
    /// Releases the permits. Returns the permit of the request, which counts as running until its response is written.
    pub(super) fn into_request_permit(self) -> Option<RequestPermit<CallerKey>> {
        match self {
            Self::Quota(_) => None,
            Self::Permits(request, _) => Some(request),
        }
    }
}

impl Operation {
    /// Combines a prepared operation with its caller. A subscription releases the permits and takes a quota instead; a
    /// query or a mutation gets a deadline and a limit of bytes.
    ///
    /// # Errors
    ///
    /// Fails if the caller's quota of subscriptions is used up.
    pub(super) fn new(
        services: OperationServices,
        caller: Caller,
        prepared: Prepared,
        (request_permit, permits): (RequestPermit<CallerKey>, Permits),
        source: OperationSource,
    ) -> Result<Self, LimitExceeded> {
        let OperationSource { request_id, now, deadline, transport, reservation } = source;
        let kind = prepared.kind();
        let record = Arc::new(caller.access_record(None, prepared.info.name(), &request_id, now));
        let (caller, guard) = if kind == OperationType::Subscription {
            let gauge = services.metrics.subscription_opened(transport);
            let key = CallerKey::of(&caller);
            let quota = services.callers.open_stream(&key, StreamKind::Subscription, Some(gauge))?;
            (caller, OperationGuard::Quota(quota))
        } else {
            let meter = Arc::new(reservation.clone());
            let caller = caller.with_limits(deadline.into_std(), services.limits.response_bytes_max, meter);
            (caller, OperationGuard::Permits(request_permit, permits))
        };
        let session = Arc::new(Session::new(caller, record, now));
        let executable = Some(prepared.executable);
        Ok(Self { services, session, kind, request_id, executable, deadline, guard, reservation })
    }

    /// The record of what the operation reads.
    pub(super) fn access_record(&self) -> Arc<AccessRecord> {
        Arc::clone(&self.session.access_record)
    }

    /// Executes a query or a mutation. The guard is to be held until the response is written.
    ///
    /// # Errors
    ///
    /// Fails if a query does not end before its deadline. A mutation is not interrupted.
    pub(super) async fn execute(mut self) -> Result<(Response, OperationGuard), ApiError> {
        let executable = self.executable.take().ok_or(ALREADY_EXECUTED)?;
        let executed = self.services.engine.execute(executable, self.session);
        let response = if self.kind == OperationType::Mutation {
            executed.await
        } else {
            timeout_at(self.deadline, executed).await.map_err(|_elapsed| ApiError::Timeout)?
        };
        Ok((response, self.guard))
    }

    /// The reservation of the request and its response.
    pub(super) fn reservation(&self) -> ByteReservation {
        self.reservation.clone()
    }

    /// Reserves memory for an encoded result, until the result is written. The events that it was made of are no longer
    /// held.
    ///
    /// # Errors
    ///
    /// Fails if the budget is exceeded.
    pub(super) fn reserve(&self, bytes: usize) -> Result<ByteReservation, BytesExceeded> {
        let reservation = if self.kind == OperationType::Subscription {
            self.services.bytes.reservation(CallerKey::of(&self.session.caller))
        } else {
            self.reservation.clone()
        };
        reservation.resize(bytes).map(|()| reservation)
    }

    /// Starts execution as a stream of results.
    ///
    /// # Errors
    ///
    /// Fails if the operation was started before, which is a bug.
    pub(super) fn results(&mut self) -> Result<impl Stream<Item = Response> + Unpin + use<>, ApiError> {
        let executable = self.executable.take().ok_or(ALREADY_EXECUTED)?;
        Ok(self.services.engine.execute_stream(executable, Arc::clone(&self.session)).boxed())
    }

    /// The next result, or `None` after the last.
    ///
    /// # Errors
    ///
    /// Fails if a query does not end before its deadline, or if the token of a subscriber is no longer valid. The token
    /// is checked with each result, and every [`CHECK_INTERVAL`] until then.
    pub(super) async fn next(
        &self,
        results: &mut (impl Stream<Item = Response> + Unpin),
    ) -> Result<Option<Response>, ApiError> {
        if self.kind == OperationType::Query {
            return timeout_at(self.deadline, results.next()).await.map_err(|_elapsed| ApiError::Timeout);
        }
        if self.kind != OperationType::Subscription {
            return Ok(results.next().await);
        }
        loop {
            let next = timeout(CHECK_INTERVAL, results.next()).await;
            let now = self.services.environment.now();
            self.services.authentication.check_token(&self.session.caller, now).await?;
            if let Ok(next) = next {
                return Ok(next);
            }
        }
    }
}

/// The interval at which the token of a subscriber, a WebSocket or an export is checked. A key is cached for at most two
/// seconds, so that it is withdrawn everywhere within five.
pub(in crate::http) const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// The time after which the timer of a credential that does not expire ends.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

const ALREADY_EXECUTED: ApiError = ApiError::Bug("an operation is executed once");

/// Whether a result is the last of its stream, because it has no data. Continuing after it would leave a gap.
pub(super) fn is_last(response: &Response) -> bool {
    !response.errors.is_empty() && response.data == async_graphql::Value::Null
}

/// The time until a token expires. The clock is read once: the result is for a timer.
pub(in crate::http) fn until_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Duration {
    expires_at.map_or(FOREVER, |expiry| Duration::from_micros(u64::try_from(expiry.0 - now.0).unwrap_or(0)))
}
