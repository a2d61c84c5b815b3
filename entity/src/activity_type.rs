//! The catalogue of activities that a tenant has recorded, with counters.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activity_type")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The service, folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub service: String,
    /// The category, folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub category: String,
    /// The activity, folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub activity_key: String,
    /// The service, as it spells itself.
    #[sea_orm(column_type = "Text")]
    pub service_name: String,
    /// The category, as the service spells it.
    #[sea_orm(column_type = "Text")]
    pub category_name: String,
    /// The activity, as the service spells it.
    #[sea_orm(column_type = "Text")]
    pub activity: String,
    /// The name shown to users.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// The resource type.
    pub resource_type: String,
    /// The operation type.
    pub operation_type: String,
    /// Names of changed properties, as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub property_names: String,
    /// When the first event was recorded, in microseconds since 1970-01-01 UTC.
    pub first_seen_at: i64,
    /// When the latest event was recorded, in microseconds since 1970-01-01 UTC.
    pub last_seen_at: i64,
    /// The number of events.
    pub event_count: i64,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
