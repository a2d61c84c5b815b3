//! Parts of the log that are summed up in `rollup`, and never change.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_block")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// Its number: 1, 2, 3, ... Each begins where the one before ends.
    #[sea_orm(primary_key, auto_increment = false)]
    pub block: i64,
    /// The last place of the log that is in it.
    pub last_sequence: i64,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
