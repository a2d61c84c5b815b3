//! Computes the values of a record that are not in its event, at their original positions.
//!
//! This pass, not the mappers, guarantees that no data is lost. A scalar is omitted only if a mapper took it *and* the
//! event contains an equal value; everything that a mapper skipped, changed or misread is kept. Known members that are
//! null or empty carry no information and are omitted.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;

use super::embedded::embedded_json;
use super::source_record::{CursorValue, JsonCursor, RawScalar};
use model::json::{Json, JsonNode, push_string, string_value};
use model::{Actor, ActorKind, EventBody, GroupSource};

/// The number of strings of most events.
const USUAL_STRINGS: usize = 48;

/// The values of an event.
#[derive(Default)]
pub(super) struct MappedValues<'a> {
    strings: HashSet<Cow<'a, str>>,
    /// Numbers and booleans, as written.
    literals: HashSet<Cow<'a, str>>,
    /// The values of property changes, as compact JSON.
    values: HashSet<&'a str>,
    event_key: &'a str,
    /// Whether a value of the record was found only as the event's key, or could have been.
    has_found_key: Cell<bool>,
}

impl<'a> MappedValues<'a> {
    /// Collects the values that a response with this event contains.
    pub(super) fn of(body: &'a EventBody) -> Self {
        let mut mapped = Self { event_key: &body.event_key, ..Self::default() };
        mapped.strings.reserve(USUAL_STRINGS);
        mapped.strings.insert(Cow::Owned(body.occurred_at.to_string()));
        let fields = [&body.event_key, &body.activity, &body.activity_display_name, &body.category, &body.service];
        mapped.add(fields.map(Some));
        mapped.add([
            body.component.as_ref(),
            body.status_reason.as_ref(),
            body.correlation_id.as_ref(),
            body.recording.source_tenant_id.as_ref(),
        ]);
        let names = [body.operation_type.name(), body.resource_type.name(), body.status.name(), body.actor.kind.name()];
        mapped.strings.extend(names.into_iter().chain(body.group_source.map(GroupSource::name)).map(Cow::Borrowed));
        mapped.add_actor(&body.actor);
        for target in &body.targets {
            // The application's id is one of several identities in a list, which stay together in `unmapped`.
            let target_strings = [&target.object_id, &target.user_principal_name, &target.display_name, &target.kind];
            mapped.add(target_strings.map(Option::as_ref));
            for change in &target.modified_properties {
                mapped.add([Some(&change.name)]);
                [&change.old_value, &change.new_value].into_iter().flatten().for_each(|value| mapped.add_value(value));
            }
        }
        for detail in &body.additional_details {
            mapped.add([Some(&detail.key)]);
            detail.value.iter().for_each(|value| mapped.add_value(value));
        }
        mapped
    }

    /// Removes the event's key, as if the event had another one. Returns whether [`remainder`] may return other values
    /// without it.
    pub(super) fn remove_event_key(&mut self) -> bool {
        self.strings.remove(self.event_key);
        self.has_found_key.take()
    }

    /// Adds the fields that responses contain for this kind of actor.
    fn add_actor(&mut self, actor: &'a Actor) {
        if let Some(application) = &actor.application {
            self.add([application.application_id.as_ref(), application.display_name.as_ref()]);
        }
        self.add([actor.ip_address.as_ref(), actor.user_agent.as_ref()]);
        match actor.kind {
            ActorKind::User => {
                let user = [&actor.object_id, &actor.user_principal_name, &actor.display_name];
                self.add(user.map(Option::as_ref));
                self.strings.extend(actor.permissions.iter().map(|name| Cow::Borrowed(name.as_str())));
            }
            ActorKind::Application => self.add([actor.object_id.as_ref(), actor.service_principal_name.as_ref()]),
            ActorKind::System | ActorKind::Unknown => {
                self.strings.insert(Cow::Borrowed(actor.name()));
            }
        }
    }

