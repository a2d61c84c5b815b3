//! The intermediate result of a mapper, and its conversion to an event.
//!
//! Mappers set the fields that a record has. This module adds what every event needs: a key, a category, names that fit
//! into an index, the operation and resource types, and the unmapped values.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::source_record::JsonCursor;
use super::unmapped::{MappedValues, remainder};
use super::value::tenant_id;
use super::{RecognisedRecord, RecordFormat, UnsupportedRecord};
use model::catalogue::{Activity, kinds as kinds_of};
use model::event::{CHANGES_MAX, TARGETS_MAX};
use model::fold::{KEY_BYTES_MAX, cut, fits_key, fold, fold_activity, is_blank};
use model::input::NAME_BYTES_MAX;
use model::json::{Json, JsonNode, hash16};
use model::party::ActorKind;
use model::{
    Actor, Detail, EventBody, GroupSource, OperationType, Recording, RecordingRoute, ResourceType, Status, Target,
    Timestamp,
};

/// The fields that a mapper found in a record.
pub(super) struct EventDraft {
    pub(super) id: Option<String>,
    /// Whether the record names the id as the event's key, so that any non-blank value is accepted.
    pub(super) is_key: bool,
    pub(super) occurred_at: Timestamp,
    pub(super) activity: String,
    /// The display name of the activity, if the record has one.
    pub(super) title: Option<String>,
    pub(super) category: Option<String>,
    pub(super) service: String,
    pub(super) component: Option<String>,
    /// The source's term for the type of operation.
    pub(super) verb: Option<String>,
    /// The source's term for the type of resource.
    pub(super) resource: Option<String>,
    pub(super) group_source: Option<GroupSource>,
    pub(super) status: Status,
    pub(super) status_reason: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) actor: Actor,
    pub(super) targets: Vec<Target>,
    pub(super) details: Vec<Detail>,
    /// The source tenant in the record.
    pub(super) tenant: Option<String>,
}

impl EventDraft {
    /// Creates a draft with the required fields.
    pub(super) fn new(occurred_at: Timestamp, activity: String, service: &str) -> Self {
        Self {
            id: None,
            is_key: false,
            occurred_at,
            activity,
            title: None,
            category: None,
            service: service.to_owned(),
            component: None,
            verb: None,
            resource: None,
            group_source: None,
            status: Status::Unknown,
            status_reason: None,
            correlation_id: None,
            actor: Actor::new(ActorKind::Unknown),
            targets: Vec::new(),
            details: Vec::new(),
            tenant: None,
        }
    }

    /// Converts the draft to an event, with the unmapped values of the record.
    pub(super) fn finish(
        self,
        format: RecordFormat,
        record: &JsonCursor,
    ) -> Result<RecognisedRecord, UnsupportedRecord> {
        let activity = fit(self.activity.trim());
        if fold_activity(&activity).is_empty() {
            return Err(UnsupportedRecord("the record does not name an activity".to_owned()));
        }
        let category = named(self.category).unwrap_or_else(|| "Other".to_owned());
        let service = named(Some(self.service)).unwrap_or_else(|| "Other".to_owned());
        let target_types = self.targets.iter().filter_map(|target| target.kind.as_deref());
        let target_types = target_types.chain(self.resource.as_deref());
        let named_activity =
            Activity { service: &service, category: &category, activity: &activity, verb: self.verb.as_deref() };
        let (mut operation_type, mut resource_type) = kinds_of(named_activity, target_types);
        if is_own_format(format, record) {
            operation_type = self.verb.as_deref().and_then(OperationType::from_name).unwrap_or(operation_type);
            resource_type = self.resource.as_deref().and_then(ResourceType::from_name).unwrap_or(resource_type);
        }
        let mut actor = self.actor;
        if !self.is_key {
            actor.ip_address = actor.ip_address.map(|address| without_port(&address).to_owned());
        }
        shorten_actor(&mut actor);
        let mut targets = self.targets;
        targets.truncate(TARGETS_MAX);
        for target in &mut targets {
            target.modified_properties.truncate(CHANGES_MAX);
            let names = [&mut target.object_id, &mut target.user_principal_name, &mut target.display_name];
            names.into_iter().chain([&mut target.kind]).for_each(shorten);
        }
        let mut body = EventBody {
            event_key: self.id.and_then(|id| event_key(&id, self.is_key)).unwrap_or_else(|| key_of_record(record)),
            occurred_at: self.occurred_at,
            activity_display_name: named(self.title).unwrap_or_else(|| activity.clone()),
            activity,
            category,
            service,
            component: named(self.component),
            operation_type,
            resource_type,
            group_source: self.group_source.filter(|_| resource_type == ResourceType::Group),
            status: self.status,
            status_reason: self.status_reason,
            status_reason_is_sensitive: false,
            correlation_id: named(self.correlation_id),
            actor,
            targets,
            additional_details: self.details,
            unmapped: None,
            unmapped_is_sensitive: false,
            recording: Recording {
                route: RecordingRoute::Import,
                recorded_by: String::new(),
                issuer: None,
                client_id: None,
                source: None,
                source_tenant_id: self.tenant.and_then(|tenant| tenant_id(&tenant)),
            },
        };
        let (unmapped, unmapped_if_rekeyed) = unmapped(record, &body);
        body.unmapped = unmapped;
        Ok(RecognisedRecord {
            format,
            unmapped_if_rekeyed: unmapped_if_rekeyed.filter(|it| Some(it) != body.unmapped.as_ref()),
            body,
        })
    }
}

