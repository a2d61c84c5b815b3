//! What an event acted on.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_target")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The event's place in the log.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// Its place within the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// When it happened, in microseconds since 1970.
    pub occurred_at: i64,
    /// The target's snapshot.
    pub target_id: i64,
    /// The target's identity.
    pub target_key: String,
    /// 1 on the first row of the event with this key.
    pub is_first: i16,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
