//! What events can be counted by: the values that an event has for a field, spelled as in the event.
//!
//! The log counts by the folded keys of its columns. How a value is written and shown is taken from the event that was
//! recorded last among those counted, so nothing is revealed that the caller could not read in that event.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, catalogue};
use super::fold::{fold, fold_activity};
use super::{Event, wire_enum};

wire_enum! {
    /// What events can be counted by.
    FacetField {
        /// The key of the activity.
        Activity = "ACTIVITY",
        /// The actor's key.
        Actor = "ACTOR",
        /// The id of the application used.
        Application = "APPLICATION",
        /// The key of the category.
        Category = "CATEGORY",
        /// The name of a property that changed.
        ModifiedProperty = "MODIFIED_PROPERTY",
        /// The kind of operation.
        OperationType = "OPERATION_TYPE",
        /// The type of resource.
        ResourceType = "RESOURCE_TYPE",
        /// The key of the service.
        Service = "SERVICE",
        /// How the activity ended.
        Status = "STATUS",
        /// A target's key.
        Target = "TARGET",
    }
}

/// A value of a field, as an event has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// As callers compare it, and as filters take it.
    pub value: String,
    /// As shown to people.
    pub display_name: String,
}

impl FacetField {
    /// The values that an event has of the field, by their folded keys; each once, as it stands first.
    pub fn values(self, event: &Event) -> BTreeMap<String, FacetValue> {
        let body = &event.body;
        let one = |key: String, value: &str, shown: &str| {
            let value = FacetValue { value: value.to_owned(), display_name: shown.to_owned() };
            std::iter::once((key, value)).filter(|(key, _)| !key.is_empty()).collect()
        };
        let closed = |name: &str| one(name.to_owned(), name, &title(name));
        match self {
            Self::Activity => one(fold_activity(&body.activity), &body.activity, &body.activity_display_name),
            Self::Actor => one(body.actor.key(), &body.actor.key(), body.actor.name()),
            Self::Application => {
                let id = body.actor.application_id().unwrap_or_default();
                let name = body.actor.application_name().filter(|name| !name.trim().is_empty());
                one(fold(id), id, name.unwrap_or(id))
            }
            Self::Category => {
                one(fold(&body.category), &body.category, &Catalogue::category_display_name(&body.category))
            }
            Self::OperationType => closed(body.operation_type.name()),
            Self::ResourceType => closed(body.resource_type.name()),
            Self::Service => one(fold(&body.service), &body.service, &catalogue().service_display_name(&body.service)),
            Self::Status => closed(body.status.name()),
            Self::ModifiedProperty => {
                let names =
                    body.targets.iter().flat_map(|target| &target.modified_properties).map(|change| &change.name);
                first(names.map(|name| (fold(name), FacetValue { value: name.clone(), display_name: name.clone() })))
            }
            Self::Target => first(body.targets.iter().map(|target| {
                let names = [&target.display_name, &target.user_principal_name, &target.object_id];
                let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
                let key = target.key();
                let display_name = name.unwrap_or(&key).clone();
                (key.clone(), FacetValue { value: key, display_name })
            })),
        }
    }

    /// The value that a key stands for by itself, without an event: those of the closed sets.
    pub fn closed(self, key: &str) -> Option<FacetValue> {
        matches!(self, Self::OperationType | Self::ResourceType | Self::Status)
            .then(|| FacetValue { value: key.to_owned(), display_name: title(key) })
    }
}

/// Each key once, with the value that stands first.
fn first(values: impl Iterator<Item = (String, FacetValue)>) -> BTreeMap<String, FacetValue> {
    let mut found = BTreeMap::new();
    for (key, value) in values {
        found.entry(key).or_insert(value);
    }
    found
}

/// `REMOTE_TASK` is `Remote task`.
fn title(name: &str) -> String {
    let text = name.to_lowercase().replace('_', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
