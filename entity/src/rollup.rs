//! Events counted by what they have in common and when they happened, block by block.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// What is counted in spans of which length.
    #[sea_orm(primary_key, auto_increment = false)]
    pub grain: i16,
    /// When the span starts, in microseconds since 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub starts_at: i64,
    /// The block.
    #[sea_orm(primary_key, auto_increment = false)]
    pub block: i64,
    /// What the events have in common.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: i64,
    /// How many they are.
    pub events: i64,
    /// The last of them in the log.
    pub newest: i64,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
