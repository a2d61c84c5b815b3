//! The built-in catalogue of activities, by category and service.
//!
//! Its source is Microsoft's published lists of audit activities, kept as tables of names beside this file. The rules
//! of [`super::classification`] fill in what a row omits. The catalogue is built once, on first use. It never
//! restricts: events of services and activities that are not in it are recorded as well.
//!
//! Names from older portals are aliases. The categories of the oldest portal are services today; an activity that it
//! listed has the *legacy pair* of that category and resource type, so that a filter on either still finds it.

mod table;
mod type_filter;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::fold::{fold, fold_activity, words};
use super::{OperationType, ResourceType};

pub use type_filter::{TypeChoice, TypeFilter};

/// An entry of the catalogue: an activity that can occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityType {
    /// The name in events.
    pub key: String,
    /// The name to show to people.
    pub display_name: String,
    /// The key of its category.
    pub category: String,
    /// The key of the service that logs it.
    pub service: String,
    /// The type of resource it acts on.
    pub resource_type: ResourceType,
    /// The operation type, unless an event states another.
    pub operation_type: OperationType,
    /// Other current and former names.
    pub aliases: Vec<String>,
    /// The categories and resource types under which the oldest portal listed the activity.
    pub legacy: Vec<(String, ResourceType)>,
    /// The names of properties that the activity is known to change.
    pub property_names: Vec<String>,
}

impl ActivityType {
    /// All its names: the key, the display name and the aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.key, &self.display_name].into_iter().chain(&self.aliases).map(String::as_str)
    }
}

/// A service that logs events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueService {
    /// The name in events.
    pub key: String,
    /// The name to show to people.
    pub display_name: String,
    /// Names in older portals and interfaces.
    pub aliases: Vec<String>,
    /// The keys of its categories, sorted by display name.
    pub categories: Vec<String>,
}

/// A category of activities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueCategory {
    /// The name in events.
    pub key: String,
    /// The name to show to people.
    pub display_name: String,
    /// The keys of the services that use it, sorted by display name.
    pub services: Vec<String>,
}

/// Words in the keys of categories that keep their capital letter.
const PROPER: &[&str] = &["Azure", "Kerberos", "Microsoft"];

/// Display names of categories whose key cannot be split into words.
const SPELLED: &[(&str, &str)] = &[("EBookManagement", "eBook management")];

/// The key of an entry: folded service, category and activity.
type EntryKey = (String, String, String);

/// The built-in activity types, services and categories.
#[derive(Debug)]
pub struct Catalogue {
    types: Vec<ActivityType>,
    services: Vec<CatalogueService>,
    categories: Vec<CatalogueCategory>,
    by_key: HashMap<EntryKey, usize>,
    by_other_name: HashMap<EntryKey, usize>,
    keys_by_other_name: HashMap<String, Vec<String>>,
    /// The folded keys of services by their folded aliases.
    service_keys: HashMap<String, String>,
}

/// The built-in catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of(table::read_all().0));
    &CATALOGUE
}

impl Catalogue {
    /// All types, sorted by display name, then service and category.
    pub fn types(&self) -> &[ActivityType] {
        &self.types
    }

    /// All services, sorted by display name.
    pub fn services(&self) -> &[CatalogueService] {
        &self.services
    }

    /// All categories, sorted by display name.
    pub fn categories(&self) -> &[CatalogueCategory] {
        &self.categories
    }

    /// The entry of an activity, by its key or else by another of its names.
    pub fn find(&self, service: &str, category: &str, activity: &str) -> Option<&ActivityType> {
        let key = (self.service_key(service), fold(category), fold_activity(activity));
        let index = self.by_key.get(&key).or_else(|| self.by_other_name.get(&key))?;
        self.types.get(*index)
    }

