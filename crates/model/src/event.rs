//! An event: its validation before it is recorded, its id, and an event as read from the log.
//!
//! The stored body is the event; all columns and side tables are indexes over it. Its fields are defined in
//! [`super::fields`]. Every event is validated by [`NewEvent::parse`] before it is recorded, by whichever route.

use std::borrow::Cow;

use super::fold::{KEY_BYTES_MAX, bounded_key, fold, fold_activity};
use super::json::{Json, hash16, hash16_of_parts};
use super::party::{RedactionReason, Target};
use super::same_event::Comparison;
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
/// The most bytes of a recorder's folded subject. OpenID Connect allows subjects of 255 characters.
const RECORDER_BYTES_MAX: usize = 1_024;
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
        /// The issuer of the recorder's token, which vouches for `recorded_by`.
        issuer: optional String,
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
        self.value.as_ref()?.as_str().map(Cow::into_owned)
    }
}

impl Recording {
    /// The provenance in hashes, which do not depend on the recorder.
    pub(super) fn neutral() -> Self {
        Self {
            route: RecordingRoute::Internal,
            recorded_by: String::new(),
            issuer: None,
            client_id: None,
            source: None,
            source_tenant_id: None,
        }
    }
}

impl EventBody {
    /// A hash of all fields except the provenance. An event that cannot be serialised is rejected when it is parsed.
    pub(super) fn statement_hash(&self) -> [u8; 16] {
        BodyJson::of(self).statement_hash()
    }
}

/// The JSON of a body, whose last member is the provenance.
pub(super) struct BodyJson {
    json: String,
    /// The number of bytes before the provenance.
    statement_length: usize,
}

impl BodyJson {
    /// Serialises a body. The JSON is empty if this fails.
    pub(super) fn of(body: &EventBody) -> Self {
        let json = serde_json::to_string(body).unwrap_or_default();
        let recording = serde_json::to_string(&body.recording).unwrap_or_default();
        let statement_length =
            json.strip_suffix('}').and_then(|json| json.strip_suffix(&*recording)).unwrap_or_default();
        Self { statement_length: statement_length.len(), json }
    }

    /// A hash of the statement, as if it had a neutral provenance.
    pub(super) fn statement_hash(&self) -> [u8; 16] {
        let neutral = serde_json::to_string(&Recording::neutral()).unwrap_or_default();
        hash16_of_parts([&self.json[..self.statement_length], &neutral, "}"])
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
    input_hash: [u8; 16],
    comparison: Comparison,
    /// What replaces `unmapped` if the event gets another key. `None` if it stays the same.
    unmapped_if_rekeyed: Option<Json>,
}

impl NewEvent {
    /// Validates an event at the time `now` and marks its sensitive values.
    ///
    /// # Errors
    ///
    /// All problems of the event.
    pub fn parse(body: EventBody, now: Timestamp, rules: &SensitiveNames) -> Result<Self, Vec<Problem>> {
        Self::parse_with_input_hash(body, None, now, rules)
    }

