//! What the events that are counted together have in common. Texts are folded.

use sea_orm::entity::prelude::*;

/// A row of the table. The columns are called as those of the events are, so that a condition on them is the same.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_key")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// Its number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The service.
    pub service: String,
    /// The category; empty where actors are counted.
    pub category: String,
    /// The activity, likewise.
    pub activity_key: String,
    /// The type of resource, likewise.
    pub resource_type: String,
    /// The kind of operation, likewise.
    pub operation_type: String,
    /// How it ended, likewise.
    pub status: String,
    /// The actor; empty where it is kinds of events that are counted.
    pub actor_key: String,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