    /// The folded keys of all activities that a name can mean: the name itself, then the keys of entries that have it
    /// as display name or alias.
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        let name = fold_activity(name);
        let others = self.keys_by_other_name.get(&name).into_iter().flatten().cloned();
        std::iter::once(name.clone()).chain(others.filter(|key| *key != name)).collect()
    }

    /// The folded key of a service, by its key or alias.
    pub fn service_key(&self, name: &str) -> String {
        let name = fold(name);
        self.service_keys.get(&name).cloned().unwrap_or(name)
    }

    /// The display name of a service: that of the catalogue, else the key.
    pub fn service_display_name(&self, key: &str) -> String {
        let folded = self.service_key(key);
        let known = self.services.iter().find(|service| fold(&service.key) == folded);
        known.map_or_else(|| key.trim().to_owned(), |service| service.display_name.clone())
    }

    /// The display name of a category: `GroupManagement` is `Group management`. Well-known capitals and keys with
    /// blanks are kept.
    pub fn category_display_name(key: &str) -> String {
        let key = key.trim();
        if key.contains(|c: char| !c.is_alphanumeric()) {
            return key.to_owned();
        }
        if let Some((_, spelled)) = SPELLED.iter().find(|(known, _)| *known == key) {
            return (*spelled).to_owned();
        }
        let mut words = words(key);
        for word in words.iter_mut().skip(1).filter(|word| !PROPER.contains(&word.as_str())) {
            let is_abbreviation = word.chars().all(char::is_uppercase);
            if !is_abbreviation {
                *word = word.to_lowercase();
            }
        }
        words.join(" ")
    }

    fn of(tables: table::Tables) -> Self {
        let mut types = tables.types;
        types.sort_by_cached_key(|entry| (fold(&entry.display_name), entry.service.clone(), entry.category.clone()));
        let (mut by_key, mut by_other_name) = (HashMap::new(), HashMap::new());
        let mut keys_by_other_name: HashMap<String, Vec<String>> = HashMap::new();
        for (index, entry) in types.iter().enumerate() {
            let (service, category, key) = (fold(&entry.service), fold(&entry.category), fold_activity(&entry.key));
            let others = entry.names().filter(|name| **name != entry.key).map(fold_activity);
            for other in others.filter(|other| *other != key) {
                by_other_name.entry((service.clone(), category.clone(), other.clone())).or_insert(index);
                let keys = keys_by_other_name.entry(other).or_default();
                if !keys.contains(&key) {
                    keys.push(key.clone());
                }
            }
            by_key.insert((service, category, key), index);
        }
        let service_keys = tables.service_aliases.iter().map(|(key, alias)| (fold(alias), fold(key))).collect();
        let services = services_of(&tables.sections, &tables.service_aliases);
        let categories = categories_of(&tables.sections);
        Self { types, services, categories, by_key, by_other_name, keys_by_other_name, service_keys }
    }
}

fn services_of(sections: &[(String, String)], aliases: &[(String, String)]) -> Vec<CatalogueService> {
    let mut services: BTreeMap<String, CatalogueService> = BTreeMap::new();
    for (service, category) in sections {
        let new = || CatalogueService {
            key: service.clone(),
            display_name: service.clone(),
            aliases: aliases.iter().filter(|(key, _)| key == service).map(|(_, alias)| alias.clone()).collect(),
            categories: Vec::new(),
        };
        services.entry(fold(service)).or_insert_with(new).categories.push(category.clone());
    }
    let mut services: Vec<_> = services.into_values().collect();
    for service in &mut services {
        service.categories.sort_by_cached_key(|key| fold(&Catalogue::category_display_name(key)));
    }
    services
}

fn categories_of(sections: &[(String, String)]) -> Vec<CatalogueCategory> {
    let mut categories: BTreeMap<String, CatalogueCategory> = BTreeMap::new();
    for (service, category) in sections {
        let display_name = Catalogue::category_display_name(category);
        let new = || CatalogueCategory { key: category.clone(), display_name, services: Vec::new() };
        categories.entry(fold(category)).or_insert_with(new).services.push(service.clone());
    }
    let mut categories: Vec<_> = categories.into_values().collect();
    categories.sort_by_cached_key(|category| fold(&category.display_name));
    for category in &mut categories {
        category.services.sort_by_cached_key(|service| fold(service));
    }
    categories
}

#[cfg(test)]
mod tests;
