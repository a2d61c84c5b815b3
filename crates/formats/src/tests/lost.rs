//! Finds lost values of a record: those that are neither in the event nor in `unmapped`.
//!
//! The fuzz target of records (`fuzz/src/record.rs`) uses the same file.

use std::collections::HashSet;

use super::{ActorKind, EventBody, Json, JsonNode};

/// Collects all scalars with their pointers, including duplicate members.
pub(super) fn scalars(node: &JsonNode, pointer: &mut Vec<String>, out: &mut Vec<(Vec<String>, JsonNode)>) {
    match node {
        JsonNode::Object(members) => {
            for (key, value) in members {
                pointer.push(key.clone());
                scalars(value, pointer, out);
                pointer.pop();
            }
        }
        JsonNode::Array(elements) => {
            for (i, value) in elements.iter().enumerate() {
                pointer.push(i.to_string());
                scalars(value, pointer, out);
                pointer.pop();
            }
        }
        scalar @ JsonNode::Scalar(_) => out.push((pointer.clone(), scalar.clone())),
    }
}

/// Returns all values at a pointer; duplicate members give several.
pub(super) fn at<'a>(node: &'a JsonNode, pointer: &[String]) -> Vec<&'a JsonNode> {
    let Some((first, rest)) = pointer.split_first() else { return vec![node] };
    match node {
        JsonNode::Object(members) => {
            members.iter().filter(|(key, _)| key == first).flat_map(|(_, value)| at(value, rest)).collect()
        }
        JsonNode::Array(elements) => {
            first.parse().ok().and_then(|i: usize| elements.get(i)).map_or(vec![], |e| at(e, rest))
        }
        JsonNode::Scalar(_) => vec![],
    }
}

/// Returns the scalars of the event itself, and the values of all changes.
fn shown_by(body: &EventBody) -> (HashSet<PlainScalar>, HashSet<String>) {
    let mut without = body.clone();
    without.unmapped = None;
    // Responses contain other fields for each kind of actor.
    let actor = &mut without.actor;
    match actor.kind {
        ActorKind::User => actor.service_principal_name = None,
        ActorKind::Application => {
            (actor.display_name, actor.user_principal_name, actor.permissions) = (None, None, vec![]);
        }
        ActorKind::System | ActorKind::Unknown => {
            actor.display_name = Some(actor.name().to_owned());
            (actor.object_id, actor.user_principal_name, actor.permissions) = (None, None, vec![]);
            actor.service_principal_name = None;
        }
    }
    let mut leaves = Vec::new();
    let text = serde_json::to_string(&without).unwrap();
    scalars(&JsonNode::parse(&text).unwrap(), &mut Vec::new(), &mut leaves);
    let values = body.targets.iter().flat_map(|target| &target.modified_properties);
    let values = values.flat_map(|change| [&change.old_value, &change.new_value]).flatten();
    (leaves.into_iter().map(|(_, leaf)| plain(&leaf)).collect(), values.map(|value| value.text().to_owned()).collect())
}

/// A scalar with its escapes resolved.
type PlainScalar = (bool, String);

fn plain(scalar: &JsonNode) -> PlainScalar {
    match (scalar.as_str(), scalar) {
        (Some(text), _) => (true, text.into_owned()),
        (None, JsonNode::Scalar(raw)) => (false, raw.to_string()),
        _ => unreachable!(),
    }
}

/// Whether a string contains JSON that is in the event: as a value, or scalar by scalar.
fn contains_shown(text: &str, leaves: &HashSet<PlainScalar>, values: &HashSet<String>) -> bool {
    let Some(held) = JsonNode::parse(text) else { return false };
    if values.contains(held.to_json().text()) {
        return true;
    }
    if let Some(inner) = held.as_str() {
        return contains_shown(&inner, leaves, values);
    }
    let mut inner = Vec::new();
    scalars(&held, &mut Vec::new(), &mut inner);
    matches!(held, JsonNode::Object(_) | JsonNode::Array(_))
        && inner.iter().all(|(_, scalar)| {
            scalar.is_null()
                || leaves.contains(&plain(scalar))
                || scalar.as_str().is_some_and(|text| contains_shown(&text, leaves, values))
        })
}

/// Returns the values of a record that are neither in the event nor in `unmapped`.
pub(super) fn lost(record: &JsonNode, body: &EventBody) -> Vec<String> {
    let (leaves, values) = shown_by(body);
    let unmapped = body.unmapped.as_ref().map(Json::node);
    let mut originals = Vec::new();
    scalars(record, &mut Vec::new(), &mut originals);
    originals
        .into_iter()
        .filter(|(pointer, scalar)| {
            let is_kept = unmapped.as_ref().is_some_and(|node| at(node, pointer).contains(&scalar));
            let is_held = scalar.as_str().is_some_and(|text| contains_shown(&text, &leaves, &values));
            !scalar.is_null() && !is_kept && !is_held && !leaves.contains(&plain(scalar))
        })
        .map(|(pointer, scalar)| format!("/{} = {}", pointer.join("/"), scalar.to_json().text()))
        .collect()
}
