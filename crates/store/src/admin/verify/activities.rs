//! Verifies the counters of the activity catalogue.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, tenant_log};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _};

use super::Verification;
use crate::write::activity_catalogue::PROPERTY_NAMES_MAX;
use crate::write::prepared::PreparedEvent;
use crate::write::snapshot_cache::ActivityKey;
use crate::{RecordedActivity, StoreError};
use model::fold::fold;

/// The expected counters of the activities in the catalogue. The catalogue's own limit bounds the memory.
#[derive(Debug, Default)]
pub(super) struct ActivityCounts {
    counted: BTreeMap<ActivityKey, CountedActivity>,
    uncatalogued: i64,
}

/// A catalogue row, and the counters expected for it.
#[derive(Debug)]
struct CountedActivity {
    row: activity_type::Model,
    property_names: BTreeSet<String>,
    first_seen_at: i64,
    last_seen_at: i64,
    event_count: i64,
    /// Activity, display name, resource type and operation type of the latest event.
    last: [String; 4],
}

impl ActivityCounts {
    /// Reads the catalogue and starts with zero counts.
    pub(super) async fn begin(snapshot: &DatabaseTransaction, tenant_id: i32) -> Result<Self, StoreError> {
        let rows = activity_type::Entity::find().filter(activity_type::Column::TenantId.eq(tenant_id));
        let mut counted = BTreeMap::new();
        for row in rows.all(snapshot).await? {
            let recorded = RecordedActivity::try_from(row.clone());
            let property_names = recorded.map(|recorded| recorded.property_names).unwrap_or_default();
            let key = [row.service.clone(), row.category.clone(), row.activity_key.clone()];
            counted.insert(
                key,
                CountedActivity {
                    row,
                    property_names: property_names.iter().map(|name| fold(name)).collect(),
                    first_seen_at: 0,
                    last_seen_at: 0,
                    event_count: 0,
                    last: Default::default(),
                },
            );
        }
        Ok(Self { counted, uncatalogued: 0 })
    }

    /// Counts an event. Returns whether the catalogue has the names of all its changed properties.
    pub(super) fn count(&mut self, event: &PreparedEvent) -> bool {
        let Some(counted) = self.counted.get_mut(&event.activity_key()) else {
            self.uncatalogued += 1;
            return true;
        };
        if counted.event_count == 0 {
            counted.first_seen_at = event.event.recorded_at;
        }
        counted.last_seen_at = event.event.recorded_at;
        counted.event_count += 1;
        let last = &event.activity;
        counted.last =
            [&last.activity, &last.display_name, &last.resource_type, &last.operation_type].map(Clone::clone);
        counted.property_names.len() >= PROPERTY_NAMES_MAX
            || event.property_names.keys().all(|name| counted.property_names.contains(name))
    }
}

impl Verification<'_> {
    /// Compares the counters with the catalogue.
    pub(super) fn compare_activity_counts(&mut self, head: &tenant_log::Model) {
        let Some(activity_counts) = self.activity_counts.take() else { return };
        let number_of_types = activity_counts.counted.len();
        for counted in activity_counts.counted.into_values() {
            let [activity, display_name, resource_type, operation_type] = counted.last;
            let expected = activity_type::Model {
                activity,
                display_name,
                resource_type,
                operation_type,
                first_seen_at: counted.first_seen_at,
                last_seen_at: counted.last_seen_at,
                event_count: counted.event_count,
                ..counted.row.clone()
            };
            let row = format!("(`{}` of `{}`) ", counted.row.activity_key, counted.row.service);
            self.compare(None, &row, &expected, &counted.row);
        }
        if i64::try_from(number_of_types).ok() != Some(head.activity_type_count) {
            self.difference(None, ["tenant_log", "activity_type_count"], "does not match the number of activities");
        }
        if activity_counts.uncatalogued != head.uncatalogued_count {
            let reason = "does not match the number of events outside the catalogue";
            self.difference(None, ["tenant_log", "uncatalogued_count"], reason);
        }
    }
}
