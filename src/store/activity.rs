//! The activities a tenant has recorded, kept up to date in the transaction that records the events.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, tenant_log};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::{Reader, StoreError};
use crate::audit::fold::{fold, fold_activity};
use crate::audit::{NewEvent, OperationType, ResourceType, ServiceSet, Timestamp};

/// The most activities of a tenant that are catalogued; beyond, events are recorded but their activities are not.
const ACTIVITY_TYPES_MAX: i64 = 5_000;
/// The most names of changed properties that are kept of an activity.
const PROPERTY_NAMES_MAX: usize = 200;

/// An activity that a tenant has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedActivity {
    /// The service as it writes itself.
    pub service: String,
    /// The category as the service writes it.
    pub category: String,
    /// The activity as the service writes it.
    pub activity: String,
    /// The activity as shown to people.
    pub display_name: String,
    /// The type of resource it acted on last.
    pub resource_type: ResourceType,
    /// What kind of operation it was last.
    pub operation_type: OperationType,
    /// The properties seen to change in it.
    pub property_names: Vec<String>,
    /// When such an event was first recorded.
    pub first_seen_at: Timestamp,
    /// When such an event was last recorded.
    pub last_seen_at: Timestamp,
    /// How many such events were recorded.
    pub event_count: i64,
}

impl TryFrom<activity_type::Model> for RecordedActivity {
    type Error = StoreError;

    fn try_from(row: activity_type::Model) -> Result<Self, StoreError> {
        let corrupt = |column, reason: &str| StoreError::Corrupt {
            table: "activity_type",
            column,
            id: row.activity_key.clone(),
            reason: reason.to_owned(),
        };
        Ok(Self {
            resource_type: ResourceType::from_name(&row.resource_type)
                .ok_or_else(|| corrupt("resource_type", "no such type"))?,
            operation_type: OperationType::from_name(&row.operation_type)
                .ok_or_else(|| corrupt("operation_type", "no such type"))?,
            property_names: serde_json::from_str(&row.property_names)
                .map_err(|error| corrupt("property_names", &error.to_string()))?,
            service: row.service_name,
            category: row.category_name,
            activity: row.activity,
            display_name: row.display_name,
            first_seen_at: Timestamp(row.first_seen_at),
            last_seen_at: Timestamp(row.last_seen_at),
            event_count: row.event_count,
        })
    }
}

impl Reader {
    /// The activities recorded that the scope shows.
    pub async fn recorded_activities(&self) -> Result<Vec<RecordedActivity>, StoreError> {
        let mut select = activity_type::Entity::find().filter(activity_type::Column::TenantId.eq(self.tenant_id));
        if let ServiceSet::Only(keys) = &self.scope.visible {
            select = select.filter(activity_type::Column::Service.is_in(keys));
        }
        let rows = self.in_time(select.all(&self.store.read)).await?;
        rows.into_iter().map(RecordedActivity::try_from).collect()
    }
}

/// Counts new events under their activities.
pub(super) async fn observe<'a>(
    connection: &impl ConnectionTrait,
    head: &mut tenant_log::Model,
    events: impl Iterator<Item = &'a NewEvent>,
    recorded_at: Timestamp,
) -> Result<(), StoreError> {
    let mut seen: BTreeMap<[String; 3], Seen> = BTreeMap::new();
    for event in events {
        let body = event.body();
        let key = [fold(&body.service), fold(&body.category), fold_activity(&body.activity)];
        seen.entry(key).or_default().add(event);
    }
    let activity_keys: BTreeSet<&str> = seen.keys().map(|[_, _, activity]| activity.as_str()).collect();
    let known = activity_type::Entity::find()
        .filter(activity_type::Column::TenantId.eq(head.tenant_id))
        .filter(activity_type::Column::ActivityKey.is_in(activity_keys))
        .all(connection)
        .await?;
    let mut known: BTreeMap<[String; 3], activity_type::Model> = known
        .into_iter()
        .map(|row| ([row.service.clone(), row.category.clone(), row.activity_key.clone()], row))
        .collect();
    let mut rows = Vec::new();
    for (key, seen) in seen {
        let row = known.remove(&key);
        if row.is_none() {
            if head.activity_type_count >= ACTIVITY_TYPES_MAX {
                head.uncatalogued_count += seen.count;
                continue;
            }
            head.activity_type_count += 1;
        }
        if let Some(row) = seen.merged(head.tenant_id, key, row, recorded_at) {
            rows.push(row.into_active_model());
        }
    }
    for part in rows.chunks(500) {
        let mut conflict = OnConflict::columns([
            activity_type::Column::TenantId,
            activity_type::Column::Service,
            activity_type::Column::Category,
            activity_type::Column::ActivityKey,
        ]);
        conflict.update_columns([
            activity_type::Column::Activity,
            activity_type::Column::DisplayName,
            activity_type::Column::ResourceType,
            activity_type::Column::OperationType,
            activity_type::Column::PropertyNames,
            activity_type::Column::LastSeenAt,
            activity_type::Column::EventCount,
        ]);
        activity_type::Entity::insert_many(part.to_vec())
            .on_conflict(conflict)
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

/// A name as shown; NUL, which PostgreSQL cannot store, as keys have it.
fn storable(name: &str) -> String {
    name.replace('\0', "\u{fffd}")
}

/// What a batch holds of one activity.
#[derive(Default)]
struct Seen<'a> {
    last: Option<&'a NewEvent>,
    names: BTreeMap<String, String>,
    count: i64,
}

impl<'a> Seen<'a> {
    fn add(&mut self, event: &'a NewEvent) {
        let body = event.body();
        self.last = Some(event);
        for change in body.targets.iter().flat_map(|target| &target.modified_properties) {
            self.names.entry(fold(&change.name)).or_insert_with(|| change.name.clone());
        }
        self.count += 1;
    }

    fn merged(
        &self,
        tenant_id: i32,
        [service, category, activity_key]: [String; 3],
        row: Option<activity_type::Model>,
        recorded_at: Timestamp,
    ) -> Option<activity_type::Model> {
        let last = self.last?.body();
        let mut names: Vec<String> =
            row.as_ref().and_then(|row| serde_json::from_str(&row.property_names).ok()).unwrap_or_default();
        let known: BTreeSet<String> = names.iter().map(|name| fold(name)).collect();
        names.extend(self.names.iter().filter(|(key, _)| !known.contains(*key)).map(|(_, name)| name.clone()));
        names.truncate(PROPERTY_NAMES_MAX);
        let mut merged = row.unwrap_or_else(|| activity_type::Model {
            tenant_id,
            service,
            category,
            activity_key,
            service_name: storable(&last.service),
            category_name: storable(&last.category),
            activity: String::new(),
            display_name: String::new(),
            resource_type: String::new(),
            operation_type: String::new(),
            property_names: String::new(),
            first_seen_at: recorded_at.0,
            last_seen_at: recorded_at.0,
            event_count: 0,
        });
        merged.activity = storable(&last.activity);
        merged.display_name = storable(&last.activity_display_name);
        last.resource_type.name().clone_into(&mut merged.resource_type);
        last.operation_type.name().clone_into(&mut merged.operation_type);
        merged.property_names = serde_json::Value::from(names).to_string();
        merged.last_seen_at = recorded_at.0;
        merged.event_count += self.count;
        Some(merged)
    }
}
