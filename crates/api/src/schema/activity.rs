//! Activity types, services and categories: those of the catalogue together with those that the tenant has recorded.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};

use crate::engine::context::ContextExt as _;
use crate::error::ApiError;
use crate::schema::enums::{OperationType, ResourceType};
use crate::schema::id::ObjectId;
use crate::schema::scalar::{Count, DateTime};
use model::catalogue::{ActivityType, Catalogue, catalogue};
use model::fold::{fold, fold_activity};
use model::{EventBody, Scope, Timestamp};
use store::RecordedActivity;

/// The key of an activity type: folded service, category and activity.
pub(crate) type ActivityTypeKey = [String; 3];

/// An activity type and the statistics of its recorded events.
#[derive(Clone, Debug)]
struct ActivityTypeEntry {
    key: ActivityTypeKey,
    base: Cow<'static, ActivityType>,
    recorded: Option<RecordedActivity>,
}

/// A category of a service, spelled as in the catalogue, else as recorded.
#[derive(Clone, Debug)]
struct Section {
    service: String,
    category: String,
}

/// The activity types that a caller may see, by key, and the categories of services, by folded service and category.
#[derive(Debug)]
pub struct ActivityTypeList {
    entries: BTreeMap<ActivityTypeKey, Arc<ActivityTypeEntry>>,
    sections: BTreeMap<[String; 2], Section>,
}

impl ActivityTypeList {
    /// The list of a request, created on first use.
    pub async fn of(ctx: &Context<'_>) -> Result<Arc<Self>, ApiError> {
        let reader = ctx.reader()?;
        let list = ctx.session()?.activity_types();
        let list = list.get_or_try_init(async || {
            let recorded = reader.recorded_activities().await?;
            Ok::<_, ApiError>(Arc::new(Self::new(recorded, reader.scope())))
        });
        list.await.cloned()
    }

    fn new(recorded: Vec<RecordedActivity>, scope: &Scope) -> Self {
        let mut entries = BTreeMap::new();
        for base in catalogue().types() {
            let key = [fold(&base.service), fold(&base.category), fold_activity(&base.key)];
            if scope.visible.contains(&key[0]) {
                let entry = ActivityTypeEntry { key: key.clone(), base: Cow::Borrowed(base), recorded: None };
                entries.insert(key, entry);
            }
        }
        for activity in recorded {
            let key = [fold(&activity.service), fold(&activity.category), fold_activity(&activity.activity)];
            let entry = entries.entry(key.clone()).or_insert_with(|| ActivityTypeEntry {
                key,
                base: Cow::Owned(base(&activity)),
                recorded: None,
            });
            entry.recorded = Some(activity);
        }
        let built_in = catalogue().services().iter().flat_map(|service| {
            let section = |category: &String| Section { service: service.key.clone(), category: category.clone() };
            service.categories.iter().map(section)
        });
        let recorded = entries.values().map(|entry: &ActivityTypeEntry| Section {
            service: entry.base.service.clone(),
            category: entry.base.category.clone(),
        });
        // The catalogue comes first, so its spelling takes precedence over recorded ones.
        let mut sections = BTreeMap::new();
        let (mut services, mut categories) = (BTreeMap::new(), BTreeMap::new());
        for section in built_in.chain(recorded) {
            let key = [fold(&section.service), fold(&section.category)];
            let service = services.entry(key[0].clone()).or_insert(section.service).clone();
            let category = categories.entry(key[1].clone()).or_insert(section.category).clone();
            if scope.visible.contains(&key[0]) {
                sections.entry(key).or_insert(Section { service, category });
            }
        }
        Self { entries: entries.into_iter().map(|(key, entry)| (key, Arc::new(entry))).collect(), sections }
    }

    /// The activity type of an event.
    pub fn entry(&self, body: &EventBody) -> Option<AuditActivityType> {
        self.entry_of(&[fold(&body.service), fold(&body.category), fold_activity(&body.activity)])
    }

