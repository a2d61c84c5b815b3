//! Aggregates similar accesses into one event.
//!
//! Accesses are similar if caller, client address, operation, field, filter and outcome are equal. A dashboard that
//! sends the same query every second produces one event with a count every few seconds; polling and following produce
//! one event an hour.

use std::net::IpAddr;
use std::sync::Arc;

use crate::service_event::{actor, event_of_the_service};
use auth::Principal;
use model::fold::cut;
use model::json::hash16;
use model::sensitive::SensitiveNames;
use model::time::HOUR;
use model::{Detail, EventBody, NewEvent, OperationType, Problem};
use model::{Status, Timestamp};
use store::Tenant;

/// The category of all access events.
const CATEGORY: &str = "AuditAccess";
/// The maximum length of a filter, and of the other arguments, in bytes. Longer ones are truncated.
const ARGUMENT_BYTES_MAX: usize = 16 << 10;
/// The approximate memory of an aggregated access without its strings, in bytes.
const OVERHEAD_BYTES: usize = 1_000;
/// The outcome of an access without an error.
pub(crate) const OK: &str = "OK";
/// The outcome of an access that the caller's roles do not permit.
pub(crate) const FORBIDDEN: &str = "FORBIDDEN";
/// The outcome of an access whose client disconnected before the end.
pub(crate) const CANCELLED: &str = "CANCELLED";

/// A kind of access to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessActivity {
    /// Query a list of events.
    Query,
    /// Read an event by its id or key.
    Read,
    /// Count events.
    Summarize,
    /// Search actors.
    SearchActors,
    /// Poll the change feed.
    Poll,
    /// Subscribe to new events.
    Follow,
    /// Export events.
    Export,
    /// Read metadata, such as activity types and the tenant.
    Browse,
    /// Record events. Only refusals are recorded as accesses.
    Record,
    /// List or change API keys. Changes are events of their own, so that only lists and refusals are recorded as accesses.
    ManageApiKeys,
}

impl AccessActivity {
    const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query audit events",
            Self::Read => "Read audit event",
            Self::Summarize => "Summarize audit events",
            Self::SearchActors => "Search actors",
            Self::Poll => "Read audit event feed",
            Self::Follow => "Follow audit events",
            Self::Export => "Export audit events",
            Self::Browse => "Browse audit log",
            Self::Record => "Record audit events",
            Self::ManageApiKeys => "Manage API keys",
        }
    }

    /// Whether the access continues for a long time, so that it is aggregated by the hour.
    const fn is_continuous(self) -> bool {
        matches!(self, Self::Poll | Self::Follow)
    }
}

/// A root field and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccessedField {
    pub(crate) activity: AccessActivity,
    /// The name of the operation; empty if it has none.
    pub(crate) operation: String,
    /// The name of the root field, or the path of the route.
    pub(crate) name: String,
    /// The filter as JSON.
    pub(crate) filter: Option<String>,
    /// The other arguments as JSON, without those that select a page.
    pub(crate) arguments: Option<String>,
}

impl AccessedField {
    /// The approximate memory, in bytes.
    fn bytes(&self) -> usize {
        let strings = [Some(&self.operation), Some(&self.name), self.filter.as_ref(), self.arguments.as_ref()];
        OVERHEAD_BYTES + strings.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

impl AccessedField {
    /// A hash of filter and arguments, as they would be recorded.
    fn arguments_hash(&self) -> String {
        let (filter, arguments) = (self.filter.as_deref(), self.arguments.as_deref());
        hex::encode(hash16([filter.unwrap_or_default(), arguments.unwrap_or_default()].join("\0").as_bytes()))
    }
}

/// Truncates a JSON string to [`ARGUMENT_BYTES_MAX`].
pub(crate) fn truncated(json: String) -> String {
    if json.len() <= ARGUMENT_BYTES_MAX { json } else { format!("{}…", cut(&json, ARGUMENT_BYTES_MAX)) }
}

/// The most hashes of arguments that one event lists.
const HASHES_MAX: usize = 50;

/// The arguments of accesses beyond the caller's budget: how many accesses, and hashes of the first different ones. A
/// hash shows whether a certain filter was used.
#[derive(Clone, Debug, Default)]
struct OmittedArguments {
    accesses: u64,
    hashes: Vec<String>,
}

impl OmittedArguments {
    fn add(&mut self, field: &AccessedField, accesses: u64) {
        self.accesses += accesses;
        let hash = field.arguments_hash();
        if self.hashes.len() < HASHES_MAX && !self.hashes.contains(&hash) {
            self.hashes.push(hash);
        }
    }
}

/// The properties that similar accesses have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AggregationKey {
    tenant: String,
    issuer: Option<String>,
    subject: String,
    client_address: Option<IpAddr>,
    field: AccessedField,
    code: String,
    /// The hour since 1970, for continuous accesses.
    hour: Option<i64>,
    /// Whether the arguments are omitted, because the caller's budget is used up.
    is_reduced: bool,
}

impl AggregationKey {
    /// The caller, whose budget the details use.
    pub(crate) fn caller(&self) -> (&str, &str) {
        (&self.tenant, &self.subject)
    }