    /// Validates an event, as [`Self::parse`] does, that was made from an input with this hash. `None` stands for the
    /// hash of the event itself.
    ///
    /// # Errors
    ///
    /// All problems of the event.
    pub fn parse_with_input_hash(
        mut body: EventBody,
        input_hash: Option<[u8; 16]>,
        now: Timestamp,
        rules: &SensitiveNames,
    ) -> Result<Self, Vec<Problem>> {
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
        let mut body_json = BodyJson::of(&body);
        let input_hash = input_hash.unwrap_or_else(|| body_json.statement_hash());
        if body.mark_sensitive(rules) {
            body_json = BodyJson::of(&body);
        }
        let json = body_json.json;
        if json.is_empty() || json.len() > BODY_BYTES_MAX {
            let rule = format!("the whole event may have at most {BODY_BYTES_MAX} bytes");
            problems.push(Problem::new("event", ProblemCode::TooLong, rule));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // Records of other systems have a source.
        let comparison = if body.recording.source.is_none() { Comparison::Whole } else { Comparison::Common };
        Ok(Self { body, json, input_hash, comparison, unmapped_if_rekeyed: None })
    }

    /// Sets how the event is compared with the one under its key. By default, events of this API are compared as a whole,
    /// and records of other systems by what both have.
    #[must_use]
    pub fn with_comparison(self, comparison: Comparison) -> Self {
        Self { comparison, ..self }
    }

    /// Reads an event from the log, without validating it again.
    pub fn stored(json: String) -> Result<Self, serde_json::Error> {
        let body: EventBody = serde_json::from_str(&json)?;
        let input_hash = body.statement_hash();
        Ok(Self { input_hash, body, json, comparison: Comparison::Common, unmapped_if_rekeyed: None })
    }

    /// Whether the JSON is exactly what the body serialises to: without unknown members, in the order of the fields.
    pub fn is_canonical(&self) -> bool {
        serde_json::to_string(&self.body).is_ok_and(|json| json == self.json)
    }

    /// Sets what replaces `unmapped` if the event is recorded under another key than the id of its record.
    #[must_use]
    pub fn with_unmapped_if_rekeyed(self, unmapped: Option<Json>) -> Self {
        Self { unmapped_if_rekeyed: unmapped, ..self }
    }

    /// Returns the event under a key that includes its activity. A source that uses one id for several activities has one
    /// event for each.
    ///
    /// # Errors
    ///
    /// All problems of the event.
    pub fn keyed_by_activity(&self, rules: &SensitiveNames) -> Result<Self, Vec<Problem>> {
        let mut body = self.body.clone();
        body.event_key = bounded_key(format!("{}#{}", body.event_key, fold_activity(&body.activity)));
        if let Some(unmapped) = &self.unmapped_if_rekeyed {
            body.unmapped = Some(unmapped.clone());
        }
        // The time was checked when the event was parsed.
        let now = body.occurred_at;
        Ok(Self::parse(body, now, rules)?.with_comparison(self.comparison))
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

    /// A hash of the event as its recorder gave it, before defaults and marks. Two events with the same hash are the
    /// same.
    pub fn input_hash(&self) -> [u8; 16] {
        self.input_hash
    }

    /// How the event is compared with another one under its key.
    pub fn comparison(&self) -> Comparison {
        self.comparison
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
    let is_shown_as_key = body.activity_display_name == body.activity;
    body.for_each_key(|path, key, fold, required| {
        if path != "activityDisplayName" || !is_shown_as_key {
            check_key(|| path.to_owned(), key, fold, required, problems);
        }
    });
    let application_id = body.actor.application_id().unwrap_or_default();
    check_key(|| "actor.application.applicationId".to_owned(), application_id, fold, false, problems);
    let ip_address = body.actor.ip_address.as_deref().unwrap_or_default();
    check_key(|| "actor.ipAddress".to_owned(), ip_address, fold, false, problems);
    for (i, target) in body.targets.iter().enumerate() {
        for (j, change) in target.modified_properties.iter().enumerate() {
            let path = || format!("targets.{i}.modifiedProperties.{j}.name");
            check_key(path, &change.name, fold, true, problems);
        }
    }
    let recorder = &body.recording.recorded_by;
    let is_short = recorder.is_ascii() && recorder.len() <= RECORDER_BYTES_MAX;
    if !is_short && fold(recorder).len() > RECORDER_BYTES_MAX {
        let rule = format!("the recorder's subject may have at most {RECORDER_BYTES_MAX} bytes in its folded form");
        problems.push(Problem::new("recording.recordedBy", ProblemCode::TooLong, rule));
    }
    // A service that differs from the reserved one only in punctuation or case is refused as well.
    let service = fold(&body.service);
    let is_reserved = service.chars().filter(|c| c.is_alphanumeric()).eq(RESERVED_SERVICE.chars());
    if is_reserved && body.recording.route != RecordingRoute::Internal {
        let rule = "`auditgraph` is reserved for this service's own events";
        problems.push(Problem::new("service", ProblemCode::NotPermitted, rule));
    }
}

/// Validates a string that becomes a key in its folded form.
fn check_key(
    path: impl Fn() -> String,
    key: &str,
    fold: fn(&str) -> String,
    required: bool,
    problems: &mut Vec<Problem>,
) {
    // Such a key is neither empty nor too long, however it is folded.
    if key.len() <= KEY_BYTES_MAX && key.is_ascii() && key.bytes().all(|byte| byte != 0) && key.ends_with(is_letter) {
        return;
    }
    let folded = fold(key);
    if required && folded.is_empty() {
        problems.push(Problem::new(&path(), ProblemCode::Invalid, "must not be empty"));
    }
    if folded.len() > KEY_BYTES_MAX {
        let rule = format!("may have at most {KEY_BYTES_MAX} bytes in its folded form");
        problems.push(Problem::new(&path(), ProblemCode::TooLong, rule));
    }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric()
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
