//! Snapshots of targets as events describe them. Rows never change. Strings are folded.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "target")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The id, unique within the tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The term of the target's key, the same in all its snapshots.
    pub key: i32,
    /// The term of the service.
    pub service: i32,
    /// A hash of the target's key, its service and the columns below.
    pub fingerprint: Vec<u8>,
    /// The target's type.
    #[sea_orm(column_name = "type")]
    pub r#type: String,
    /// The object id.
    pub object_id: String,
    /// The principal name.
    pub user_principal_name: String,
    /// The display name, folded.
    pub display_name: String,
    /// The application's id.
    pub application_id: String,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
