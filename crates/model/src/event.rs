//! An event: its body as stored, the checks it passes before it is recorded, and what a caller gets to see of it.
//!
//! The body *is* the event; all columns and side tables are indexes over it. [`NewEvent::parse`] is the only door
//! into the log: limits are checked here, once, for every way in. [`Event::reduced`] is the only door out: every
//! read passes through it before anything is matched, counted or shown.

use serde::{Deserialize, Serialize};

use super::fold::{KEY_BYTES_MAX, fold, fold_activity};
use super::json::{Json, hash16, present};
use super::party::{Actor, Target, WithheldReason};
use super::sensitive::SensitiveNames;
use super::time::{HOUR, Timestamp};
use super::{GroupSource, Invalid, OperationType, ResourceType, Scope, Status, named};

/// The service whose events this server records itself.
pub const RESERVED_SERVICE: &str = "auditgraph";
/// The most bytes that the body of an event may have.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// The most targets an event may have, by import; by API fewer.
pub const TARGETS_MAX: usize = 2_000;
/// The most properties that one target may have changed, by import; by API fewer.
pub const CHANGES_MAX: usize = 5_000;
/// How far ahead of the server's clock an event may have happened.
const AHEAD_MAX: i64 = 24 * HOUR;

named! {
    /// The way in which an event came into the log.
    RecordingRoute {
        /// By the mutation.
        GraphQl = "GRAPHQL",
        /// By the batch endpoint.
        Rest = "REST",
        /// From a file.
        Import = "IMPORT",
        /// By this service itself.
        Internal = "INTERNAL",
    }
}

/// Provenance: the actor is what the recorder claims, this is who claimed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// The way in.
    pub route: RecordingRoute,
    /// The subject of the recorder's token, or the operator's account for an import.
    pub recorded_by: String,
    /// The client application of the recorder's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where an imported record was read from: its shape and file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The tenant that an imported record itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_tenant_id: Option<String>,
}

/// A further detail of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// What it is. Keys may repeat.
    pub key: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value is shown only to those who may see sensitive values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sensitive: bool,
    /// Set where the value was taken out for the caller.
    #[serde(skip)]
    pub withheld: Option<WithheldReason>,
}

impl Detail {
    /// A detail whose sensitivity its name decides.
    pub fn new(key: impl Into<String>, value: Option<String>) -> Self {
        Self { key: key.into(), value, is_sensitive: false, withheld: None }
    }
}

/// Everything that is recorded of one activity, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventBody {
    /// The key under which the event is recorded, unique within its service.
    pub event_key: String,
    /// When the activity happened.
    pub occurred_at: Timestamp,
    /// The key of the activity, as written by the service.
    pub activity: String,
    /// The activity as shown to people.
    pub activity_display_name: String,
    /// The category, as written by the service.
    pub category: String,
    /// The service that logged it.
    pub service: String,
    /// The part of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What kind of operation it was.
    pub operation_type: OperationType,
    /// The type of resource it acted on.
    pub resource_type: ResourceType,
    /// Where the group comes from, for activities on groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_source: Option<GroupSource>,
    /// How it ended.
    pub status: Status,
    /// Why it ended that way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Whether the reason is shown only to those who may see sensitive values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub status_reason_is_sensitive: bool,
    /// Ties together the events of one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Who initiated it.
    pub actor: Actor,
    /// What was acted on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Further details, in the order recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_details: Vec<Detail>,
    /// What an imported record carried beyond the fields above, at the places where it stood.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<Json>,
    /// Whether something secret stands in `unmapped`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmapped_is_sensitive: bool,
    /// How the event came into the log, and by whom.
    pub recording: Recording,
}

impl EventBody {
    /// Whether anything of it is shown only to those who may see sensitive values.
    pub fn is_sensitive(&self) -> bool {
        self.status_reason_is_sensitive
            || self.unmapped_is_sensitive
            || self.additional_details.iter().any(|detail| detail.is_sensitive)
            || self.targets.iter().flat_map(|target| &target.modified_properties).any(|change| change.is_sensitive)
    }

