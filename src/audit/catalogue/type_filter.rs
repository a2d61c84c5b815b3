//! Which activity types a list of them shows: today's categories and services, and those of the older portals.

use super::super::fold::fold;
use super::super::{OperationType, ResourceType};
use super::{ActivityType, catalogue};

/// A choice of activity types. What is `None` does not restrict; an empty list is met by no type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeFilter {
    /// Categories: a type's own, or the category under which the oldest portal listed it.
    pub categories: Option<Vec<String>>,
    /// Services, by any of their names.
    pub services: Option<Vec<String>>,
    /// Resource types: a type's own, or that under which the oldest portal listed it.
    pub resource_types: Option<Vec<ResourceType>>,
    /// Kinds of operation.
    pub operation_types: Option<Vec<OperationType>>,
    /// Text that the key, the display name or an alias contains.
    pub search: Option<String>,
}

impl TypeFilter {
    /// Whether a type, built in or recorded, is met.
    pub fn matches(&self, entry: &ActivityType) -> bool {
        self.operation_types.as_ref().is_none_or(|kinds| kinds.contains(&entry.operation_type))
            && self.services.as_ref().is_none_or(|names| is_service(&entry.service, names))
            && self.meets_category_and_resource(entry)
            && self.search.as_ref().is_none_or(|text| {
                let text = fold(text);
                entry.names().any(|name| fold(name).contains(&text))
            })
    }

    /// A category of today goes with any resource type of the entry. A category of the oldest portal is a service
    /// today, so it is compared as one, and goes with the resource type that it was paired with.
    fn meets_category_and_resource(&self, entry: &ActivityType) -> bool {
        let wanted = |kind: &ResourceType| self.resource_types.as_ref().is_none_or(|kinds| kinds.contains(kind));
        let has_wanted = wanted(&entry.resource_type) || entry.legacy.iter().any(|(_, kind)| wanted(kind));
        let Some(categories) = &self.categories else { return has_wanted };
        let own = fold(&entry.category);
        (has_wanted && categories.iter().any(|category| fold(category) == own))
            || entry.legacy.iter().any(|(label, kind)| wanted(kind) && is_service(label, categories))
    }
}

/// Whether one of these names stands for a service.
fn is_service(service: &str, names: &[String]) -> bool {
    let key = catalogue().service_key(service);
    names.iter().any(|name| catalogue().service_key(name) == key)
}
