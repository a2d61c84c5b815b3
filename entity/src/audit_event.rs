//! An event: its body, and the columns that are indexes over it.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The event's place in the log.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// When it happened, in microseconds since 1970.
    pub occurred_at: i64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
    /// The service, folded.
    pub service: String,
    /// The part of the service, folded.
    pub component: String,
    /// The category, folded.
    pub category: String,
    /// The activity, folded.
    pub activity_key: String,
    /// The activity's display name, folded; empty if it folds to the key.
    pub activity_name: String,
    /// The type of resource.
    pub resource_type: String,
    /// The kind of operation.
    pub operation_type: String,
    /// Where the group comes from; empty if it is none.
    pub group_source: String,
    /// How it ended.
    pub status: String,
    /// The actor's snapshot.
    pub actor_id: i64,
    /// The actor's identity.
    pub actor_key: String,
    /// The application's id, folded.
    pub application_id: String,
    /// The address the request came from, folded.
    pub ip_address: String,
    /// The correlation id, folded.
    pub correlation_key: String,
    /// The key it was recorded under, folded.
    pub event_key: String,
    /// Who recorded it.
    pub recorded_by: String,
    /// The way it was recorded.
    pub recorded_via: String,
    /// How to read the body.
    pub body_format: i16,
    /// The whole event.
    #[sea_orm(column_type = "Text")]
    pub body: String,
}

/// Nothing is joined by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