    /// The activity type with a key.
    pub(crate) fn entry_of(&self, key: &ActivityTypeKey) -> Option<AuditActivityType> {
        self.entries.get(key).map(|entry| AuditActivityType(Arc::clone(entry)))
    }

    /// The types that match, sorted by display name and key.
    pub fn types(&self, matches: impl Fn(&ActivityType) -> bool) -> Vec<AuditActivityType> {
        let mut types: Vec<_> = self.entries.values().filter(|entry| matches(&entry.base)).cloned().collect();
        // The entries are sorted by key, and the sort keeps the order of equal names.
        types.sort_by_cached_key(|entry| fold(&entry.base.display_name));
        types.into_iter().map(AuditActivityType).collect()
    }

    /// The service with a folded key.
    pub(crate) fn service(&self, key: &str) -> Option<AuditService> {
        self.services().into_iter().find(|service| fold(&service.key) == key)
    }

    /// The category with a folded key.
    pub(crate) fn category(&self, key: &str) -> Option<AuditCategory> {
        self.categories(|_| true).into_iter().find(|category| fold(&category.key) == key)
    }

    /// The services, sorted by display name.
    pub fn services(&self) -> Vec<AuditService> {
        let mut services: BTreeMap<&str, AuditService> = BTreeMap::new();
        for ([service, _], section) in &self.sections {
            services.entry(service).or_insert_with(|| AuditService {
                key: section.service.clone(),
                display_name: catalogue().service_display_name(&section.service),
                categories: self.categories(|own| own == service),
                last_recorded_at: None,
                event_count: Count(0),
            });
        }
        for ([service, _, _], entry) in &self.entries {
            if let (Some(listed), Some(recorded)) = (services.get_mut(service.as_str()), &entry.recorded) {
                let last = listed
                    .last_recorded_at
                    .map_or(recorded.last_seen_at, |earlier| earlier.0.max(recorded.last_seen_at));
                listed.last_recorded_at = Some(DateTime(last));
                listed.event_count.0 += recorded.event_count;
            }
        }
        let mut services: Vec<_> = services.into_values().collect();
        services.sort_by_cached_key(|service| fold(&service.display_name));
        services
    }

    /// The categories of the services whose folded key matches, sorted by display name.
    pub fn categories(&self, matches: impl Fn(&str) -> bool) -> Vec<AuditCategory> {
        let mut categories: BTreeMap<&str, AuditCategory> = BTreeMap::new();
        for ([_, category], section) in &self.sections {
            let listed = categories.entry(category).or_insert_with(|| AuditCategory {
                key: section.category.clone(),
                display_name: Catalogue::category_display_name(&section.category),
                services: Vec::new(),
            });
            listed.services.push(section.service.clone());
        }
        let used: BTreeSet<&str> = self
            .sections
            .keys()
            .filter(|[service, _]| matches(service))
            .map(|[_, category]| category.as_str())
            .collect();
        let mut categories: Vec<_> =
            categories.into_iter().filter(|(key, _)| used.contains(key)).map(|(_, category)| category).collect();
        categories.sort_by_cached_key(|category| fold(&category.display_name));
        categories
    }
}

/// The activity type of a recorded activity that is not in the catalogue.
fn base(activity: &RecordedActivity) -> ActivityType {
    ActivityType {
        key: activity.activity.clone(),
        display_name: activity.display_name.clone(),
        category: activity.category.clone(),
        service: activity.service.clone(),
        resource_type: activity.resource_type,
        operation_type: activity.operation_type,
        aliases: Vec::new(),
        legacy: Vec::new(),
        property_names: Vec::new(),
    }
}

/// An activity type, shared with the list of the request.
#[derive(Clone, Debug)]
pub struct AuditActivityType(Arc<ActivityTypeEntry>);

impl AuditActivityType {
    /// The folded service, category and activity.
    pub(crate) fn key(&self) -> ActivityTypeKey {
        self.0.key.clone()
    }

