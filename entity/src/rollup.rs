//! Counts of events by key and span of time, per block.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// What is counted, and the length of the spans: 0 kinds of events per quarter hour, 1 kinds of events per day, 2
    /// actors per day.
    #[sea_orm(primary_key, auto_increment = false)]
    pub grain: i16,
    /// The start of the span, in microseconds since 1970-01-01 UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub starts_at: i64,
    /// The block's number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub block: i32,
    /// The id of the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: i32,
    /// The number of events.
    pub events: i64,
    /// The greatest sequence among the events.
    pub newest: i64,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