    /// The key without arguments and the names that the caller chooses.
    pub(crate) fn reduced(&self) -> Self {
        let field = AccessedField { operation: String::new(), filter: None, arguments: None, ..self.field.clone() };
        Self { field, is_reduced: true, ..self.clone() }
    }
}

/// One access, or a further part of a continuous one.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) principal: Arc<Principal>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) client_address: Option<IpAddr>,
    pub(crate) request_id: String,
    pub(crate) field: AccessedField,
    pub(crate) code: String,
    pub(crate) at: Timestamp,
    /// 1, or 0 for a further part.
    pub(crate) requests: u64,
    /// The number of events shown.
    pub(crate) events: u64,
    /// The sequence up to which the log was read, if known.
    pub(crate) as_of: Option<i64>,
}

impl Access {
    /// The approximate size of an event for the access alone, in bytes.
    pub(crate) fn event_bytes(&self) -> usize {
        self.field.bytes()
    }

    pub(crate) fn aggregation_key(&self) -> AggregationKey {
        let is_continuous = self.field.activity.is_continuous() && self.code == OK;
        AggregationKey {
            tenant: self.tenant.key.clone(),
            issuer: self.principal.issuer.clone(),
            subject: self.principal.subject.clone(),
            client_address: self.client_address,
            field: self.field.clone(),
            code: self.code.clone(),
            hour: is_continuous.then(|| self.at.0.div_euclid(HOUR)),
            is_reduced: false,
        }
    }
}

/// Similar accesses, added up.
#[derive(Clone, Debug)]
pub(crate) struct AggregatedAccess {
    /// The first access, with the sums of all.
    total: Access,
    last_at: Timestamp,
    hour: Option<i64>,
    /// The omitted arguments, if the accesses are reduced.
    omitted: Option<OmittedArguments>,
}

impl AggregatedAccess {
    pub(crate) fn new(key: &AggregationKey, mut first: Access) -> Self {
        let omitted = key.is_reduced.then(|| {
            let mut omitted = OmittedArguments::default();
            omitted.add(&first.field, first.requests.max(1));
            first.field = key.field.clone();
            omitted
        });
        Self { last_at: first.at, hour: key.hour, total: first, omitted }
    }

    pub(crate) fn add(&mut self, other: &Access) {
        if let Some(omitted) = &mut self.omitted {
            omitted.add(&other.field, other.requests);
        }
        self.total.requests += other.requests;
        self.total.events += other.events;
        self.total.as_of = self.total.as_of.max(other.as_of);
        self.total.at = self.total.at.min(other.at);
        self.last_at = self.last_at.max(other.at);
    }

    /// The approximate memory, and size of the event, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.total.field.bytes()
    }

    /// Whether the event is due: at once, or for continuous accesses when their hour is over.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.hour.is_none_or(|hour| hour < now.0.div_euclid(HOUR))
    }

    /// The time of the first access.
    pub(crate) fn first_at(&self) -> Timestamp {
        self.total.at
    }

    /// The tenant whose log was read.
    pub(crate) fn tenant(&self) -> &Arc<Tenant> {
        &self.total.tenant
    }

    /// The number of accesses, at least 1.
    pub(crate) fn requests(&self) -> u64 {
        self.total.requests.max(1)
    }

    /// Returns the event. `lost` is the number of earlier accesses that could not be recorded.
    pub(crate) fn into_event(
        self,
        key: String,
        lost: u64,
        now: Timestamp,
        sensitive_names: &SensitiveNames,
    ) -> Result<NewEvent, Vec<Problem>> {
        let additional_details = self.details(lost);
        let Access { principal, client_address, request_id, field, code, at, .. } = self.total;
        let status = match code.as_str() {
            OK => Status::Success,
            CANCELLED => Status::Unknown,
            "TIMEOUT" => Status::Timeout,
            _ => Status::Failure,
        };
        let activity = (CATEGORY, field.activity.name());
        let body = EventBody {
            status,
            status_reason: Some(code).filter(|code| code != OK),
            correlation_id: Some(request_id),
            additional_details,
            ..event_of_the_service(key, at, activity, OperationType::Read, actor(&principal, client_address))
        };
        NewEvent::parse(body, now, sensitive_names)
    }

    fn details(&self, lost: u64) -> Vec<Detail> {
        let Access { principal, field, requests, events, as_of, at, .. } = &self.total;
        let omitted = self.omitted.as_ref();
        let subject = Some(&principal.subject).filter(|_| principal.object_id.is_some());
        let details = [
            ("field", Some(field.name.clone())),
            ("operationName", Some(field.operation.clone()).filter(|name| !name.is_empty())),
            ("filter", field.filter.clone()),
            ("arguments", field.arguments.clone()),
            ("omittedArguments", omitted.map(|omitted| omitted.accesses.to_string())),
            ("omittedArgumentHashes", omitted.map(|omitted| omitted.hashes.join(" "))),
            ("requests", Some(requests.to_string())),
            ("events", Some(events.to_string())),
            ("asOf", as_of.map(|as_of| as_of.to_string())),
            ("until", Some(self.last_at).filter(|last| last > at).map(|last| last.to_string())),
            ("subject", subject.cloned()),
            ("issuer", principal.issuer.clone()),
            ("lost", Some(lost).filter(|lost| *lost > 0).map(|lost| lost.to_string())),
        ];
        details.into_iter().filter(|(_, value)| value.is_some()).map(|(key, value)| Detail::new(key, value)).collect()
    }
}
