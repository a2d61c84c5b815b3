//! A caller: a principal in its tenant, and the readers and recorders that its roles permit.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::access_error::AccessError;
use super::access_log::{AccessActivity, AccessLog};
use super::access_record::AccessRecord;
use super::api_key_administration::{Administrator, ApiKeyAdministration};
use super::outcome_counts::OutcomeCounter;
use super::recorder::Recorder;
use super::target_log::{AccessLogRegistry, TargetLog, resolve_log};
use auth::Principal;
use model::filter::Condition;
use model::sensitive::SensitiveNames;
use model::{Invalid, Recording, RecordingRoute, Scope, Timestamp};
use store::{ByteMeter, QueryBudget, Reader, RecordQueue, Store, Tenant};

/// An authenticated caller in its tenant. Created by [`AccessControl::caller`](super::AccessControl::caller).
#[derive(Clone, Debug)]
pub struct Caller {
    /// The identity and roles from the token.
    pub principal: Arc<Principal>,
    /// The tenant whose log the caller uses.
    pub tenant: Arc<Tenant>,
    pub(super) client_address: Option<IpAddr>,
    pub(super) token: Option<BearerToken>,
    pub(super) store: Store,
    pub(super) queue: RecordQueue,
    pub(super) sensitive_names: Arc<SensitiveNames>,
    pub(super) budget: QueryBudget,
    pub(super) rows: Arc<AtomicU64>,
    pub(super) outcomes: Arc<OutcomeCounter>,
    pub(super) access_logs: Arc<AccessLogRegistry>,
    pub(super) access_log: AccessLog,
    pub(super) api_keys: Arc<ApiKeyAdministration>,
}

/// A bearer token. `Debug` hides it.
#[derive(Clone)]
pub(super) struct BearerToken(Arc<str>);

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken")
    }
}

impl Caller {
    /// Keeps the bearer token, so that long-lived operations can verify it again.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(BearerToken(token.into())), ..self }
    }

    /// Returns the bearer token, if it was kept by [`Self::with_token`].
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| &*token.0)
    }

    /// Sets the client's IP address, which the access log reports.
    #[must_use]
    pub fn with_client_address(self, address: IpAddr) -> Self {
        Self { client_address: Some(address), ..self }
    }

    /// Returns the client's IP address, if it was set by [`Self::with_client_address`].
    pub fn client_address(&self) -> Option<IpAddr> {
        self.client_address
    }

    /// Returns the administration of the tenant's API keys, and the caller as the administrator of a request. Fails with
    /// [`AccessError::Administration`] if the token does not permit it.
    pub fn api_keys(&self, request_id: &str) -> Result<(Arc<ApiKeyAdministration>, Administrator), AccessError> {
        if !self.principal.administers {
            return Err(AccessError::Administration);
        }
        let administrator = Administrator::caller(&self.principal, self.client_address, request_id);
        Ok((Arc::clone(&self.api_keys), administrator))
    }

    /// Limits what one request may read: until `deadline`, and at most `bytes_max` bytes of events, for which `meter`
    /// has memory.
    #[must_use]
    pub fn with_limits(self, deadline: Instant, bytes_max: usize, meter: Arc<dyn ByteMeter>) -> Self {
        Self { budget: self.budget.with_deadline(deadline).with_byte_limit(bytes_max).with_meter(meter), ..self }
    }

    /// Returns the counter of rows read and events recorded for this caller. Clones of the caller share it.
    pub fn rows(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rows)
    }

    /// Returns the counter of the outcomes of events that this caller sends. Clones of the caller share it.
    pub fn outcomes(&self) -> Arc<OutcomeCounter> {
        Arc::clone(&self.outcomes)
    }

    /// Returns a reader of the tenant's events, limited to the scope of the caller's roles.
    pub fn reader(&self) -> Result<Reader, AccessError> {
        self.reader_in(&self.tenant)
    }

    /// Returns a reader of the log that a filter refers to.
    ///
    /// A filter on the reserved service `auditgraph` reads the access log, if the caller may see it. For other callers
    /// the filter matches nothing, like a filter on any service outside their scope.
    pub async fn reader_for(&self, condition: &Condition) -> Result<Reader, AccessError> {
        let reader = self.reader()?;
        if !self.principal.can_read_access_log() {
            return Ok(reader);
        }
        match resolve_log(condition) {
            TargetLog::Events => Ok(reader),
            TargetLog::Accesses => {
                let log = self.access_logs.find_or_create(&self.tenant).await.map_err(AccessError::Store)?;
                self.reader_in(&log)
            }
            TargetLog::Mixed => {
                let sentence = "events of the service `auditgraph` are in a separate log: filter on this service alone";
                Err(AccessError::Invalid(Invalid::new(sentence)))
            }
        }
    }

    /// Returns a reader of the access log, or `None` if there is no access log or the caller may not see it.
    pub async fn access_log_reader(&self) -> Result<Option<Reader>, AccessError> {
        if !self.principal.can_read_access_log() {
            return Ok(None);
        }
        let log = self.access_logs.find(&self.tenant).await.map_err(AccessError::Store)?;
        log.map(|log| self.reader_in(&log)).transpose()
    }

    fn reader_in(&self, log: &Tenant) -> Result<Reader, AccessError> {
        let scope = self.principal.read_scope().ok_or(AccessError::Role)?;
        let reader = self.store.reader(log, scope);
        Ok(reader.with_budget(self.budget.clone()).count_rows_in(&self.rows))
    }

    /// Starts the access record of one operation. `activity` overrides the activity of all root fields, for operations
    /// such as an export.
    pub fn access_record(
        &self,
        activity: Option<AccessActivity>,
        operation: &str,
        request_id: &str,
        at: Timestamp,
    ) -> AccessRecord {
        AccessRecord {
            access_log: self.access_log.clone(),
            principal: Arc::clone(&self.principal),
            tenant: Arc::clone(&self.tenant),
            client_address: self.client_address,
            activity,
            operation: operation.to_owned(),
            request_id: request_id.to_owned(),
            at,
            fields: parking_lot::Mutex::default(),
        }
    }

    /// Returns a recorder. Fails with [`AccessError::Recording`] if the token does not permit recording.
    pub fn recorder(&self, route: RecordingRoute) -> Result<Recorder, AccessError> {
        Ok(Recorder {
            services: self.principal.record.clone().ok_or(AccessError::Recording)?,
            tenant: Arc::clone(&self.tenant),
            queue: self.queue.clone(),
            reader: self.store.reader(&self.tenant, Scope::all()),
            sensitive_names: Arc::clone(&self.sensitive_names),
            rows: Arc::clone(&self.rows),
            outcomes: Arc::clone(&self.outcomes),
            recording: Recording {
                route,
                recorded_by: self.principal.subject.clone(),
                issuer: self.principal.issuer.clone(),
                client_id: self.principal.client_id.clone(),
                source: None,
                source_tenant_id: None,
            },
        })
    }
}
