//! Which activity types a list of them shows: today's categories and services, and those of the older portals.

use std::collections::BTreeSet;

use super::super::filter::{needle, needles};
use super::super::fold::fold;
use super::super::{Invalid, OperationType, ResourceType};
use super::{ActivityType, catalogue};

/// A choice of activity types as it is given. What is `None` does not restrict; an empty list is met by no type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeChoice {
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

/// A choice of activity types, folded once.
#[derive(Clone, Debug)]
pub struct TypeFilter {
    categories: Option<Categories>,
    services: Option<BTreeSet<String>>,
    resource_types: Option<BTreeSet<ResourceType>>,
    operation_types: Option<BTreeSet<OperationType>>,
    search: Option<String>,
}

#[derive(Clone, Debug)]
struct Categories {
    keys: BTreeSet<String>,
    /// The same as keys of services: what the oldest portal called a category is a service today.
    services: BTreeSet<String>,
}

impl TypeChoice {
    /// The filter that the choice means. Lists and texts are bounded as in a filter of events.
    pub fn filter(self) -> Result<TypeFilter, Invalid> {
        let keys = |part: &str, names: Option<Vec<String>>| names.map(|names| needles(part, &names, fold)).transpose();
        let service_keys = |names: &BTreeSet<String>| names.iter().map(|name| catalogue().service_key(name)).collect();
        let categories = keys("category", self.categories)?;
        Ok(TypeFilter {
            categories: categories.map(|keys| Categories { services: service_keys(&keys), keys }),
            services: keys("service", self.services)?.as_ref().map(service_keys),
            resource_types: self.resource_types.map(|types| types.into_iter().collect()),
            operation_types: self.operation_types.map(|types| types.into_iter().collect()),
            // Everything contains the empty text.
            search: self
                .search
                .filter(|text| !text.is_empty())
                .map(|text| needle("search", &text, fold))
                .transpose()?,
        })
    }
}

impl TypeFilter {
    /// Whether a type, built in or recorded, is met.
    pub fn matches(&self, entry: &ActivityType) -> bool {
        self.operation_types.as_ref().is_none_or(|kinds| kinds.contains(&entry.operation_type))
            && self.services.as_ref().is_none_or(|keys| keys.contains(&catalogue().service_key(&entry.service)))
            && self.meets_category_and_resource(entry)
            && self.search.as_ref().is_none_or(|text| entry.names().any(|name| fold(name).contains(text)))
    }

    /// A category of today goes with any resource type of the entry. A category of the oldest portal is a service
    /// today, so it is compared as one, and goes with the resource type that it was paired with.
    fn meets_category_and_resource(&self, entry: &ActivityType) -> bool {
        let wanted = |kind: &ResourceType| self.resource_types.as_ref().is_none_or(|kinds| kinds.contains(kind));
        let has_wanted = wanted(&entry.resource_type) || entry.legacy.iter().any(|(_, kind)| wanted(kind));
        let Some(categories) = &self.categories else { return has_wanted };
        let listed = |label: &str| categories.services.contains(&catalogue().service_key(label));
        (has_wanted && categories.keys.contains(&fold(&entry.category)))
            || entry.legacy.iter().any(|(label, kind)| wanted(kind) && listed(label))
    }
}