    /// The folded display name.
    pub(crate) fn sort_name(&self) -> String {
        fold(&self.0.base.display_name)
    }

    fn seen(&self, time: fn(&RecordedActivity) -> Timestamp) -> Option<DateTime> {
        self.0.recorded.as_ref().map(|recorded| DateTime(time(recorded)))
    }
}

/// An activity that can occur in a category of a service.
#[Object]
impl AuditActivityType {
    /// The entry's global id: the same for every spelling of service, category and activity.
    pub(crate) async fn id(&self) -> ID {
        ObjectId::ActivityType(self.key()).to_global()
    }
    /// The key of the activity in events and filters. Several services and categories may have an activity of this key.
    #[graphql(name = "key")]
    async fn activity_key(&self) -> &str {
        &self.0.base.key
    }
    /// The display name of the activity.
    async fn display_name(&self) -> &str {
        &self.0.base.display_name
    }
    /// The key of its category.
    async fn category(&self) -> &str {
        &self.0.base.category
    }
    /// The key of the service (workload) that logs it.
    async fn service(&self) -> &str {
        &self.0.base.service
    }
    /// The type of resource that the activity acts on.
    async fn resource_type(&self) -> ResourceType {
        self.0.base.resource_type.into()
    }
    /// The kind of operation.
    async fn operation_type(&self) -> OperationType {
        self.0.base.operation_type.into()
    }
    /// Other current and former names, including those of older portals; filters accept them.
    async fn aliases(&self) -> &[String] {
        &self.0.base.aliases
    }
    /// The names of properties that the activity is known to change.
    async fn modified_property_names(&self) -> Vec<String> {
        let recorded = self.0.recorded.iter().flat_map(|recorded| &recorded.property_names);
        let names = self.0.base.property_names.iter().chain(recorded);
        let names: BTreeMap<String, &String> = names.map(|name| (fold(name), name)).collect();
        names.into_values().cloned().collect()
    }
    /// Whether the activity is in the built-in catalogue.
    async fn is_built_in(&self) -> bool {
        matches!(self.0.base, Cow::Borrowed(_))
    }
    /// The time at which this tenant first recorded the activity; null if never.
    async fn first_seen_at(&self) -> Option<DateTime> {
        self.seen(|recorded| recorded.first_seen_at)
    }
    /// The time at which this tenant last recorded the activity; null if never.
    async fn last_seen_at(&self) -> Option<DateTime> {
        self.seen(|recorded| recorded.last_seen_at)
    }
    /// The number of events of this kind that the tenant has recorded.
    async fn event_count(&self) -> Count {
        Count(self.0.recorded.as_ref().map_or(0, |recorded| recorded.event_count))
    }
}

/// A service (workload) that logs events, such as `Core Directory` or `Microsoft Intune`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct AuditService {
    /// The key in events and filters.
    key: String,
    /// The display name of the service.
    display_name: String,
    /// The categories of its events, for a menu or a filter.
    categories: Vec<AuditCategory>,
    /// The time at which this tenant last recorded an event of the service; null if never.
    last_recorded_at: Option<DateTime>,
    /// The number of events of this kind that the tenant has recorded.
    event_count: Count,
}

/// A category of audit events, such as `GroupManagement` or `DeviceConfiguration`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct AuditCategory {
    /// The key in events and filters.
    key: String,
    /// The display name of the category.
    display_name: String,
    /// The keys of the services (workloads) that use it.
    services: Vec<String>,
}

#[ComplexObject]
impl AuditService {
    /// The service's global id.
    pub(crate) async fn id(&self) -> ID {
        ObjectId::Service(fold(&self.key)).to_global()
    }
}

#[ComplexObject]
impl AuditCategory {
    /// The category's global id: the same in all services.
    pub(crate) async fn id(&self) -> ID {
        ObjectId::Category(fold(&self.key)).to_global()
    }
}
