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
    /// The index of the target that the change belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub target_ordinal: i16,
    /// The change's index within the target, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i16,
    /// When the event happened, in microseconds since 1970-01-01 UTC.
    pub occurred_at: i64,
    /// The term of the property's name.
    pub name_key: i32,
    /// A hash of the old value; 0 if there is none.
    pub old_hash: i32,
    /// A hash of the new value; 0 if there is none.
    pub new_hash: i32,
    /// The number of the kind of change, plus 8 if the values are sensitive.
    pub flags: i16,
    /// 1 on the first row of the event with this name, otherwise 0.
    pub is_first: i16,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
