//! Reads the catalogue of activities that a tenant has recorded.

use entity::activity_type;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::{Reader, StoreError};
use model::{OperationType, ResourceType, ServiceSet, Timestamp};

/// An activity that a tenant has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedActivity {
    /// The service, as the service spells it.
    pub service: String,
    /// The category, as the service spells it.
    pub category: String,
    /// The activity, as the service spells it.
    pub activity: String,
    /// The activity's name for users.
    pub display_name: String,
    /// The resource type of the latest event.
    pub resource_type: ResourceType,
    /// The operation type of the latest event.
    pub operation_type: OperationType,
    /// Names of properties that changed in its events.
    pub property_names: Vec<String>,
    /// When the first event was recorded.
    pub first_seen_at: Timestamp,
    /// When the latest event was recorded.
    pub last_seen_at: Timestamp,
    /// The number of events.
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
    /// Returns the recorded activities of the services that the scope shows.
    pub async fn recorded_activities(&self) -> Result<Vec<RecordedActivity>, StoreError> {
        let mut select = activity_type::Entity::find().filter(activity_type::Column::TenantId.eq(self.tenant_id));
        if let ServiceSet::Only(keys) = &self.scope.visible {
            select = select.filter(activity_type::Column::Service.is_in(keys));
        }
        let rows = self.with_timeout(select.all(&self.store.read)).await?;
        rows.into_iter().map(RecordedActivity::try_from).collect()
    }
}
