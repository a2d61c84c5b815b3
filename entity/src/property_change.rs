//! The property changes of events. Values are stored as hashes.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "property_change")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The event's sequence.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// The row's index within the event, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    /// When the event happened, in microseconds since 1970-01-01 UTC.
    pub occurred_at: i64,
    /// The index of the target that the change belongs to.
    pub target_ordinal: i32,
    /// The property's name, folded.
    pub name_key: String,
    /// The kind of change.
    pub change: String,
    /// 1 if the values are sensitive, otherwise 0.
    pub sensitive: i16,
    /// The equality hash of the old value.
    pub old_hash: Option<Vec<u8>>,
    /// The equality hash of the new value.
    pub new_hash: Option<Vec<u8>>,
    /// 1 on the first row of the event with this key, otherwise 0.
    pub is_first: i16,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
