//! Principal and store become a [`Reader`] or a [`Writer`]: the only place where a role meets rows.
//!
//! Code without such a handle has no method to read or record with. Tenants are remembered for a few seconds, so that
//! not every request looks up its tenant; a disabled tenant is shut out after at most that time.
//!
//! This room also decides which log a filter means ([`log`]), and records who read what ([`visit`], [`trail`]).

mod log;
mod seen;
mod trail;
mod visit;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use auth::Principal;
use log::{Logs, Meant, meant};
use model::EventInput;
use model::event::ProblemCode;
use model::filter::Condition;
use model::fold::fold;
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, Invalid, NewEvent, Problem, Recording, RecordingRoute, ServiceSet, Timestamp};
use store::{
    Clock, ConnectionShares, QueryBudget, Reader, RecordOutcome, RecordQueue, Store, StoreError, Tenant, Writer,
};

pub use log::IdGenerator;
pub use seen::AccessActivity;
pub use trail::AccessLog;
pub use visit::AccessRecord;

/// How long a tenant is remembered.
const TENANT_REMEMBERED: Duration = Duration::from_secs(5);

/// Why a caller may not do something.
#[derive(Clone, Debug)]
pub enum AccessError {
    /// There is no such tenant here, or it is disabled.
    Tenant,
    /// No access role.
    Role,
    /// No permission to record.
    Recording,
    /// What is asked for cannot be.
    Filter(Invalid),
    /// The log could not be asked.
    Store(StoreError),
}

/// Lets callers in.
#[derive(Debug)]
pub struct AccessControl {
    store: Store,
    queue: RecordQueue,
    rules: Arc<SensitiveNames>,
    tenants: RwLock<HashMap<String, (Instant, Arc<Tenant>)>>,
    shares: ConnectionShares,
    logs: Arc<Logs>,
    trail: AccessLog,
}

/// A caller in its tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// Whose log it is.
    pub tenant: Arc<Tenant>,
    address: Option<IpAddr>,
    store: Store,
    queue: RecordQueue,
    rules: Arc<SensitiveNames>,
    allowance: QueryBudget,
    rows: Arc<AtomicU64>,
    logs: Arc<Logs>,
    trail: AccessLog,
    token: Option<Token>,
}

/// A token, which is written nowhere.
#[derive(Clone)]
struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl AccessControl {
    /// Access to a store, recording by a queue and with rules for what is sensitive; callers share the connections.
    pub fn new(
        store: Store,
        queue: RecordQueue,
        rules: SensitiveNames,
        shares: ConnectionShares,
        ids: IdGenerator,
    ) -> Self {
        let logs = Arc::new(Logs::new(store.clone(), ids));
        let (rules, tenants, trail) = (Arc::new(rules), RwLock::default(), AccessLog::default());
        Self { store, queue, rules, tenants, shares, logs, trail }
    }

    /// The same, with a trail of who reads what.
    #[must_use]
    pub fn with_access_log(mut self, clock: Clock, ids: IdGenerator) -> Self {
        self.trail = AccessLog::kept(Arc::clone(&self.logs), self.queue.clone(), Arc::clone(&self.rules), clock, ids);
        self
    }

    /// The trail of who reads what.
    pub fn trail(&self) -> AccessLog {
        self.trail.clone()
    }

    /// Finds the tenant of a principal.
    pub async fn caller(&self, principal: Arc<Principal>) -> Result<Caller, AccessError> {
        let tenant = self.tenant(&principal.tenant).await?;
        Ok(Caller {
            allowance: self.shares.of(&tenant.key, &principal.subject),
            principal,
            tenant,
            address: None,
            store: self.store.clone(),
            queue: self.queue.clone(),
            rules: Arc::clone(&self.rules),
            rows: Arc::default(),
            logs: Arc::clone(&self.logs),
            trail: self.trail.clone(),
            token: None,
        })
    }

    /// Lets a caller in again who stayed: its tenant may have been closed since.
    pub async fn again(&self, caller: &Caller) -> Result<Caller, AccessError> {
        let again = self.caller(Arc::clone(&caller.principal)).await?;
        Ok(Caller { address: caller.address, token: caller.token.clone(), ..again })
    }

    async fn tenant(&self, key: &str) -> Result<Arc<Tenant>, AccessError> {
        let now = Instant::now();
        {
            let tenants = self.tenants.read();
            if let Some((since, tenant)) = tenants.get(key)
                && now.duration_since(*since) < TENANT_REMEMBERED
            {
                return Ok(Arc::clone(tenant));
            }
        }
        let found = self.store.tenant(key).await.map_err(AccessError::Store)?;
        let tenant = Arc::new(found.filter(|tenant| !tenant.is_disabled).ok_or(AccessError::Tenant)?);
        let mut tenants = self.tenants.write();
        tenants.retain(|_, (since, _)| now.duration_since(*since) < TENANT_REMEMBERED);
        tenants.insert(key.to_owned(), (now, Arc::clone(&tenant)));
        Ok(tenant)
    }
}

impl Caller {
    /// The log as the caller's roles show it.
    pub fn reader(&self) -> Result<Reader, AccessError> {
        self.reader_in(&self.tenant)
    }

    /// The log that a filter means: events of the reserved service stand in a log of their own, for those who may see
    /// them. To others a filter on that service is like any on a service that they do not see.
    pub async fn reader_of(&self, condition: &Condition) -> Result<Reader, AccessError> {
        let reader = self.reader()?;
        if !self.principal.sees_accesses() {
            return Ok(reader);
        }
        match meant(condition) {
            Meant::Events => Ok(reader),
            Meant::Accesses => self.reader_in(&*self.logs.of(&self.tenant).await.map_err(AccessError::Store)?),
            Meant::Both => {
                let sentence = "events of `auditgraph` are a log of their own; ask for them alone";
                Err(AccessError::Filter(Invalid::new(sentence)))
            }
        }
    }

