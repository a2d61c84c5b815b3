//! Facets: the values of a field of an event, by which events are counted.
//!
//! The store counts by the folded keys of its columns. The spelling and the display name of a value come from the most
//! recently recorded of the counted events, so a facet reveals only strings that the caller can read in that event.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, catalogue};
use super::fold::{fold, fold_activity};
use super::{Event, wire_enum};

wire_enum! {
    /// The fields by which events can be counted.
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
        /// The outcome of the activity.
        Status = "STATUS",
        /// A target's key.
        Target = "TARGET",
    }
}

/// A value of a field, as spelled in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value that filters accept.
    pub value: String,
    /// The value to show to people.
    pub display_name: String,
}

impl FacetField {
    /// The values of the field in an event, by their folded keys. Of equal keys, the first value.
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

    /// The value of a key of a closed set, which needs no event; `None` for other fields.
    pub fn closed(self, key: &str) -> Option<FacetValue> {
        matches!(self, Self::OperationType | Self::ResourceType | Self::Status)
            .then(|| FacetValue { value: key.to_owned(), display_name: title(key) })
    }
}

/// The first value of each key.
fn first(values: impl Iterator<Item = (String, FacetValue)>) -> BTreeMap<String, FacetValue> {
    let mut found = BTreeMap::new();
    for (key, value) in values {
        found.entry(key).or_insert(value);
    }
    found
}

/// The display name of an enum value: `REMOTE_TASK` is `Remote task`.
fn title(name: &str) -> String {
    let words = name.to_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
