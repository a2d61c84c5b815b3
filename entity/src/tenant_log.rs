//! The head of a tenant's log: the row that every recording transaction locks.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_log")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// Names this log; a restored log gets another.
    #[sea_orm(column_type = "Text")]
    pub log_id: String,
    /// The newest place in the log.
    pub last_sequence: i64,
    /// When something was last recorded.
    pub last_recorded_at: i64,
    /// The newest actor.
    pub last_actor_id: i64,
    /// The newest target.
    pub last_target_id: i64,
    /// How many activities are catalogued.
    pub activity_type_count: i64,
    /// How many events found the catalogue full.
    pub uncatalogued_count: i64,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
