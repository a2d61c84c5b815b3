//! Similar accesses, combined into one event.
//!
//! A dashboard that sends the same query every second makes one event with a count every few seconds; polling and
//! following make one event an hour. Accesses are similar if caller, address, operation, field, filter and outcome are
//! the same.

use std::net::IpAddr;
use std::sync::Arc;

use auth::Principal;
use model::event::RESERVED_SERVICE;
use model::fold::cut;
use model::sensitive::SensitiveNames;
use model::time::HOUR;
use model::{Actor, ActorApplication, ActorKind, Detail, EventBody, NewEvent, OperationType, Problem};
use model::{Recording, RecordingRoute, ResourceType, Status, Timestamp};
use store::Tenant;

/// The category of all events about accesses.
const CATEGORY: &str = "AuditAccess";
/// The most bytes of a filter, or of the other arguments, that are kept; the rest is cut off.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// The most bytes of a name that becomes a key.
const NAME_BYTES_MAX: usize = 200;
/// About what everything but the texts takes.
const OVERHEAD_BYTES: usize = 1_000;
/// The code of an access without an error.
pub(crate) const OK: &str = "OK";
/// The code of one that the caller's roles do not allow.
pub(crate) const FORBIDDEN: &str = "FORBIDDEN";
/// The code of an access whose client went away before the end.
pub(crate) const CANCELLED: &str = "CANCELLED";

/// What somebody does with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessActivity {
    /// Looking at a list.
    Query,
    /// Looking at an event that is named.
    Read,
    /// Counting.
    Summarize,
    /// Looking for actors.
    SearchActors,
    /// Reading the feed.
    Poll,
    /// Being sent what is recorded.
    Follow,
    /// Taking a file.
    Export,
    /// Asking what there is.
    Browse,
    /// Recording; noted only if it is refused.
    Record,
}

impl AccessActivity {
    const fn activity(self) -> &'static str {
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
        }
    }

    /// Whether it goes on without end, so that it is combined by the hour.
    const fn is_steady(self) -> bool {
        matches!(self, Self::Poll | Self::Follow)
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) act: AccessActivity,
    /// The name of the operation; empty if it has none.
    pub(crate) operation: String,
    /// The root field.
    pub(crate) field: String,
    /// The filter as JSON.
    pub(crate) filter: Option<String>,
    /// The other arguments, without those that only say which page.
    pub(crate) arguments: Option<String>,
}

impl Question {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let texts = [Some(&self.operation), Some(&self.field), self.filter.as_ref(), self.arguments.as_ref()];
        OVERHEAD_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// A text that is kept: not without end.
pub(crate) fn kept(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX { text } else { format!("{}…", cut(&text, TEXT_BYTES_MAX)) }
}

/// What accesses have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    tenant: String,
    subject: String,
    address: Option<IpAddr>,
    question: Question,
    code: String,
    hour: Option<i64>,
}

/// One access, or a further part of one.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) principal: Arc<Principal>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: String,
    pub(crate) question: Question,
    pub(crate) code: String,
    pub(crate) at: Timestamp,
    /// 1, or 0 if it is a further part.
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) as_of: Option<i64>,
}

impl Seen {
    pub(crate) fn kind(&self) -> Kind {
        let is_steady = self.question.act.is_steady() && self.code == OK;
        Kind {
            tenant: self.tenant.key.clone(),
            subject: self.principal.subject.clone(),
            address: self.address,
            question: self.question.clone(),
            code: self.code.clone(),
            hour: is_steady.then(|| self.at.0.div_euclid(HOUR)),
        }
    }
}

/// Accesses of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    first: Seen,
    last_at: Timestamp,
    hour: Option<i64>,
}

impl Gathered {
    pub(crate) fn new(kind: &Kind, first: Seen) -> Self {
        Self { last_at: first.at, hour: kind.hour, first }
    }

    pub(crate) fn add(&mut self, other: &Seen) {
        self.first.requests += other.requests;
        self.first.events += other.events;
        self.first.as_of = self.first.as_of.max(other.as_of);
        self.first.at = self.first.at.min(other.at);
        self.last_at = self.last_at.max(other.at);
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.first.question.bytes()
    }

