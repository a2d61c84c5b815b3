//! Whether a copy of an event states something that the stored event does not: another value, or a value where the stored
//! event has none. Names and ids are compared as folded strings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{COMPARED_MAX, change_of, is_same_target, same};
use crate::fold::fold;
use crate::json::JsonNode;
use crate::{Actor, ActorKind, Detail, Target};

/// Whether a string adds to the stored one.
pub(super) fn string_adds(stored: Option<&str>, copy: Option<&str>) -> bool {
    copy.is_some_and(|copy| !fold(copy).is_empty()) && same(stored, copy) != Some(true)
}

/// Whether an actor adds to the stored one.
pub(super) fn actor_adds(stored: &Actor, copy: &Actor) -> bool {
    // A new field does not compile until it is compared.
    let Actor {
        kind,
        object_id,
        user_principal_name,
        display_name,
        service_principal_name,
        application,
        permissions,
        ip_address,
        user_agent,
    } = copy;
    let strings = [
        (&stored.object_id, object_id),
        (&stored.user_principal_name, user_principal_name),
        (&stored.display_name, display_name),
        (&stored.service_principal_name, service_principal_name),
        (&stored.ip_address, ip_address),
        (&stored.user_agent, user_agent),
    ];
    let application_name = application.as_ref().and_then(|application| application.display_name.as_deref());
    *kind != ActorKind::Unknown && *kind != stored.kind
        || strings.into_iter().any(|(stored, copy)| string_adds(stored.as_deref(), copy.as_deref()))
        || string_adds(stored.application_id(), copy.application_id())
        || string_adds(stored.application_name(), application_name)
        || permissions.iter().any(|permission| !stored.permissions.contains(permission))
}

/// Whether a list of targets adds to the stored one, apart from changed properties.
pub(super) fn targets_add(stored: &[Target], copy: &[Target]) -> bool {
    let mut by_identity: HashMap<String, Vec<&Target>> = HashMap::new();
    for target in stored {
        by_identity.entry(target.identity()).or_default().push(target);
    }
    let is_short = stored.len() <= COMPARED_MAX && copy.len() <= COMPARED_MAX;
    copy.iter().any(|target| {
        if let Some(same) = by_identity.get(&target.identity()) {
            return same.iter().take(COMPARED_MAX).all(|stored| target_adds(stored, target));
        }
        let mut same = stored.iter().filter(|other| is_short && is_same_target(other, target));
        !same.any(|stored| !target_adds(stored, target))
    })
}

fn target_adds(stored: &Target, copy: &Target) -> bool {
    let Target { object_id, user_principal_name, display_name, kind, application_id, modified_properties: _ } = copy;
    let strings = [
        (&stored.object_id, object_id),
        (&stored.user_principal_name, user_principal_name),
        (&stored.display_name, display_name),
        (&stored.kind, kind),
        (&stored.application_id, application_id),
    ];
    strings.into_iter().any(|(stored, copy)| string_adds(stored.as_deref(), copy.as_deref()))
}

/// Whether the changed properties of targets add to the stored ones.
pub(super) fn changes_add(stored: &[Target], copy: &[Target]) -> bool {
    let changes = |targets: &[Target]| {
        let changes = targets.iter().flat_map(|target| &target.modified_properties).map(change_of);
        changes.map(|(name, values)| (fold(&name), values)).collect::<BTreeSet<_>>()
    };
    let mut by_name: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (name, values) in changes(stored) {
        by_name.entry(name).or_default().push(values);
    }
    changes(copy).into_iter().any(|(name, (old, new))| {
        let covers = |stored: &(Option<[u8; 16]>, Option<[u8; 16]>)| {
            (old.is_none() || old == stored.0) && (new.is_none() || new == stored.1)
        };
        !by_name.get(&name).is_some_and(|stored| stored.iter().take(COMPARED_MAX).any(covers))
    })
}

/// Whether details add to the stored ones.
pub(super) fn details_add(stored: &[Detail], copy: &[Detail]) -> bool {
    let value = |detail: &Detail| detail.value.as_ref().map(crate::Json::equality_hash);
    let pairs: BTreeSet<_> = stored.iter().map(|detail| (fold(&detail.key), value(detail))).collect();
    let keys: BTreeSet<&String> = pairs.iter().map(|(key, _)| key).collect();
    copy.iter().any(|detail| {
        let (key, value) = (fold(&detail.key), value(detail));
        if value.is_none() { !keys.contains(&key) } else { !pairs.contains(&(key, value)) }
    })
}

