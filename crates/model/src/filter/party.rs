//! Conditions on the actor and the targets of an event, and on what an activity changed.

use std::collections::BTreeSet;

use super::{SetCondition, StringCondition, actor_strings, folded, target_strings};
use crate::Json;
use crate::fold::fold;
use crate::party::{Actor, ActorKind, ModifiedProperty, PropertyChange, Target};

/// Conditions on the actor, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorCondition {
    /// The actor is one of these, by key.
    pub keys: Option<BTreeSet<String>>,
    /// The actor is none of these, by key.
    pub excluded_keys: BTreeSet<String>,
    /// A name contains this.
    pub search: Option<String>,
    /// The kind of actor.
    pub kind: Option<SetCondition<ActorKind>>,
    /// The principal name.
    pub user_principal_name: Option<StringCondition>,
    /// The display name.
    pub display_name: Option<StringCondition>,
    /// The object id.
    pub object_id: Option<StringCondition>,
    /// The IP address.
    pub ip_address: Option<StringCondition>,
    /// The application's id.
    pub application_id: Option<StringCondition>,
    /// The application's display name.
    pub application_name: Option<StringCondition>,
}

impl ActorCondition {
    pub(super) fn matches(&self, actor: &Actor) -> bool {
        let holds = |condition: &Option<StringCondition>, string: Option<&str>| {
            condition.as_ref().is_none_or(|condition| condition.matches(&folded(string)))
        };
        let [name, upn, principal, _] = actor_strings(actor);
        self.keys.as_ref().is_none_or(|keys| keys.contains(&actor.key()))
            && (self.excluded_keys.is_empty() || !self.excluded_keys.contains(&actor.key()))
            && self.search.as_ref().is_none_or(|part| [name, upn, principal].iter().any(|t| t.contains(part.as_str())))
            && self.kind.as_ref().is_none_or(|set| set.matches(actor.kind))
            && holds(&self.user_principal_name, actor.user_principal_name.as_deref())
            && holds(&self.display_name, actor.shown_name())
            && holds(&self.object_id, actor.object_id.as_deref())
            && holds(&self.ip_address, actor.ip_address.as_deref())
            && holds(&self.application_id, actor.application_id())
            && holds(&self.application_name, actor.application_name())
    }
}

/// Conditions on a target, all of which must hold for the same target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetCondition {
    /// The target is one of these, by key.
    pub keys: Option<BTreeSet<String>>,
    /// The target is none of these, by key.
    pub excluded_keys: BTreeSet<String>,
    /// A name, the object id or the application's id contains this.
    pub search: Option<String>,
    /// The object id.
    pub object_id: Option<StringCondition>,
    /// The application's id.
    pub application_id: Option<StringCondition>,
    /// The principal name.
    pub user_principal_name: Option<StringCondition>,
    /// The type.
    pub kind: Option<StringCondition>,
    /// The display name.
    pub display_name: Option<StringCondition>,
    /// A change of the target.
    pub modified_property: Option<PropertyCondition>,
}

impl TargetCondition {
    pub(super) fn matches(&self, target: &Target) -> bool {
        let [object_id, upn, name, application_id] = target_strings(target);
        let holds = |condition: &Option<StringCondition>, string: &str| {
            condition.as_ref().is_none_or(|condition| condition.matches(string))
        };
        self.keys.as_ref().is_none_or(|keys| keys.contains(&target.key()))
            && (self.excluded_keys.is_empty() || !self.excluded_keys.contains(&target.key()))
            && self
                .search
                .as_ref()
                .is_none_or(|part| [&name, &upn, &object_id, &application_id].iter().any(|t| t.contains(part)))
            && holds(&self.object_id, &object_id)
            && holds(&self.application_id, &application_id)
            && holds(&self.user_principal_name, &upn)
            && holds(&self.display_name, &name)
            && holds(&self.kind, &folded(target.kind.as_deref()))
            && self
                .modified_property
                .as_ref()
                .is_none_or(|condition| target.modified_properties.iter().any(|change| condition.matches(change)))
    }
}

/// Conditions on a changed property, all of which must hold for the same change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyCondition {
    /// The property's name.
    pub name: Option<StringCondition>,
    /// The value before, by its equality hash.
    pub from: Option<[u8; 16]>,
    /// The value after, by its equality hash.
    pub to: Option<[u8; 16]>,
    /// There was a value before, and it was JSON null or another.
    pub from_is_null: Option<bool>,
    /// There is a value after, and it is JSON null or another.
    pub to_is_null: Option<bool>,
    /// A string, number, boolean or member name within the value before contains this.
    pub from_contains: Option<String>,
    /// The same of the value after.
    pub to_contains: Option<String>,
    /// How it changed.
    pub change: Option<SetCondition<PropertyChange>>,
}

impl PropertyCondition {
    pub(super) fn matches(&self, change: &ModifiedProperty) -> bool {
        let equal = |wanted: Option<[u8; 16]>, value: &Option<Json>| {
            wanted.is_none_or(|hash| value.as_ref().is_some_and(|value| value.equality_hash() == hash))
        };
        let is_null = |wanted: Option<bool>, value: &Option<Json>| {
            wanted.is_none_or(|wanted| value.as_ref().is_some_and(|value| (value.text() == "null") == wanted))
        };
        let contains = |part: &Option<String>, value: &Option<Json>| {
            part.as_ref()
                .is_none_or(|part| value.as_ref().is_some_and(|value| super::body::contains(&value.node(), part)))
        };
        self.name.as_ref().is_none_or(|condition| condition.matches(&fold(&change.name)))
            && is_null(self.from_is_null, &change.old_value)
            && is_null(self.to_is_null, &change.new_value)
            && contains(&self.from_contains, &change.old_value)
            && contains(&self.to_contains, &change.new_value)
            && equal(self.from, &change.old_value)
            && equal(self.to, &change.new_value)
            && self.change.as_ref().is_none_or(|set| set.matches(change.change))
    }
}
