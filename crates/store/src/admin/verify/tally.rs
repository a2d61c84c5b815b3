//! The catalogue's counters, counted again.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, tenant_log};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _};

use super::Look;
use crate::write::activity_catalogue::PROPERTY_NAMES_MAX;
use crate::write::prepared::Prepared;
use crate::write::snapshot_cache::ActivityKey;
use crate::{RecordedActivity, StoreError};
use model::fold::fold;

/// The activities of the catalogue; what is not in it is only counted, so the catalogue's own bound is ours.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counted: BTreeMap<ActivityKey, Counted>,
    uncatalogued: i64,
}

/// What the catalogue says of an activity, and what was counted.
#[derive(Debug)]
struct Counted {
    row: activity_type::Model,
    property_names: BTreeSet<String>,
    first_seen_at: i64,
    last_seen_at: i64,
    event_count: i64,
    /// What the last event of it says.
    last: [String; 4],
}

impl Tally {
    /// Begins to count.
    pub(super) async fn begin(snapshot: &DatabaseTransaction, tenant_id: i32) -> Result<Self, StoreError> {
        let rows = activity_type::Entity::find().filter(activity_type::Column::TenantId.eq(tenant_id));
        let mut counted = BTreeMap::new();
        for row in rows.all(snapshot).await? {
            let known = RecordedActivity::try_from(row.clone());
            let names = known.map(|known| known.property_names).unwrap_or_default();
            let key = [row.service.clone(), row.category.clone(), row.activity_key.clone()];
            counted.insert(
                key,
                Counted {
                    row,
                    property_names: names.iter().map(|name| fold(name)).collect(),
                    first_seen_at: 0,
                    last_seen_at: 0,
                    event_count: 0,
                    last: Default::default(),
                },
            );
        }
        Ok(Self { counted, uncatalogued: 0 })
    }

    /// Counts an event; tells whether the names of what it changed are in the catalogue.
    pub(super) fn count(&mut self, event: &Prepared) -> bool {
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
            || event.names.keys().all(|name| counted.property_names.contains(name))
    }
}

impl Look<'_> {
    /// Compares what was counted with what is stored.
    pub(super) fn compare_tally(&mut self, head: &tenant_log::Model) {
        let tally = std::mem::take(&mut self.tally);
        let number_of_types = tally.counted.len();
        for counted in tally.counted.into_values() {
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
            let row = format!("of `{}` in `{}` ", counted.row.activity_key, counted.row.service);
            self.compare(None, &row, &expected, &counted.row);
        }
        if i64::try_from(number_of_types).ok() != Some(head.activity_type_count) {
            self.differs(None, ["tenant_log", "activity_type_count"], "is not how many there are");
        }
        if tally.uncatalogued != head.uncatalogued_count {
            let reason = "is not how many events have an activity that is not in the catalogue";
            self.differs(None, ["tenant_log", "uncatalogued_count"], reason);
        }
    }
}
