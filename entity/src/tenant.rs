//! The tenants, each with its own log.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    /// Its number.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The identity it stands for.
    pub key: String,
    /// The name shown to people.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// The domain names that belong to it, as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub domains: String,
    /// 1 if nothing may be read or recorded any more.
    pub is_disabled: i16,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
