//! The tenants, each with its own log.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    /// The id, unique within the tenant.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The key of the identity.
    pub key: String,
    /// The name shown to users.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// The domain names, as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub domains: String,
    /// 1 if reading and recording are refused, otherwise 0.
    pub is_disabled: i16,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