    /// Marks what the rules say is sensitive; what the recorder marked stays marked.
    fn mark_sensitive(&mut self, rules: &SensitiveNames) {
        for detail in &mut self.additional_details {
            let covered = rules.covers(&detail.key)
                || detail.value.as_deref().is_some_and(|value| rules.covers_inside_text(value));
            detail.is_sensitive |= covered && detail.value.is_some();
        }
        for change in self.targets.iter_mut().flat_map(|target| &mut target.modified_properties) {
            let values = [&change.old_value, &change.new_value];
            let covered = rules.covers(&change.name)
                || values.into_iter().flatten().any(|value| rules.covers_inside_text(value.text()));
            change.is_sensitive |= covered;
        }
        if let Some(reason) = &self.status_reason {
            self.status_reason_is_sensitive |= rules.covers_inside_text(reason);
        }
        if let Some(unmapped) = &self.unmapped {
            self.unmapped_is_sensitive |= rules.covers_inside_text(unmapped.text());
        }
    }
}

/// What can be wrong with an event to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCode {
    /// The value is not valid.
    Invalid,
    /// The value is too long or there are too many.
    TooLong,
    /// The moment is outside what the log accepts.
    OutOfRange,
    /// The caller may not record events of this service.
    NotPermitted,
}

/// Something wrong with an event to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which part, as field names and list indices from the event downwards.
    pub path: Vec<String>,
    /// A stable code.
    pub code: ProblemCode,
    /// An explanation for developers.
    pub message: String,
}

impl Problem {
    /// A problem at a dotted path.
    pub fn new(path: &str, code: ProblemCode, message: impl Into<String>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), code, message: message.into() }
    }
}

/// An event that may be recorded: checked, with its sensitive values marked, and with the keys that name it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    body: EventBody,
    json: String,
}

impl NewEvent {
    /// Checks an event before it is recorded and reports all that is wrong with it.
    pub fn parse(mut body: EventBody, now: Timestamp, rules: &SensitiveNames) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        check_names(&body, &mut problems);
        check_sizes(&body, &mut problems);
        if body.occurred_at.0 < 0 || body.occurred_at > now.plus(AHEAD_MAX) {
            let rule = "must be from 1970 to 24 hours ahead of the server's clock";
            problems.push(Problem::new("occurredAt", ProblemCode::OutOfRange, rule));
        }
        if body.group_source.is_some() && body.resource_type != ResourceType::Group {
            let rule = "is only allowed with the resource type GROUP";
            problems.push(Problem::new("groupSource", ProblemCode::Invalid, rule));
        }
        body.mark_sensitive(rules);
        let json = serde_json::to_string(&body).unwrap_or_default();
        if json.is_empty() || json.len() > BODY_BYTES_MAX {
            let rule = format!("the whole event may have at most {BODY_BYTES_MAX} bytes");
            problems.push(Problem::new("event", ProblemCode::TooLong, rule));
        }
        if problems.is_empty() { Ok(Self { body, json }) } else { Err(problems) }
    }

    /// An event as it stands in the log: it was checked when it was recorded.
    pub fn stored(json: String) -> Result<Self, serde_json::Error> {
        Ok(Self { body: serde_json::from_str(&json)?, json })
    }

    /// The event.
    pub fn body(&self) -> &EventBody {
        &self.body
    }

    /// The text to store.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The id, made of what names the event.
    pub fn id(&self) -> EventId {
        EventId::of(&self.body.service, &self.body.event_key)
    }

    /// What two copies of one event agree on, whichever way each of them came.
    pub fn content_hash(&self) -> [u8; 16] {
        let mut targets: Vec<String> = self.body.targets.iter().map(Target::identity).collect();
        targets.sort_unstable();
        let mut content = vec![
            fold(&self.body.service),
            fold_activity(&self.body.activity),
            self.body.occurred_at.0.div_euclid(1_000).to_string(),
            self.body.actor.key(),
        ];
        content.append(&mut targets);
        hash16(content.join("\0").as_bytes())
    }
}

