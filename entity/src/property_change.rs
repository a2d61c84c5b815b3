//! What changed in an event, by hashes of the values.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "property_change")]
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
    /// Which target of the event it belongs to.
    pub target_ordinal: i32,
    /// The property's name, folded.
    pub name_key: String,
    /// How it changed.
    pub change: String,
    /// 1 if the values are sensitive.
    pub sensitive: i16,
    /// The value before, by its equality hash.
    pub old_hash: Option<Vec<u8>>,
    /// The value after, by its equality hash.
    pub new_hash: Option<Vec<u8>>,
    /// 1 on the first row of the event with this key.
    pub is_first: i16,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
