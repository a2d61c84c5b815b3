//! The properties that events counted together have in common. Strings are terms.

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
    pub id: i32,
    /// The term of the service.
    pub service: i32,
    /// The term of the category; 0 if the key counts actors.
    pub category: i32,
    /// The term of the activity; 0 if the key counts actors.
    pub activity_key: i32,
    /// The term of the actor's key; 0 if the key counts kinds of events.
    pub actor_key: i32,
    /// The number of the resource type; 0 if the key counts actors.
    pub resource_type: i16,
    /// The number of the operation type; 0 if the key counts actors.
    pub operation_type: i16,
    /// The number of the status; 0 if the key counts actors.
    pub status: i16,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
