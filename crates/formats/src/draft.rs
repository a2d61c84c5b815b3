//! An event as a mapper found it, and how it becomes a storable event.
//!
//! Mappers fill in what a record says. What every event needs in addition is decided here, once: a key, a category,
//! names that fit into an index, the kinds that follow from the names, and what remains unmapped.

use super::original::{Part, is_absent};
use super::unmapped::{Shown, remainder};
use super::{Recognised, Shape, UnsupportedRecord};
use model::classification::{operation_type, resource_type};
use model::event::{CHANGES_MAX, TARGETS_MAX};
use model::fold::{KEY_BYTES_MAX, cut, fold, fold_activity};
use model::json::{JsonNode, hash16};
use model::party::ActorKind;
use model::{
    Actor, Detail, EventBody, GroupSource, OperationType, Recording, RecordingRoute, ResourceType, Status, Target,
    Timestamp,
};

/// What a mapper found in a record.
pub(super) struct Draft {
    pub(super) id: Option<String>,
    /// Whether the id was given as the event's key, and so is one whatever it looks like.
    pub(super) is_key: bool,
    pub(super) occurred_at: Timestamp,
    pub(super) activity: String,
    /// The activity as shown to people, if the record has a name for that.
    pub(super) title: Option<String>,
    pub(super) category: Option<String>,
    pub(super) service: String,
    pub(super) component: Option<String>,
    /// The kind of operation in the source's word.
    pub(super) verb: Option<String>,
    /// The type of resource, where the source has a word for that.
    pub(super) resource: Option<String>,
    pub(super) group_source: Option<GroupSource>,
    pub(super) status: Status,
    pub(super) status_reason: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) actor: Actor,
    pub(super) targets: Vec<Target>,
    pub(super) details: Vec<Detail>,
    /// The tenant that the record names.
    pub(super) tenant: Option<String>,
}

impl Draft {
    /// An event of which only the least is known.
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

    /// The event, with what of the record it does not show.
    pub(super) fn finish(self, shape: Shape, record: &Part) -> Result<Recognised, UnsupportedRecord> {
        let activity = fit(self.activity.trim());
        if fold_activity(&activity).is_empty() {
            return Err(UnsupportedRecord("the record does not name an activity".to_owned()));
        }
        let category = named(self.category).unwrap_or_else(|| "Other".to_owned());
        let kinds = self.targets.iter().filter_map(|target| target.kind.as_deref());
        let resource_type = self
            .resource
            .and_then(|word| ResourceType::from_name(&word.to_ascii_uppercase()))
            .unwrap_or_else(|| resource_type(&category, &activity, kinds));
        let operation_type = self
            .verb
            .as_deref()
            .and_then(|word| OperationType::from_name(&word.to_ascii_uppercase()))
            .unwrap_or_else(|| operation_type(self.verb.as_deref(), &activity));
        let mut actor = self.actor;
        if let Some(application) = &mut actor.application {
            application.application_id = application.application_id.as_deref().map(fit);
        }
        let mut targets = self.targets;
        targets.truncate(TARGETS_MAX);
        for target in &mut targets {
            target.modified_properties.truncate(CHANGES_MAX);
        }
        let mut body = EventBody {
            event_key: self.id.and_then(|id| event_key(&id, self.is_key)).unwrap_or_else(|| key_of_record(record)),
            occurred_at: self.occurred_at,
            activity_display_name: named(self.title).unwrap_or_else(|| activity.clone()),
            activity,
            category,
            service: named(Some(self.service)).unwrap_or_else(|| "Other".to_owned()),
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
                client_id: None,
                source: None,
                source_tenant_id: self.tenant.and_then(|tenant| tenant_id(&tenant)),
            },
        };
        let mut shown = Shown::of(&body);
        body.unmapped = remainder(record, &shown).map(|node| node.to_json());
        shown.forget(&body.event_key);
        let unmapped_if_rekeyed = remainder(record, &shown).map(|node| node.to_json());
        Ok(Recognised {
            shape,
            unmapped_if_rekeyed: unmapped_if_rekeyed.filter(|it| Some(it) != body.unmapped.as_ref()),
            body,
        })
    }
}

/// A name that fits into an index, if there is anything to it.
fn named(name: Option<String>) -> Option<String> {
    name.map(|name| fit(&name)).filter(|name| !fold(name).is_empty())
}

/// The text, or as much of it as may become a key.
pub(super) fn fit(text: &str) -> String {
    if fold(text).len() <= KEY_BYTES_MAX {
        return text.to_owned();
    }
    let mut short = cut(text.trim(), KEY_BYTES_MAX);
    while fold(short).len() > KEY_BYTES_MAX {
        short = cut(short, short.len() - 1);
    }
    short.to_owned()
}

/// The key that an id makes. A text without any digit, such as `id`, identifies nothing.
fn event_key(id: &str, is_key: bool) -> Option<String> {
    if fold(id).len() > KEY_BYTES_MAX {
        return Some(format!("sha256:{}", hex(hash16(id.as_bytes()))));
    }
    let is_id = id.chars().any(|c| c.is_ascii_digit()) || (is_key && !fold(id).is_empty());
    is_id.then(|| id.to_owned())
}

/// The key of a record that has none: the same for the same record, whatever the order of its members.
fn key_of_record(record: &Part) -> String {
    format!("sha256:{}", hex(with_repeats_listed(record.node()).to_json().equality_hash()))
}

/// The record with the values of repeated members put in a list, as equality as JSON sees only the last of them.
fn with_repeats_listed(node: JsonNode) -> JsonNode {
    match node {
        JsonNode::Object(members) => {
            let mut by_key: std::collections::BTreeMap<String, Vec<JsonNode>> = std::collections::BTreeMap::new();
            for (key, value) in members {
                by_key.entry(key).or_default().push(with_repeats_listed(value));
            }
            JsonNode::Object(by_key.into_iter().map(|(key, values)| (key, single(values))).collect())
        }
        JsonNode::Array(elements) => JsonNode::Array(elements.into_iter().map(with_repeats_listed).collect()),
        scalar @ JsonNode::Scalar(_) => scalar,
    }
}

fn single(mut values: Vec<JsonNode>) -> JsonNode {
    match values.pop() {
        Some(value) if values.is_empty() => value,
        last => JsonNode::Array(values.into_iter().chain(last).collect()),
    }
}

fn hex(bytes: [u8; 16]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A tenant's id in one spelling; what publishers put in its place is none.
fn tenant_id(text: &str) -> Option<String> {
    let id = text.trim().to_lowercase();
    let is_masked = id.chars().filter(|c| c.is_alphanumeric()).all(|c| matches!(c, '0' | 'x'))
        || ["anonymized", "redacted", "masked", "scrubbed"].contains(&id.as_str());
    (!is_masked && !is_absent(&id)).then_some(id)
}
