//! The parts of a record that its event does not show, kept at their places.
//!
//! This pass, not the mappers, is what keeps the promise that nothing of an original is lost. A scalar is left out
//! only if a mapper took it *and* the event shows an equal one; whatever a mapper skipped, changed or got wrong
//! stays. Known members that are null or empty say nothing and are left out.

use std::collections::HashSet;

use super::original::{Part, Value, held_json};
use model::json::{Json, JsonNode};
use model::{Actor, ActorKind, EventBody, GroupSource};

/// What an event shows.
#[derive(Default)]
pub(super) struct Shown {
    /// Texts.
    texts: HashSet<String>,
    /// Numbers and booleans, as written.
    words: HashSet<Box<str>>,
    /// Whole values of changes, as compact JSON.
    values: HashSet<String>,
}

impl Shown {
    /// What the answer to a query for this event holds.
    pub(super) fn of(body: &EventBody) -> Self {
        let mut shown = Self::default();
        shown.texts.insert(body.occurred_at.to_string());
        let fields = [&body.event_key, &body.activity, &body.activity_display_name, &body.category, &body.service];
        shown.add(fields.map(Some));
        shown.add([
            body.component.as_ref(),
            body.status_reason.as_ref(),
            body.correlation_id.as_ref(),
            body.recording.source_tenant_id.as_ref(),
        ]);
        let names = [body.operation_type.name(), body.resource_type.name(), body.status.name(), body.actor.kind.name()];
        shown.texts.extend(names.into_iter().chain(body.group_source.map(GroupSource::name)).map(str::to_owned));
        shown.add_actor(&body.actor);
        for target in &body.targets {
            let target_texts = [&target.object_id, &target.user_principal_name, &target.display_name, &target.kind];
            shown.add(target_texts.map(Option::as_ref));
            for change in &target.modified_properties {
                shown.texts.insert(change.name.clone());
                [&change.old_value, &change.new_value].into_iter().flatten().for_each(|value| shown.add_value(value));
            }
        }
        for detail in &body.additional_details {
            shown.add([Some(&detail.key), detail.value.as_ref()]);
        }
        shown
    }

    /// Leaves out the event's key, as if it were another.
    pub(super) fn forget(&mut self, event_key: &str) {
        self.texts.remove(event_key);
    }

    /// Each kind of actor shows other fields.
    fn add_actor(&mut self, actor: &Actor) {
        if let Some(application) = &actor.application {
            self.add([application.application_id.as_ref(), application.display_name.as_ref()]);
        }
        self.add([actor.ip_address.as_ref(), actor.user_agent.as_ref()]);
        match actor.kind {
            ActorKind::User => {
                let user = [&actor.object_id, &actor.user_principal_name, &actor.display_name];
                self.add(user.map(Option::as_ref));
                self.texts.extend(actor.permissions.iter().cloned());
            }
            ActorKind::Application => self.add([actor.object_id.as_ref(), actor.service_principal_name.as_ref()]),
            ActorKind::System | ActorKind::Unknown => {
                self.texts.insert(actor.name().to_owned());
            }
        }
    }

    fn add<const N: usize>(&mut self, texts: [Option<&String>; N]) {
        self.texts.extend(texts.into_iter().flatten().cloned());
    }

    fn add_value(&mut self, value: &Json) {
        self.values.insert(value.text().to_owned());
        self.add_scalars(&value.node());
    }

    fn add_scalars(&mut self, node: &JsonNode) {
        match (node, node.as_str()) {
            (_, Some(text)) => {
                self.texts.insert(text.into_owned());
            }
            (JsonNode::Scalar(raw), None) => {
                self.words.insert(raw.clone());
            }
            (JsonNode::Array(elements), None) => elements.iter().for_each(|element| self.add_scalars(element)),
            (JsonNode::Object(members), None) => members.iter().for_each(|(_, member)| self.add_scalars(member)),
        }
    }

    /// Whether an equal scalar is shown, or the JSON that a string holds.
    fn has(&self, scalar: &JsonNode) -> bool {
        let Some(text) = scalar.as_str() else {
            return matches!(scalar, JsonNode::Scalar(raw) if self.words.contains(raw));
        };
        self.texts.contains(&*text) || self.has_held(&text)
    }

    fn has_held(&self, text: &str) -> bool {
        let Some(node) = JsonNode::parse(text) else { return false };
        let is_shown = match node.as_str() {
            Some(text) => held_json(&text).is_some_and(|held| self.values.contains(held.to_json().text())),
            None => false,
        };
        is_shown || self.values.contains(node.to_json().text())
    }
}

/// What remains of a record once what is shown has been left out.
pub(super) fn remainder(part: &Part, shown: &Shown) -> Option<JsonNode> {
    match &part.value {
        Value::Object(members) if !members.is_empty() => {
            let kept: Vec<(String, JsonNode)> =
                members.iter().filter_map(|(key, part)| Some((key.clone(), remainder(part, shown)?))).collect();
            (!kept.is_empty()).then_some(JsonNode::Object(kept))
        }
        Value::Array(elements) if !elements.is_empty() => {
            let mut kept: Vec<Option<JsonNode>> = elements.iter().map(|element| remainder(element, shown)).collect();
            let length = kept.iter().rposition(Option::is_some)? + 1;
            kept.truncate(length);
            Some(JsonNode::Array(
                kept.into_iter().map(|node| node.unwrap_or(JsonNode::Scalar("null".into()))).collect(),
            ))
        }
        Value::Object(_) | Value::Array(_) => (!part.is_known()).then(|| part.node()),
        Value::Scalar { raw, .. } => {
            let is_covered = if raw.is_null() {
                part.is_known()
            } else {
                (part.is_taken() && shown.has(raw))
                    || part.opened().is_some_and(|held| holds_scalar(held) && remainder(held, shown).is_none())
            };
            (!is_covered).then(|| raw.clone())
        }
    }
}

fn holds_scalar(part: &Part) -> bool {
    match &part.value {
        Value::Object(members) => members.iter().any(|(_, part)| holds_scalar(part)),
        Value::Array(elements) => elements.iter().any(holds_scalar),
        Value::Scalar { .. } => true,
    }
}
