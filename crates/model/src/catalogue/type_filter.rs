//! Filters on activity types, by current categories and services and by those of older portals.

use std::collections::BTreeSet;

use super::super::filter::{needle, needles};
use super::super::fold::fold;
use super::super::{Invalid, OperationType, ResourceType};
use super::{ActivityType, catalogue};

/// The arguments of a filter on activity types. `None` does not restrict; an empty list matches no type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeChoice {
    /// The category of the type, or the category under which the oldest portal listed it.
    pub categories: Option<Vec<String>>,
    /// The service, by any of its names.
    pub services: Option<Vec<String>>,
    /// The resource type of the type, or the one under which the oldest portal listed it.
    pub resource_types: Option<Vec<ResourceType>>,
    /// The operation type.
    pub operation_types: Option<Vec<OperationType>>,
    /// A string that the key, the display name or an alias contains.
    pub search: Option<String>,
}

/// A filter on activity types, with folded strings.
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
    /// The same names as keys of services, because the categories of the oldest portal are services today.
    services: BTreeSet<String>,
}

impl TypeChoice {
    /// Creates the filter.
    ///
    /// # Errors
    ///
    /// Fails if a list or string exceeds the limits of [`needles`].
    pub fn filter(self) -> Result<TypeFilter, Invalid> {
        let keys = |part: &str, names: Option<Vec<String>>| names.map(|names| needles(part, &names, fold)).transpose();
        let service_keys = |names: &BTreeSet<String>| names.iter().map(|name| catalogue().service_key(name)).collect();
        let categories = keys("categories", self.categories)?;
        Ok(TypeFilter {
            categories: categories.map(|keys| Categories { services: service_keys(&keys), keys }),
            services: keys("services", self.services)?.as_ref().map(service_keys),
            resource_types: self.resource_types.map(|types| types.into_iter().collect()),
            operation_types: self.operation_types.map(|types| types.into_iter().collect()),
            search: self.search.map(|search| needle("search", &search, fold)).transpose()?,
        })
    }
}

impl TypeFilter {
    /// Whether a type, built in or recorded, matches.
    pub fn matches(&self, entry: &ActivityType) -> bool {
        self.operation_types.as_ref().is_none_or(|kinds| kinds.contains(&entry.operation_type))
            && self.services.as_ref().is_none_or(|keys| keys.contains(&catalogue().service_key(&entry.service)))
            && self.matches_category_and_resource(entry)
            && self.search.as_ref().is_none_or(|search| entry.names().any(|name| fold(name).contains(search)))
    }

    /// A current category combines with any resource type of the entry. A category of the oldest portal is compared as
    /// a service and combines only with the resource type it was paired with.
    fn matches_category_and_resource(&self, entry: &ActivityType) -> bool {
        let wanted = |kind: &ResourceType| self.resource_types.as_ref().is_none_or(|kinds| kinds.contains(kind));
        let has_wanted = wanted(&entry.resource_type) || entry.legacy.iter().any(|(_, kind)| wanted(kind));
        let Some(categories) = &self.categories else { return has_wanted };
        let listed = |label: &str| categories.services.contains(&catalogue().service_key(label));
        (has_wanted && categories.keys.contains(&fold(&entry.category)))
            || entry.legacy.iter().any(|(label, kind)| wanted(kind) && listed(label))
    }
}
