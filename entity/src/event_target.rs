//! The targets of events.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_target")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The event's sequence.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// The target's index within the event, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i16,
    /// When the event happened, in microseconds since 1970-01-01 UTC.
    pub occurred_at: i64,
    /// The id of the target's snapshot.
    pub target_id: i32,
    /// The term of the target's key.
    pub target_key: i32,
    /// 1 on the first row of the event with this key, otherwise 0.
    pub is_first: i16,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
