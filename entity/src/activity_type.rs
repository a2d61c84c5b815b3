//! Activities that a tenant has recorded, with counters.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activity_type")]
pub struct Model {
    /// Whose it is.
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
    /// The service as it writes itself.
    #[sea_orm(column_type = "Text")]
    pub service_name: String,
    /// The category as the service writes it.
    #[sea_orm(column_type = "Text")]
    pub category_name: String,
    /// The activity as the service writes it.
    #[sea_orm(column_type = "Text")]
    pub activity: String,
    /// The name shown to people.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// The type of resource.
    pub resource_type: String,
    /// The kind of operation.
    pub operation_type: String,
    /// Names of properties seen to change, as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub property_names: String,
    /// When such an event was first recorded.
    pub first_seen_at: i64,
    /// When such an event was last recorded.
    pub last_seen_at: i64,
    /// How many such events were recorded.
    pub event_count: i64,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
