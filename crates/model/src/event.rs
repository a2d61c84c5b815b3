//! An event: its validation before it is recorded, its id, and an event as read from the log.
//!
//! The stored body is the event; all columns and side tables are indexes over it. Its fields are defined in
//! [`super::fields`]. Every event is validated by [`NewEvent::parse`] before it is recorded, by whichever route.

use std::borrow::Cow;

use super::fold::{KEY_BYTES_MAX, fold, fold_activity};
use super::json::{Json, hash16};
use super::party::{RedactionReason, Target};
use super::sensitive::SensitiveNames;
use super::stored::stored_object;
use super::time::{HOUR, Timestamp};
use super::{EventBody, Invalid, ResourceType, wire_enum};

/// The service whose events this server records itself.
pub const RESERVED_SERVICE: &str = "auditgraph";
/// The most bytes of a stored body.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// The most targets of an event. The limit of the API, [`super::input::TARGETS_MAX`], is lower.
pub const TARGETS_MAX: usize = 2_000;
/// The most changed properties of a target. The limit of the API, [`super::input::CHANGES_MAX`], is lower.
pub const CHANGES_MAX: usize = 5_000;
/// How far after the server's clock an event may have happened, in microseconds.
const AHEAD_MAX: i64 = 24 * HOUR;

wire_enum! {
    /// How an event was recorded.
    RecordingRoute {
        /// By the mutation `recordAuditEvents`.
        GraphQl = "GRAPHQL",
        /// By `POST /v1/events`.
        Rest = "REST",
        /// Imported from a file.
        Import = "IMPORT",
        /// By this service itself.
        Internal = "INTERNAL",
    }
}

stored_object! {
    /// The provenance of an event: `actor` is what the recorder claims, this is the recorder itself.
    Recording / RecordingView {
        /// How the event was recorded.
        route: required RecordingRoute,
        /// The subject of the recorder's token, or the operator's account for an import.
        recorded_by: required String,
        /// The client application of the recorder's token.
        client_id: optional String,
        /// The source of an imported record: its format and file name.
        source: optional String,
        /// The tenant that an imported record itself names.
        source_tenant_id: optional String,
    }
}

stored_object! {
    /// A further detail of an event.
    Detail / DetailView {
        /// The name of the detail. Keys may repeat.
        key: required String,
        /// Its value, any JSON value.
        value: json Json,
        /// Whether the value is shown only to callers who may see sensitive values.
        is_sensitive: flag bool,
        /// Why the value was removed for this caller; `None` if it was not.
        redaction: unstored RedactionReason,
    }
}

impl Detail {
    /// A detail whose value is a string, and which is not marked as sensitive.
    pub fn new(key: impl Into<String>, value: Option<String>) -> Self {
        Self::json(key, value.map(|value| Json::string(&value)))
    }

    /// A detail that is not marked as sensitive.
    pub fn json(key: impl Into<String>, value: Option<Json>) -> Self {
        Self { key: key.into(), value, is_sensitive: false, redaction: None }
    }

    /// The value if it is a string.
    pub fn string(&self) -> Option<String> {
        self.value.as_ref()?.node().as_str().map(Cow::into_owned)
    }
}

impl EventBody {
    /// Marks the values that the rules cover. Values that the recorder marked stay marked.
    fn mark_sensitive(&mut self, rules: &SensitiveNames) {
        for detail in &mut self.additional_details {
            let covered = rules.covers(&detail.key)
                || detail.string().is_some_and(|value| rules.covers_inside_text(&value))
                || detail.value.as_ref().is_some_and(|value| rules.covers_inside_text(value.text()));
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

/// The kind of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCode {
    /// The value is not valid.
    Invalid,
    /// The value is too long, or the list has too many elements.
    TooLong,
    /// The time is outside the range that the log accepts.
    OutOfRange,
    /// The caller may not record events of this service.
    NotPermitted,
}

/// A reason why an event cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the invalid part: field names and list indices, starting at the event.
    pub path: Vec<String>,
    /// The kind of problem; stable.
    pub code: ProblemCode,
    /// The rule that the part breaks, for developers.
    pub message: String,
}

impl Problem {
    /// A problem at a dotted path.
    pub fn new(path: &str, code: ProblemCode, message: impl Into<String>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), code, message: message.into() }
    }
}

