//! Blocks of the log that `rollup` counts. Blocks never change.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_block")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The number, from 1. Each block starts where the previous one ends.
    #[sea_orm(primary_key, auto_increment = false)]
    pub block: i32,
    /// The greatest sequence in the block.
    pub last_sequence: i64,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