/// The names that become keys: present, and short enough for an index.
fn check_names(body: &EventBody, problems: &mut Vec<Problem>) {
    let mut name = |path: &str, folded: String, required: bool| {
        if required && folded.is_empty() {
            problems.push(Problem::new(path, ProblemCode::Invalid, "must not be empty"));
        }
        if folded.len() > KEY_BYTES_MAX {
            let rule = format!("may have at most {KEY_BYTES_MAX} bytes in its folded form");
            problems.push(Problem::new(path, ProblemCode::TooLong, rule));
        }
    };
    name("eventKey", fold(&body.event_key), true);
    name("activity", fold_activity(&body.activity), true);
    if body.activity_display_name != body.activity {
        name("activityDisplayName", fold(&body.activity_display_name), true);
    }
    name("category", fold(&body.category), true);
    name("service", fold(&body.service), true);
    name("component", body.component.as_deref().map(fold).unwrap_or_default(), false);
    name("correlationId", body.correlation_id.as_deref().map(fold).unwrap_or_default(), false);
    name("actor.application.applicationId", body.actor.application_id().map(fold).unwrap_or_default(), false);
    for (i, target) in body.targets.iter().enumerate() {
        for (j, change) in target.modified_properties.iter().enumerate() {
            name(&format!("targets.{i}.modifiedProperties.{j}.name"), fold(&change.name), true);
        }
    }
    // Nor may another service look like it.
    let letters: String = fold(&body.service).chars().filter(|c| c.is_alphanumeric()).collect();
    if letters == RESERVED_SERVICE && body.recording.route != RecordingRoute::Internal {
        let rule = "`auditgraph` is reserved for this service's own events";
        problems.push(Problem::new("service", ProblemCode::NotPermitted, rule));
    }
}

fn check_sizes(body: &EventBody, problems: &mut Vec<Problem>) {
    if body.targets.len() > TARGETS_MAX {
        let rule = format!("an event may have at most {TARGETS_MAX} targets");
        problems.push(Problem::new("targets", ProblemCode::TooLong, rule));
    }
    for (i, target) in body.targets.iter().enumerate() {
        if target.modified_properties.len() > CHANGES_MAX {
            let path = format!("targets.{i}.modifiedProperties");
            let rule = format!("a target may have at most {CHANGES_MAX} changes");
            problems.push(Problem::new(&path, ProblemCode::TooLong, rule));
        }
    }
}

/// Identifies an event for ever: a hash of its service and key. Opaque, versioned, the same in every copy of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

/// The first byte of a global id: what it names, and how it was made.
const EVENT_ID_VERSION: u8 = 1;

impl EventId {
    /// The id of the event that a service recorded under a key.
    pub fn of(service: &str, event_key: &str) -> Self {
        Self(hash16(format!("{}\0{event_key}", fold(service)).as_bytes()))
    }

    /// The id as text.
    pub fn to_global(self) -> String {
        use base64::Engine as _;
        let mut bytes = vec![EVENT_ID_VERSION];
        bytes.extend(self.0);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an id that was handed out earlier.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        match bytes.split_first() {
            Some((&EVENT_ID_VERSION, hash)) => hash.try_into().ok().map(Self),
            _ => None,
        }
        .ok_or_else(|| Invalid::new("`id` is not one that this service handed out"))
    }
}

/// A recorded event as a caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the tenant's log.
    pub sequence: i64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The event; without what the caller may not see.
    pub body: EventBody,
    /// The body as stored, if nothing of it is withheld.
    pub raw: Option<Json>,
    /// Whether anything of it is withheld.
    pub is_redacted: bool,
}

impl Event {
    /// The event as a scope shows it; none if the event does not exist for it.
    pub fn reduced(mut self, scope: &Scope) -> Option<Self> {
        if !scope.visible.has(&self.body.service) {
            return None;
        }
        if self.body.is_sensitive() && !scope.sensitive.has(&self.body.service) {
            self.is_redacted = true;
            self.raw = None;
            self.body.unmapped = None;
            if self.body.status_reason_is_sensitive {
                self.body.status_reason = None;
            }
            for detail in self.body.additional_details.iter_mut().filter(|detail| detail.is_sensitive) {
                detail.value = None;
                detail.withheld = Some(WithheldReason::Sensitive);
            }
            for change in self.body.targets.iter_mut().flat_map(|target| &mut target.modified_properties) {
                change.withhold();
            }
        }
        Some(self)
    }

    /// The id of the event.
    pub fn id(&self) -> EventId {
        EventId::of(&self.body.service, &self.body.event_key)
    }
}