/// A validated event that can be recorded, with its sensitive values marked.
#[derive(Clone, Debug)]
pub struct NewEvent {
    body: EventBody,
    json: String,
}

impl NewEvent {
    /// Validates an event at the time `now` and marks its sensitive values.
    ///
    /// # Errors
    ///
    /// All problems of the event.
    pub fn parse(mut body: EventBody, now: Timestamp, rules: &SensitiveNames) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        check_keys(&body, &mut problems);
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

    /// Reads an event from the log, without validating it again.
    pub fn stored(json: String) -> Result<Self, serde_json::Error> {
        Ok(Self { body: serde_json::from_str(&json)?, json })
    }

    /// The body of the event.
    pub fn body(&self) -> &EventBody {
        &self.body
    }

    /// The body as stored.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The id of the event.
    pub fn id(&self) -> EventId {
        EventId::of(&self.body.service, &self.body.event_key)
    }

    /// A hash of the parts on which two copies of one event agree, whatever route recorded each of them.
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

/// Validates the strings that become keys of an index: required ones are not empty, and all are short enough.
fn check_keys(body: &EventBody, problems: &mut Vec<Problem>) {
    let mut check = |path: &str, folded: String, required: bool| {
        if required && folded.is_empty() {
            problems.push(Problem::new(path, ProblemCode::Invalid, "must not be empty"));
        }
        if folded.len() > KEY_BYTES_MAX {
            let rule = format!("may have at most {KEY_BYTES_MAX} bytes in its folded form");
            problems.push(Problem::new(path, ProblemCode::TooLong, rule));
        }
    };
    let is_shown_as_key = body.activity_display_name == body.activity;
    body.for_each_key(|path, folded, required| {
        if path != "activityDisplayName" || !is_shown_as_key {
            check(path, folded, required);
        }
    });
    check("actor.application.applicationId", body.actor.application_id().map(fold).unwrap_or_default(), false);
    for (i, target) in body.targets.iter().enumerate() {
        for (j, change) in target.modified_properties.iter().enumerate() {
            check(&format!("targets.{i}.modifiedProperties.{j}.name"), fold(&change.name), true);
        }
    }
    // A service that differs from the reserved one only in punctuation or case is refused as well.
    let letters: String = fold(&body.service).chars().filter(|c| c.is_alphanumeric()).collect();
    if letters == RESERVED_SERVICE && body.recording.route != RecordingRoute::Internal {
        let rule = "`auditgraph` is reserved for this service's own events";
        problems.push(Problem::new("service", ProblemCode::NotPermitted, rule));
    }
}

/// Validates the number of targets and changes.
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

/// The permanent id of an event: a hash of its service and key, and so the same in every copy of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

/// The first byte of a global id: the type of object and the version of the format.
const EVENT_ID_VERSION: u8 = 1;

impl EventId {
    /// The id of the event that a service recorded under a key.
    pub fn of(service: &str, event_key: &str) -> Self {
        Self(hash16(format!("{}\0{event_key}", fold(service)).as_bytes()))
    }

    /// Encodes the id as the global id of the API.
    pub fn to_global(self) -> String {
        use base64::Engine as _;
        let mut bytes = vec![EVENT_ID_VERSION];
        bytes.extend(self.0);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a global id.
    ///
    /// # Errors
    ///
    /// Fails if `id` was not encoded by [`Self::to_global`].
    pub fn parse(id: &str) -> Result<Self, Invalid> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap_or_default();
        match bytes.split_first() {
            Some((&EVENT_ID_VERSION, hash)) => hash.try_into().ok().map(Self),
            _ => None,
        }
        .ok_or_else(|| Invalid::new("`id` must be a global id that this service returned"))
    }
}

/// A recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The position in the tenant's log.
    pub sequence: i64,
    /// When the event was recorded.
    pub recorded_at: Timestamp,
    /// The body, without the parts that the caller may not see.
    pub body: EventBody,
    /// The body as stored, or `None` if any part of it is withheld.
    pub raw: Option<Json>,
    /// Whether any part of the event is withheld.
    pub is_redacted: bool,
}

impl Event {
    /// The id of the event.
    pub fn id(&self) -> EventId {
        EventId::of(&self.body.service, &self.body.event_key)
    }
}
