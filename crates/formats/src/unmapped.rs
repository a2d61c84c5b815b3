//! Computes the values of a record that are not in its event, at their original positions.
//!
//! This pass, not the mappers, guarantees that no data is lost. A scalar is omitted only if a mapper took it *and* the
//! event contains an equal value; everything that a mapper skipped, changed or misread is kept. Known members that are
//! null or empty carry no information and are omitted.

use std::collections::HashSet;

use super::source_record::{CursorValue, JsonCursor, embedded_json};
use model::json::{Json, JsonNode};
use model::{Actor, ActorKind, EventBody, GroupSource};

/// The values of an event.
#[derive(Default)]
pub(super) struct MappedValues {
    strings: HashSet<String>,
    /// Numbers and booleans, as written.
    literals: HashSet<Box<str>>,
    /// The values of property changes, as compact JSON.
    values: HashSet<String>,
}

impl MappedValues {
    /// Collects the values that a response with this event contains.
    pub(super) fn of(body: &EventBody) -> Self {
        let mut mapped = Self::default();
        mapped.strings.insert(body.occurred_at.to_string());
        let fields = [&body.event_key, &body.activity, &body.activity_display_name, &body.category, &body.service];
        mapped.add(fields.map(Some));
        mapped.add([
            body.component.as_ref(),
            body.status_reason.as_ref(),
            body.correlation_id.as_ref(),
            body.recording.source_tenant_id.as_ref(),
        ]);
        let names = [body.operation_type.name(), body.resource_type.name(), body.status.name(), body.actor.kind.name()];
        mapped.strings.extend(names.into_iter().chain(body.group_source.map(GroupSource::name)).map(str::to_owned));
        mapped.add_actor(&body.actor);
        for target in &body.targets {
            let target_strings = [&target.object_id, &target.user_principal_name, &target.display_name, &target.kind];
            mapped.add(target_strings.map(Option::as_ref));
            for change in &target.modified_properties {
                mapped.strings.insert(change.name.clone());
                [&change.old_value, &change.new_value].into_iter().flatten().for_each(|value| mapped.add_value(value));
            }
        }
        for detail in &body.additional_details {
            mapped.add([Some(&detail.key)]);
            detail.value.iter().for_each(|value| mapped.add_value(value));
        }
        mapped
    }

    /// Removes the event's key. [`remainder`] then returns the values that are not mapped if the event gets another key.
    pub(super) fn remove_event_key(&mut self, event_key: &str) {
        self.strings.remove(event_key);
    }

    /// Adds the fields that responses contain for this kind of actor.
    fn add_actor(&mut self, actor: &Actor) {
        if let Some(application) = &actor.application {
            self.add([application.application_id.as_ref(), application.display_name.as_ref()]);
        }
        self.add([actor.ip_address.as_ref(), actor.user_agent.as_ref()]);
        match actor.kind {
            ActorKind::User => {
                let user = [&actor.object_id, &actor.user_principal_name, &actor.display_name];
                self.add(user.map(Option::as_ref));
                self.strings.extend(actor.permissions.iter().cloned());
            }
            ActorKind::Application => self.add([actor.object_id.as_ref(), actor.service_principal_name.as_ref()]),
            ActorKind::System | ActorKind::Unknown => {
                self.strings.insert(actor.name().to_owned());
            }
        }
    }

    fn add<const N: usize>(&mut self, strings: [Option<&String>; N]) {
        self.strings.extend(strings.into_iter().flatten().cloned());
    }

    fn add_value(&mut self, value: &Json) {
        self.values.insert(value.text().to_owned());
        self.add_scalars(&value.node());
    }

    fn add_scalars(&mut self, node: &JsonNode) {
        match (node, node.as_str()) {
            (_, Some(text)) => {
                self.strings.insert(text.into_owned());
            }
            (JsonNode::Scalar(raw), None) => {
                self.literals.insert(raw.clone());
            }
            (JsonNode::Array(elements), None) => elements.iter().for_each(|element| self.add_scalars(element)),
            (JsonNode::Object(members), None) => members.iter().for_each(|(_, member)| self.add_scalars(member)),
        }
    }

    /// Whether the event contains an equal scalar, or the JSON in a string.
    fn has(&self, scalar: &JsonNode) -> bool {
        let Some(text) = scalar.as_str() else {
            return matches!(scalar, JsonNode::Scalar(raw) if self.literals.contains(raw));
        };
        self.strings.contains(&*text) || self.has_embedded(&text)
    }

    fn has_embedded(&self, text: &str) -> bool {
        let Some(node) = JsonNode::parse(text) else { return false };
        let is_mapped = match node.as_str() {
            Some(text) => embedded_json(&text).is_some_and(|embedded| self.values.contains(embedded.to_json().text())),
            None => false,
        };
        is_mapped || self.values.contains(node.to_json().text())
    }
}

/// Returns the values of a record that the event does not contain, or `None` if there are none.
pub(super) fn remainder(cursor: &JsonCursor, mapped: &MappedValues) -> Option<JsonNode> {
    match &cursor.value {
        CursorValue::Object(members) if !members.is_empty() => {
            let kept: Vec<(String, JsonNode)> =
                members.iter().filter_map(|(key, cursor)| Some((key.clone(), remainder(cursor, mapped)?))).collect();
            (!kept.is_empty()).then_some(JsonNode::Object(kept))
        }
        CursorValue::Array(elements) if !elements.is_empty() => {
            let mut kept: Vec<Option<JsonNode>> = elements.iter().map(|element| remainder(element, mapped)).collect();
            let length = kept.iter().rposition(Option::is_some)? + 1;
            kept.truncate(length);
            Some(JsonNode::Array(
                kept.into_iter().map(|node| node.unwrap_or(JsonNode::Scalar("null".into()))).collect(),
            ))
        }
        CursorValue::Object(_) | CursorValue::Array(_) => (!cursor.is_known()).then(|| cursor.node()),
        CursorValue::Scalar { raw, .. } => {
            let is_covered = if raw.is_null() {
                cursor.is_known()
            } else {
                (cursor.is_taken() && mapped.has(raw))
                    || cursor
                        .embedded_if_read()
                        .is_some_and(|embedded| contains_scalar(embedded) && remainder(embedded, mapped).is_none())
            };
            (!is_covered).then(|| raw.clone())
        }
    }
}

fn contains_scalar(cursor: &JsonCursor) -> bool {
    match &cursor.value {
        CursorValue::Object(members) => members.iter().any(|(_, cursor)| contains_scalar(cursor)),
        CursorValue::Array(elements) => elements.iter().any(contains_scalar),
        CursorValue::Scalar { .. } => true,
    }
}