    /// The log of who read this one, where there is one and the caller may see it.
    pub async fn accesses(&self) -> Result<Option<Reader>, AccessError> {
        if !self.principal.sees_accesses() {
            return Ok(None);
        }
        let log = self.logs.existing(&self.tenant).await.map_err(AccessError::Store)?;
        log.map(|log| self.reader_in(&log)).transpose()
    }

    fn reader_in(&self, log: &Tenant) -> Result<Reader, AccessError> {
        let scope = self.principal.read_scope().ok_or(AccessError::Role)?;
        let reader = self.store.reader(log, scope);
        Ok(reader.allowed(self.allowance.clone()).counting(&self.rows))
    }

    /// The same caller, who may stay for long, with the token that is to be verified again then.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(Token(token.into())), ..self }
    }

    /// The token that is to be verified again as long as the caller stays.
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| &*token.0)
    }

    /// The same caller, asking from an address.
    #[must_use]
    pub fn asking_from(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// What an operation of this caller reads; `act` is what all of it is part of, if it is.
    pub fn visit(&self, act: Option<AccessActivity>, operation: &str, request_id: &str, at: Timestamp) -> AccessRecord {
        AccessRecord {
            trail: self.trail.clone(),
            principal: Arc::clone(&self.principal),
            tenant: Arc::clone(&self.tenant),
            address: self.address,
            act,
            operation: operation.to_owned(),
            request_id: request_id.to_owned(),
            at,
            readings: Mutex::default(),
        }
    }

    /// The same caller, for one request: what it reads ends then, and is at most so many bytes of events.
    #[must_use]
    pub fn within(self, deadline: Instant, bytes_max: usize) -> Self {
        Self { allowance: self.allowance.until(deadline).holding(bytes_max), ..self }
    }

    /// How many rows were read for the caller, and how many events recorded; it goes on counting.
    pub fn rows(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rows)
    }

    /// Recording, for callers whose token permits it.
    pub fn recorder(&self, route: RecordingRoute) -> Result<Recorder, AccessError> {
        Ok(Recorder {
            services: self.principal.record.clone().ok_or(AccessError::Recording)?,
            tenant: Arc::clone(&self.tenant),
            queue: self.queue.clone(),
            rules: Arc::clone(&self.rules),
            rows: Arc::clone(&self.rows),
            recording: Recording {
                route,
                recorded_by: self.principal.subject.clone(),
                client_id: self.principal.client_id.clone(),
                source: None,
                source_tenant_id: None,
            },
        })
    }
}

/// Records for a caller that may, and puts down that it was this caller.
#[derive(Debug)]
pub struct Recorder {
    tenant: Arc<Tenant>,
    queue: RecordQueue,
    rules: Arc<SensitiveNames>,
    services: ServiceSet,
    rows: Arc<AtomicU64>,
    recording: Recording,
}

/// What became of an event that a caller gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was recorded, at this place.
    Recorded(EventId, i64),
    /// It was recorded earlier.
    Duplicate(EventId),
    /// Another event holds its key.
    Conflict(EventId),
    /// It cannot be recorded.
    Rejected(Vec<Problem>),
}

impl Recorder {
    /// Checks an event that an application gives.
    pub fn event(&self, input: EventInput, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        self.checked(input.into_body(self.recording.clone())?, now)
    }

    /// Checks an event that another system has recorded.
    pub fn foreign_event(&self, mut body: EventBody, source: &str, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        body.recording = Recording {
            source: Some(source.to_owned()),
            source_tenant_id: body.recording.source_tenant_id.take(),
            ..self.recording.clone()
        };
        self.checked(body, now)
    }

    fn checked(&self, body: EventBody, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        if !self.services.contains(&fold(&body.service)) {
            let rule = "the token does not permit recording events of this service";
            return Err(vec![Problem::new("service", ProblemCode::NotPermitted, rule)]);
        }
        NewEvent::parse(body, now, &self.rules)
    }

    /// Records what can be, in one transaction, and says what became of each.
    pub async fn record(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> Result<Vec<Recorded>, StoreError> {
        let good: Vec<&NewEvent> = events.iter().filter_map(|event| event.as_ref().ok()).collect();
        let mut outcomes = self.queue.record(&self.tenant, &good).await?.into_iter();
        let outcome = |event: Result<NewEvent, Vec<Problem>>| match event {
            Err(problems) => Ok(Recorded::Rejected(problems)),
            Ok(event) => Ok(match outcomes.next().ok_or(StoreError::OutcomeUnknown)? {
                RecordOutcome::Recorded(sequence) => {
                    self.rows.fetch_add(1, Ordering::Relaxed);
                    Recorded::Recorded(event.id(), sequence)
                }
                RecordOutcome::Duplicate => Recorded::Duplicate(event.id()),
                RecordOutcome::Conflict => Recorded::Conflict(event.id()),
            }),
        };
        events.into_iter().map(outcome).collect()
    }
}

/// A writer for commands of the operator, who stands outside of all roles.
pub fn operator_writer(store: &Store, tenant: &Tenant) -> Writer {
    store.writer(tenant)
}

/// A reader for commands of the operator, who stands outside of all roles.
pub fn operator_reader(store: &Store, tenant: &Tenant) -> Reader {
    store.reader(tenant, model::Scope::all())
}
