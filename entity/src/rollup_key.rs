//! The properties that events counted together have in common. Strings are folded.

use sea_orm::entity::prelude::*;

/// A row of the table. The columns have the names of the columns of `audit_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_key")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The id, unique within the tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The service.
    pub service: String,
    /// The category; empty if the key counts actors.
    pub category: String,
    /// The activity; empty if the key counts actors.
    pub activity_key: String,
    /// The resource type; empty if the key counts actors.
    pub resource_type: String,
    /// The operation type; empty if the key counts actors.
    pub operation_type: String,
    /// The status; empty if the key counts actors.
    pub status: String,
    /// The actor's key; empty if the key counts kinds of events.
    pub actor_key: String,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