/// Returns the values of a record that are not in its event: under its own key, and under another one.
fn unmapped(record: &JsonCursor, body: &EventBody) -> (Option<Json>, Option<Json>) {
    let mut mapped = MappedValues::of(body);
    let unmapped = remainder(record, &mapped);
    let if_rekeyed = if mapped.remove_event_key() { remainder(record, &mapped) } else { None };
    (unmapped, if_rekeyed)
}

/// Shortens the names of an actor. A whole name is kept in the unmapped values.
fn shorten_actor(actor: &mut Actor) {
    let names = [
        &mut actor.object_id,
        &mut actor.user_principal_name,
        &mut actor.display_name,
        &mut actor.service_principal_name,
    ];
    names.into_iter().for_each(shorten);
    actor.ip_address = actor.ip_address.as_deref().map(fit);
    if let Some(application) = &mut actor.application {
        application.application_id = application.application_id.as_deref().map(fit);
        shorten(&mut application.display_name);
    }
}

/// Shortens a name of more bytes than an application may give. The end is a hash of the whole name, so that different
/// names stay different.
fn shorten(name: &mut Option<String>) {
    if let Some(long) = name.as_deref().filter(|name| name.len() > NAME_BYTES_MAX) {
        let end = format!("… sha256:{}", hex::encode(hash16(long.as_bytes())));
        *name = Some(format!("{}{end}", cut(long, NAME_BYTES_MAX - end.len())));
    }
}

/// Returns an IP address without its port and brackets. Other strings are returned unchanged.
fn without_port(address: &str) -> &str {
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let trimmed = address.trim();
    if let Some((inner, rest)) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_end = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        let without_zone = inner.split('%').next().unwrap_or_default();
        return if is_end && without_zone.parse::<Ipv6Addr>().is_ok() { inner } else { address };
    }
    match trimmed.rsplit_once(':') {
        Some((inner, port)) if is_port(port) && inner.parse::<Ipv4Addr>().is_ok() => inner,
        _ => address,
    }
}

/// Whether the record is an event in the format of this API. Its operation type and resource type are values of the API's
/// enums; those of other records are words that may mean something else.
fn is_own_format(format: RecordFormat, record: &JsonCursor) -> bool {
    match format {
        RecordFormat::Generic => record.has("eventKey") || record.has("occurredAt"),
        RecordFormat::CloudEvent => record.find("data").is_some_and(|data| data.has("actor") || data.has("status")),
        _ => false,
    }
}

/// Shortens a name to fit into an index. Returns `None` if it is blank.
fn named(name: Option<String>) -> Option<String> {
    let name = name.filter(|name| !is_blank(name))?;
    Some(if fits_key(&name) { name } else { fit(&name) }).filter(|name| !is_blank(name))
}

/// Truncates a string to the maximum length of an index key.
pub(super) fn fit(string: &str) -> String {
    if fits_key(string) {
        return string.to_owned();
    }
    let mut short = cut(string.trim(), KEY_BYTES_MAX);
    while fold(short).len() > KEY_BYTES_MAX {
        short = cut(short, short.len() - 1);
    }
    short.to_owned()
}

/// Returns the event key for an id. A string without digits, such as `id`, is not accepted as an identifier.
fn event_key(id: &str, is_key: bool) -> Option<String> {
    if !fits_key(id) {
        return Some(format!("sha256:{}", hex::encode(hash16(id.as_bytes()))));
    }
    let is_id = id.chars().any(|c| c.is_ascii_digit()) || (is_key && !is_blank(id));
    is_id.then(|| id.to_owned())
}

/// Returns the key for a record without an id: a hash that does not depend on the order of its members.
fn key_of_record(record: &JsonCursor) -> String {
    format!("sha256:{}", hex::encode(with_duplicates_listed(record.node()).to_json().equality_hash()))
}

/// Combines the values of duplicate members into a list, because JSON equality only compares the last of them.
fn with_duplicates_listed(node: JsonNode) -> JsonNode {
    match node {
        JsonNode::Object(members) => {
            let mut by_key: std::collections::BTreeMap<String, Vec<JsonNode>> = std::collections::BTreeMap::new();
            for (key, value) in members {
                by_key.entry(key).or_default().push(with_duplicates_listed(value));
            }
            JsonNode::Object(by_key.into_iter().map(|(key, values)| (key, single(values))).collect())
        }
        JsonNode::Array(elements) => JsonNode::Array(elements.into_iter().map(with_duplicates_listed).collect()),
        scalar @ JsonNode::Scalar(_) => scalar,
    }
}

fn single(mut values: Vec<JsonNode>) -> JsonNode {
    match values.pop() {
        Some(value) if values.is_empty() => value,
        last => JsonNode::Array(values.into_iter().chain(last).collect()),
    }
}
