//! Maintains the catalogue of a tenant's activities, in the transaction that records the events.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, tenant_log};
use parking_lot::Mutex;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use crate::StoreError;
use crate::db::bulk;
use crate::write::prepared::PreparedEvent;
use crate::write::snapshot_cache::{ActivityKey, TenantSnapshots};
use model::Timestamp;
use model::fold::fold;

/// The most activities of a tenant in the catalogue. Events of further activities are recorded without a catalogue row.
const ACTIVITY_TYPES_MAX: i64 = 5_000;
/// The most property names stored with an activity.
pub(crate) const PROPERTY_NAMES_MAX: usize = 200;

/// Adds new events to the counters of their activities. Returns the activities whose stored property names were read
/// or written, for the cache.
pub(crate) async fn count_activities(
    connection: &impl ConnectionTrait,
    head: &mut tenant_log::Model,
    events: &[&mut PreparedEvent],
    cache: &Mutex<TenantSnapshots>,
    recorded_at: Timestamp,
) -> Result<Vec<(ActivityKey, BTreeSet<String>)>, StoreError> {
    /// An empty `property_names` leaves the stored names unchanged.
    const CONFLICT: &str = "ON CONFLICT (tenant_id, service, category, activity_key) DO UPDATE SET
        activity = excluded.activity, display_name = excluded.display_name, resource_type = excluded.resource_type,
        operation_type = excluded.operation_type, last_seen_at = excluded.last_seen_at,
        event_count = activity_type.event_count + excluded.event_count,
        property_names = CASE excluded.property_names
            WHEN '' THEN activity_type.property_names ELSE excluded.property_names END";
    let mut batch: BTreeMap<ActivityKey, BatchActivity> = BTreeMap::new();
    for event in events {
        batch.entry(event.activity_key()).or_default().add(event);
    }
    let uncached: BTreeMap<&ActivityKey, &BatchActivity> = {
        let mut cached = cache.lock();
        batch
            .iter()
            .filter(|(key, batch)| {
                !cached.activity(key).is_some_and(|property_names| batch.is_covered_by(property_names))
            })
            .collect()
    };
    let mut stored_rows = stored_rows(connection, head.tenant_id, uncached.keys().copied()).await?;
    let (mut rows, mut cache_updates) = (Vec::with_capacity(batch.len()), Vec::new());
    for (key, batch) in &batch {
        let mut property_names = String::new();
        if uncached.contains_key(key) {
            let row = stored_rows.remove(key);
            if row.is_none() && head.activity_type_count >= ACTIVITY_TYPES_MAX {
                head.uncatalogued_count += batch.count;
                continue;
            }
            head.activity_type_count += i64::from(row.is_none());
            let names = batch.merged_names(row.as_ref());
            cache_updates.push((key.clone(), names.iter().map(|name| fold(name)).collect()));
            property_names = serde_json::Value::from(names).to_string();
        }
        rows.extend(batch.row(property_names, recorded_at));
    }
    bulk::insert(connection, &rows.iter().collect::<Vec<_>>(), CONFLICT).await?;
    Ok(cache_updates)
}

/// Reads the stored rows of activities.
async fn stored_rows(
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

/// The events of one activity in a batch.
#[derive(Default)]
struct BatchActivity<'a> {
    last: Option<&'a activity_type::Model>,
    property_names: BTreeMap<&'a str, &'a str>,
    count: i64,
}

impl<'a> BatchActivity<'a> {
    fn add(&mut self, event: &'a PreparedEvent) {
        self.last = Some(&event.activity);
        for (key, name) in &event.property_names {
            self.property_names.entry(key).or_insert(name);
        }
        self.count += 1;
    }

    /// Returns whether the stored names already cover those of the batch.
    fn is_covered_by(&self, stored_names: &BTreeSet<String>) -> bool {
        stored_names.len() >= PROPERTY_NAMES_MAX || self.property_names.keys().all(|name| stored_names.contains(*name))
    }

    /// Returns the stored names followed by the new ones.
    fn merged_names(&self, row: Option<&activity_type::Model>) -> Vec<String> {
        let stored_names = row.map(|row| serde_json::from_str::<Vec<String>>(&row.property_names)).transpose();
        let stored_names = stored_names.unwrap_or_else(|error| {
            // Recording continues: the list of names starts again.
            tracing::error!(activity = row.map(|row| row.activity.as_str()), %error, "stored property names are invalid");
            None
        });
        let mut property_names = stored_names.unwrap_or_default();
        let stored_keys: BTreeSet<String> = property_names.iter().map(|name| fold(name)).collect();
        let new = self.property_names.iter().filter(|(key, _)| !stored_keys.contains(**key));
        property_names.extend(new.map(|(_, name)| (*name).to_owned()));
        property_names.truncate(PROPERTY_NAMES_MAX);
        property_names
    }

    /// Returns the row to insert if the activity is new.
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