/// Whether two values have different scalars at one position. A position that only one of them has, or at which one has
/// null or an empty string, is no contradiction, nor are a name and a number, which may be two forms of one value. JSON in a string is
/// compared as JSON.
pub(super) fn contradicts(stored: &JsonNode, copy: &JsonNode) -> bool {
    match (stored, copy) {
        (JsonNode::Object(stored), JsonNode::Object(copy)) => {
            let by_name: HashMap<&str, &JsonNode> = stored.iter().map(|(name, value)| (name.as_str(), value)).collect();
            copy.iter().any(|(name, copy)| by_name.get(name.as_str()).is_some_and(|stored| contradicts(stored, copy)))
        }
        (JsonNode::Array(stored), JsonNode::Array(copy)) => {
            stored.iter().zip(copy).any(|(stored, copy)| contradicts(stored, copy))
        }
        (JsonNode::Scalar(_), JsonNode::Scalar(_)) => {
            let is_string = |scalar: &JsonNode| scalar.as_str().is_some();
            !is_empty(stored)
                && !is_empty(copy)
                && is_string(stored) == is_string(copy)
                && stored.to_json().equality_hash() != copy.to_json().equality_hash()
        }
        (JsonNode::Scalar(_), other) => string_contradicts(stored, other),
        (other, JsonNode::Scalar(_)) => string_contradicts(copy, other),
        _ => true,
    }
}

/// Whether a scalar does not contain the object or list as JSON in a string.
fn string_contradicts(scalar: &JsonNode, container: &JsonNode) -> bool {
    let embedded = scalar.as_str().and_then(|text| JsonNode::parse(&text));
    let is_equal = |embedded: JsonNode| !matches!(embedded, JsonNode::Scalar(_)) && !contradicts(&embedded, container);
    !is_empty(scalar) && !embedded.is_some_and(is_equal)
}

/// Whether a scalar is null or an empty string.
fn is_empty(scalar: &JsonNode) -> bool {
    scalar.is_null() || scalar.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_values_at_one_position_contradict() {
        let contradict = |a: &str, b: &str| {
            let (a, b) = (JsonNode::parse(a).unwrap(), JsonNode::parse(b).unwrap());
            assert_eq!(contradicts(&a, &b), contradicts(&b, &a));
            contradicts(&a, &b)
        };
        assert!(!contradict(r#"{"a":1,"b":[1]}"#, r#"{"a":1.0,"c":2}"#));
        assert!(!contradict(r#"{"a":[null,{"x":1}]}"#, r#"{"a":[{"y":1},{"z":1}]}"#));
        assert!(!contradict(r#"{"a":"{\"x\":1}"}"#, r#"{"a":{"x":1,"y":null}}"#));
        assert!(contradict(r#"{"a":"{\"x\":1}"}"#, r#"{"a":{"x":2}}"#));
        assert!(!contradict(r#"{"a":"AzureActiveDirectory","b":"False"}"#, r#"{"a":8,"b":false}"#));
        assert!(!contradict(r#"{"a":" ","b":""}"#, r#"{"a":"x","b":[1]}"#));
        assert!(contradict(r#"{"a":7}"#, r#"{"a":8}"#));
        assert!(contradict(r#"{"a":"x"}"#, r#"{"a":["x"]}"#));
        assert!(contradict(r#"{"a":{"b":"x"}}"#, r#"{"a":{"b":"X"}}"#));
        assert!(contradict(r#"{"a":[]}"#, r#"{"a":{}}"#));
    }

    #[test]
    fn targets_beyond_the_compared_ones_are_found_by_identity() {
        let target = |i: usize| Target { object_id: Some(format!("t-{i}")), ..Target::default() };
        let stored: Vec<Target> = (0..3 * COMPARED_MAX).map(target).collect();
        assert!(!targets_add(&stored, &stored[5..]));
        let named = Target { display_name: Some("T".to_owned()), ..target(7) };
        assert!(targets_add(&stored, &[named]));
        assert!(targets_add(&stored[1..], &stored));
    }
}
