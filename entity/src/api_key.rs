//! The API keys of tenants.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The id in the key, which contains the tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Roles, permissions, services and networks, as JSON.
    #[sea_orm(column_type = "Text")]
    pub grants: String,
    /// When the key was created, in microseconds since 1970-01-01 UTC.
    pub created_at: i64,
    /// The operator or the subject that created the key.
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
    /// When the key expires, in microseconds since 1970-01-01 UTC. `None` if it does not.
    pub expires_at: Option<i64>,
    /// When the key was revoked, in microseconds since 1970-01-01 UTC. `None` if it was not.
    pub revoked_at: Option<i64>,
    /// The start of the hour in which the key was last used, in microseconds since 1970-01-01 UTC. `None` if it never
    /// was.
    pub last_used_at: Option<i64>,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
