//! The activities a tenant has recorded, kept up to date in the transaction that records the events.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, tenant_log};
use parking_lot::Mutex;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use crate::StoreError;
use crate::db::bulk;
use crate::write::prepared::Prepared;
use crate::write::snapshot_cache::{ActivityKey, Known};
use model::Timestamp;
use model::fold::fold;

/// The most activities of a tenant that are catalogued; beyond, events are recorded but their activities are not.
const ACTIVITY_TYPES_MAX: i64 = 5_000;
/// The most names of changed properties that are kept of an activity.
pub(crate) const PROPERTY_NAMES_MAX: usize = 200;

/// Counts new events under their activities. Returns those that are stored then, with the names of all their
/// properties.
pub(crate) async fn observe(
    connection: &impl ConnectionTrait,
    head: &mut tenant_log::Model,
    events: &[&mut Prepared],
    memory: &Mutex<Known>,
    recorded_at: Timestamp,
) -> Result<Vec<(ActivityKey, BTreeSet<String>)>, StoreError> {
    /// Empty names mean that nothing is new about them.
    const CONFLICT: &str = "ON CONFLICT (tenant_id, service, category, activity_key) DO UPDATE SET
        activity = excluded.activity, display_name = excluded.display_name, resource_type = excluded.resource_type,
        operation_type = excluded.operation_type, last_seen_at = excluded.last_seen_at,
        event_count = activity_type.event_count + excluded.event_count,
        property_names = CASE excluded.property_names
            WHEN '' THEN activity_type.property_names ELSE excluded.property_names END";
    let mut seen: BTreeMap<ActivityKey, Seen> = BTreeMap::new();
    for event in events {
        seen.entry(event.activity_key()).or_default().add(event);
    }
    let unknown: BTreeMap<&ActivityKey, &Seen> = {
        let mut known = memory.lock();
        seen.iter().filter(|(key, seen)| !known.activity(key).is_some_and(|names| seen.adds_nothing(names))).collect()
    };
    let mut stored = stored(connection, head.tenant_id, unknown.keys().copied()).await?;
    let (mut rows, mut learnt) = (Vec::with_capacity(seen.len()), Vec::new());
    for (key, seen) in &seen {
        let mut property_names = String::new();
        if unknown.contains_key(key) {
            let row = stored.remove(key);
            if row.is_none() && head.activity_type_count >= ACTIVITY_TYPES_MAX {
                head.uncatalogued_count += seen.count;
                continue;
            }
            head.activity_type_count += i64::from(row.is_none());
            let names = seen.merged_names(row.as_ref());
            learnt.push((key.clone(), names.iter().map(|name| fold(name)).collect()));
            property_names = serde_json::Value::from(names).to_string();
        }
        rows.extend(seen.row(property_names, recorded_at));
    }
    bulk::insert(connection, &rows.iter().collect::<Vec<_>>(), CONFLICT).await?;
    Ok(learnt)
}

/// The rows of activities that are stored.
async fn stored(
    connection: &impl ConnectionTrait,
    tenant_id: i32,
    keys: impl Iterator<Item = &ActivityKey>,
) -> Result<BTreeMap<ActivityKey, activity_type::Model>, StoreError> {
    let activities: BTreeSet<&str> = keys.map(|[_, _, activity]| activity.as_str()).collect();
    if activities.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = activity_type::Entity::find()
        .filter(activity_type::Column::TenantId.eq(tenant_id))
        .filter(activity_type::Column::ActivityKey.is_in(activities))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| ([&row.service, &row.category, &row.activity_key].map(Clone::clone), row)).collect())
}

/// What a batch holds of one activity.
#[derive(Default)]
struct Seen<'a> {
    last: Option<&'a activity_type::Model>,
    names: BTreeMap<&'a str, &'a str>,
    count: i64,
}

impl<'a> Seen<'a> {
    fn add(&mut self, event: &'a Prepared) {
        self.last = Some(&event.activity);
        for (key, name) in &event.names {
            self.names.entry(key).or_insert(name);
        }
        self.count += 1;
    }

    /// Whether these names, which are stored, stay as they are.
    fn adds_nothing(&self, stored: &BTreeSet<String>) -> bool {
        stored.len() >= PROPERTY_NAMES_MAX || self.names.keys().all(|name| stored.contains(*name))
    }

    /// The names that are stored and those that come to them.
    fn merged_names(&self, row: Option<&activity_type::Model>) -> Vec<String> {
        let stored = row.map(|row| serde_json::from_str::<Vec<String>>(&row.property_names)).transpose();
        let stored = stored.unwrap_or_else(|error| {
            // Recording goes on; the names are gathered anew.
            tracing::error!(activity = row.map(|row| row.activity.as_str()), %error, "property names cannot be read");
            None
        });
        let mut names = stored.unwrap_or_default();
        let known: BTreeSet<String> = names.iter().map(|name| fold(name)).collect();
        let new = self.names.iter().filter(|(key, _)| !known.contains(**key));
        names.extend(new.map(|(_, name)| (*name).to_owned()));
        names.truncate(PROPERTY_NAMES_MAX);
        names
    }

    /// The row as it is where there is none yet.
    fn row(&self, property_names: String, recorded_at: Timestamp) -> Option<activity_type::Model> {
        Some(activity_type::Model {
            property_names,
            first_seen_at: recorded_at.0,
            last_seen_at: recorded_at.0,
            event_count: self.count,
            ..self.last?.clone()
        })
    }
}
