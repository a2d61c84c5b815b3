//! Terms: the folded strings that events share, each with the number by which other tables refer to it. Rows never
//! change.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "term")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The number, unique within the tenant and greater than 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// What the string is: the number of a kind of term.
    pub kind: i16,
    /// The string, folded.
    pub key: String,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
