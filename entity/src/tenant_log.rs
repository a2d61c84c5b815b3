//! The head of a tenant's log: the row that every recording transaction locks.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_log")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The log's id. A restored log gets a new one.
    #[sea_orm(column_type = "Text")]
    pub log_id: String,
    /// The greatest sequence.
    pub last_sequence: i64,
    /// When the latest event was recorded, in microseconds since 1970-01-01 UTC.
    pub last_recorded_at: i64,
    /// The greatest number of a term.
    pub last_term_id: i64,
    /// The greatest id of an actor.
    pub last_actor_id: i64,
    /// The greatest id of a target.
    pub last_target_id: i64,
    /// The number of activities in the catalogue.
    pub activity_type_count: i64,
    /// The number of events whose activity is not in the catalogue, because it was full.
    pub uncatalogued_count: i64,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
