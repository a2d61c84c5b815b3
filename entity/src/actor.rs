//! Actors as some event saw them; never changed. Texts are folded.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "actor")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// Its number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// A hash of all that follows.
    pub fingerprint: Vec<u8>,
    /// The identity it stands for.
    pub key: String,
    /// The service, folded.
    pub service: String,
    /// The kind of actor.
    pub kind: String,
    /// The object id.
    pub object_id: String,
    /// The principal name.
    pub user_principal_name: String,
    /// The display name, folded.
    pub display_name: String,
    /// The name of the service principal.
    pub service_principal_name: String,
    /// The application's id, folded.
    pub application_id: String,
    /// The application's display name.
    pub application_name: String,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