    fn add<const N: usize>(&mut self, strings: [Option<&'a String>; N]) {
        self.strings.extend(strings.into_iter().flatten().map(|string| Cow::Borrowed(string.as_str())));
    }

    fn add_value(&mut self, value: &'a Json) {
        let text = value.text();
        self.values.insert(text);
        if text.starts_with(['{', '[']) {
            self.add_scalars(&value.node());
        } else {
            match value.as_str() {
                Some(string) => self.strings.insert(string),
                None => self.literals.insert(Cow::Borrowed(text)),
            };
        }
    }

    /// Adds the scalars in an object or a list.
    fn add_scalars(&mut self, node: &JsonNode) {
        match node {
            JsonNode::Scalar(raw) => {
                match string_value(raw) {
                    Some(string) => self.strings.insert(Cow::Owned(string.into_owned())),
                    None => self.literals.insert(Cow::Owned(raw.clone().into())),
                };
            }
            JsonNode::Array(elements) => elements.iter().for_each(|element| self.add_scalars(element)),
            JsonNode::Object(members) => members.iter().for_each(|(_, member)| self.add_scalars(member)),
        }
    }

    /// Whether the event contains an equal scalar, or the JSON in a string.
    fn has(&self, scalar: &RawScalar) -> bool {
        let Some(text) = scalar.as_str() else {
            return self.literals.contains(scalar.text());
        };
        let is_found = self.strings.contains(&*text);
        if is_found && *text == *self.event_key {
            self.has_found_key.set(true);
        }
        is_found || self.has_embedded(&text)
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
pub(super) fn remainder(cursor: &JsonCursor, mapped: &MappedValues) -> Option<Json> {
    let mut json = String::new();
    write_remainder(cursor, mapped, &mut json).then(|| Json::stored(json))
}

/// Appends the values of a record that the event does not contain. Returns whether there are any.
fn write_remainder(cursor: &JsonCursor, mapped: &MappedValues, out: &mut String) -> bool {
    let start = out.len();
    match &cursor.value {
        CursorValue::Object(members) if !members.is_empty() => {
            for (key, cursor) in members {
                let before = out.len();
                out.push(if before == start { '{' } else { ',' });
                push_string(out, key);
                out.push(':');
                if !write_remainder(cursor, mapped, out) {
                    out.truncate(before);
                }
            }
            let is_any = out.len() > start;
            if is_any {
                out.push('}');
            }
            is_any
        }
        CursorValue::Array(elements) if !elements.is_empty() => {
            out.push('[');
            let mut end = start;
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if write_remainder(element, mapped, out) {
                    end = out.len();
                } else {
                    out.push_str("null");
                }
            }
            // The elements after the last one that is kept are omitted.
            out.truncate(end);
            let is_any = end > start;
            if is_any {
                out.push(']');
            }
            is_any
        }
        CursorValue::Object(_) | CursorValue::Array(_) => {
            let is_kept = !cursor.is_known();
            if is_kept {
                cursor.node().write(out);
            }
            is_kept
        }
        CursorValue::Scalar { raw, .. } => {
            let is_kept = !is_covered(cursor, raw, mapped);
            if is_kept {
                out.push_str(raw.text());
            }
            is_kept
        }
    }
}

/// Whether a scalar needs not be kept.
fn is_covered(cursor: &JsonCursor, raw: &RawScalar, mapped: &MappedValues) -> bool {
    if raw.is_null() {
        return cursor.is_known();
    }
    let has_no_remainder =
        |embedded: &JsonCursor| contains_scalar(embedded) && !write_remainder(embedded, mapped, &mut String::new());
    cursor.is_taken() && mapped.has(raw) || cursor.embedded_if_read().is_some_and(has_no_remainder)
}

fn contains_scalar(cursor: &JsonCursor) -> bool {
    match &cursor.value {
        CursorValue::Object(members) => members.iter().any(|(_, cursor)| contains_scalar(cursor)),
        CursorValue::Array(elements) => elements.iter().any(contains_scalar),
        CursorValue::Scalar { .. } => true,
    }
}
