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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use super::classification::{operation_type, resource_type};
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
    /// The operation type, unless an application states another.
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
    /// The entries of an activity by its folded names.
    by_activity: HashMap<String, Vec<usize>>,
    /// The folded keys of services by their folded aliases.
    service_keys: HashMap<String, String>,
}

/// The service of Entra's events by the routes that do not name the service that logged them.
pub const ENTRA: &str = "Microsoft Entra ID";

/// The service that most of Entra's activities belong to.
const CORE_DIRECTORY: &str = "core directory";

/// What decides the operation type and the resource type of an event.
#[derive(Clone, Copy, Debug)]
pub struct Activity<'a> {
    /// The key of the service.
    pub service: &'a str,
    /// The key of the category.
    pub category: &'a str,
    /// The name of the activity.
    pub activity: &'a str,
    /// The source's term for the operation.
    pub verb: Option<&'a str>,
}

/// The operation type and the resource type of an event: those of the catalogue entry of its activity, so that an
/// activity has the same types by every route; for an activity that is not in the catalogue, those by the rules of
/// [`super::classification`].
pub fn kinds<'a>(
    event: Activity<'a>,
    target_types: impl IntoIterator<Item = &'a str>,
) -> (OperationType, ResourceType) {
    let entry = catalogue().find(event.service, event.category, event.activity);
    let entries = entry.map_or_else(|| catalogue().entries_of(event.service, event.activity), |entry| vec![entry]);
    let same = |kind: fn(&ActivityType) -> ResourceType| {
        let first = entries.first().map(|entry| kind(entry))?;
        entries.iter().all(|entry| kind(entry) == first).then_some(first)
    };
    let by_rules = || {
        // In the unified audit log, the category of Entra's events is the type of the target.
        let is_target_type = fold(event.service) == fold(ENTRA) && !catalogue().has_category(event.category);
        let category = if is_target_type { "" } else { event.category };
        let target_type = Some(event.category).filter(|_| is_target_type);
        resource_type(category, event.activity, target_types.into_iter().chain(target_type))
    };
    let resource = same(|entry| entry.resource_type).unwrap_or_else(by_rules);
    let operation = entries.first().map(|entry| entry.operation_type);
    (operation.unwrap_or_else(|| operation_type(event.verb, event.activity)), resource)
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

    fn has_category(&self, category: &str) -> bool {
        let key = fold(category);
        self.categories.iter().any(|known| fold(&known.key) == key)
    }

    /// The entries of an activity of a service, in any category. An event of Entra that does not name the service has the
    /// entries of the directory, else those of all services.
    fn entries_of(&self, service: &str, activity: &str) -> Vec<&ActivityType> {
        let service = self.service_key(service);
        let indexes = self.by_activity.get(&fold_activity(activity)).into_iter().flatten();
        let all: Vec<&ActivityType> = indexes.filter_map(|index| self.types.get(*index)).collect();
        let of =
            |service: &str| all.iter().copied().filter(|entry| fold(&entry.service) == service).collect::<Vec<_>>();
        if service != fold(ENTRA) {
            return of(&service);
        }
        let directory = of(CORE_DIRECTORY);
        if directory.is_empty() { all } else { directory }
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
        let mut by_activity: HashMap<String, Vec<usize>> = HashMap::new();
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
            let names: BTreeSet<String> = entry.names().map(fold_activity).collect();
            for name in names {
                by_activity.entry(name).or_default().push(index);
            }
            by_key.insert((service, category, key), index);
        }
        let service_keys = tables.service_aliases.iter().map(|(key, alias)| (fold(alias), fold(key))).collect();
        let services = services_of(&tables.sections, &tables.service_aliases);
        let categories = categories_of(&tables.sections);
        Self { types, services, categories, by_key, by_other_name, keys_by_other_name, by_activity, service_keys }
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