    /// Whether nothing is added any more.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.hour.is_none_or(|hour| hour < now.0.div_euclid(HOUR))
    }

    /// When the first of them was.
    pub(crate) fn first_at(&self) -> Timestamp {
        self.first.at
    }

    /// Whose log it is about.
    pub(crate) fn tenant(&self) -> &Arc<Tenant> {
        &self.first.tenant
    }

    /// How many accesses it stands for.
    pub(crate) fn requests(&self) -> u64 {
        self.first.requests.max(1)
    }

    /// The event, under a key; it also says how many accesses before it were lost.
    pub(crate) fn event(
        self,
        key: String,
        lost: u64,
        now: Timestamp,
        rules: &SensitiveNames,
    ) -> Result<NewEvent, Vec<Problem>> {
        let additional_details = self.details(lost);
        let Seen { principal, address, request_id, question, code, at, .. } = self.first;
        let activity = question.act.activity().to_owned();
        let status = match code.as_str() {
            OK => Status::Success,
            CANCELLED => Status::Unknown,
            "TIMEOUT" => Status::Timeout,
            _ => Status::Failure,
        };
        let body = EventBody {
            event_key: key,
            occurred_at: at,
            activity_display_name: activity.clone(),
            activity,
            category: CATEGORY.to_owned(),
            service: RESERVED_SERVICE.to_owned(),
            component: None,
            operation_type: OperationType::Read,
            resource_type: ResourceType::Other,
            group_source: None,
            status,
            status_reason: Some(code).filter(|code| code != OK),
            status_reason_is_sensitive: false,
            correlation_id: Some(request_id),
            actor: actor(&principal, address),
            targets: Vec::new(),
            additional_details,
            unmapped: None,
            unmapped_is_sensitive: false,
            recording: Recording {
                route: RecordingRoute::Internal,
                recorded_by: RESERVED_SERVICE.to_owned(),
                client_id: None,
                source: None,
                source_tenant_id: None,
            },
        };
        NewEvent::parse(body, now, rules)
    }

    fn details(&self, lost: u64) -> Vec<Detail> {
        let Seen { principal, question, requests, events, as_of, at, .. } = &self.first;
        let subject = Some(&principal.subject).filter(|_| principal.object_id.is_some());
        let details = [
            ("field", Some(question.field.clone())),
            ("operationName", Some(question.operation.clone()).filter(|name| !name.is_empty())),
            ("filter", question.filter.clone()),
            ("arguments", question.arguments.clone()),
            ("requests", Some(requests.to_string())),
            ("events", Some(events.to_string())),
            ("asOf", as_of.map(|as_of| as_of.to_string())),
            ("until", Some(self.last_at).filter(|last| last > at).map(|last| last.to_string())),
            ("subject", subject.cloned()),
            ("lost", Some(lost).filter(|lost| *lost > 0).map(|lost| lost.to_string())),
        ];
        details.into_iter().filter(|(_, value)| value.is_some()).map(|(key, value)| Detail::new(key, value)).collect()
    }
}

/// Who a token names, as an event has it.
fn actor(principal: &Principal, address: Option<IpAddr>) -> Actor {
    let kind = if principal.is_application { ActorKind::Application } else { ActorKind::User };
    let application = principal.client_id.as_deref().map(|id| ActorApplication {
        application_id: Some(cut(id, NAME_BYTES_MAX).to_owned()),
        display_name: principal.display_name.clone().filter(|_| principal.is_application),
    });
    Actor {
        object_id: principal.object_id.clone().or_else(|| Some(principal.subject.clone())),
        user_principal_name: principal.user_principal_name.clone(),
        display_name: principal.display_name.clone().filter(|_| !principal.is_application),
        application,
        permissions: principal.grants.iter().map(|grant| grant.role.name().to_owned()).collect(),
        ip_address: address.map(|address| address.to_string()),
        ..Actor::new(kind)
    }
}
