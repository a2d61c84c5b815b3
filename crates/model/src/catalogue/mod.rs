//! The built-in catalogue: which activities can occur, in which category of which service.
//!
//! The facts are Microsoft's published lists of audit activities, kept as tables of names next to this file; what a
//! row does not say, the rules of [`super::classification`] decide. The catalogue is made once, when it is first used.
//! It informs and never restricts: events of services and activities that are not in it are recorded all the same.
//!
//! Names from older portals are aliases. What the oldest portal called a category is a service today; an activity that
//! it listed has the *legacy pair* of that category and resource type, so that it is still found under both.

mod table;
mod type_filter;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::fold::{fold, fold_activity, words};
use super::{OperationType, ResourceType};

pub use type_filter::{TypeChoice, TypeFilter};

/// An activity that can occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityType {
    /// The name that events carry.
    pub key: String,
    /// The activity as shown to people.
    pub display_name: String,
    /// The key of its category.
    pub category: String,
    /// The key of the service that logs it.
    pub service: String,
    /// The type of resource it acts on.
    pub resource_type: ResourceType,
    /// What kind of operation it is, if an event does not say it.
    pub operation_type: OperationType,
    /// Other names it is or was known by.
    pub aliases: Vec<String>,
    /// Under which category and resource type the oldest portal listed it.
    pub legacy: Vec<(String, ResourceType)>,
    /// The properties that it is known to change.
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
    /// The name that events carry.
    pub key: String,
    /// The service as shown to people.
    pub display_name: String,
    /// What older portals and interfaces called it.
    pub aliases: Vec<String>,
    /// The keys of its categories, sorted by display name.
    pub categories: Vec<String>,
}

/// A category of activities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueCategory {
    /// The name that events carry.
    pub key: String,
    /// The category as shown to people.
    pub display_name: String,
    /// The keys of the services that use it, sorted by display name.
    pub services: Vec<String>,
}

/// Words in the keys of categories that keep their capital.
const PROPER: &[&str] = &["Azure", "Kerberos", "Microsoft"];

/// Categories whose key does not show its words.
const SPELLED: &[(&str, &str)] = &[("EBookManagement", "eBook management")];

/// Folded service, category and activity: what an entry is found by.
type EntryKey = (String, String, String);

/// All activity types that are built in.
#[derive(Debug)]
pub struct Catalogue {
    types: Vec<ActivityType>,
    services: Vec<CatalogueService>,
    categories: Vec<CatalogueCategory>,
    by_key: HashMap<EntryKey, usize>,
    by_other_name: HashMap<EntryKey, usize>,
    keys_by_other_name: HashMap<String, Vec<String>>,
    /// Folded aliases of services, and the folded key each stands for.
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

    /// The entry of an activity: by its key, else by another of its names.
    pub fn find(&self, service: &str, category: &str, activity: &str) -> Option<&ActivityType> {
        let key = (self.service_key(service), fold(category), fold_activity(activity));
        let at = self.by_key.get(&key).or_else(|| self.by_other_name.get(&key))?;
        self.types.get(*at)
    }

    /// The folded keys of all activities that a name stands for: itself first, then those that have it as display
    /// name or alias.
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        let name = fold_activity(name);
        let others = self.keys_by_other_name.get(&name).into_iter().flatten().cloned();
        std::iter::once(name.clone()).chain(others.filter(|key| *key != name)).collect()
    }

    /// The folded key of the service that a name stands for: that of the service whose alias it is, else its own.
    pub fn service_key(&self, name: &str) -> String {
        let name = fold(name);
        self.service_keys.get(&name).cloned().unwrap_or(name)
    }

    /// A service as shown to people: as the catalogue spells it, else as it is.
    pub fn service_display_name(&self, key: &str) -> String {
        let folded = self.service_key(key);
        let known = self.services.iter().find(|service| fold(&service.key) == folded);
        known.map_or_else(|| key.trim().to_owned(), |service| service.display_name.clone())
    }

    /// A category as shown to people: `GroupManagement` is `Group management`. Capitals that are well known stay;
    /// what is written with blanks is left as it is.
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
        for (at, entry) in types.iter().enumerate() {
            let (service, category, key) = (fold(&entry.service), fold(&entry.category), fold_activity(&entry.key));
            let others = entry.names().filter(|name| **name != entry.key).map(fold_activity);
            for other in others.filter(|other| *other != key) {
                by_other_name.entry((service.clone(), category.clone(), other.clone())).or_insert(at);
                let keys = keys_by_other_name.entry(other).or_default();
                if !keys.contains(&key) {
                    keys.push(key.clone());
                }
            }
            by_key.insert((service, category, key), at);
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
