//! Events: the body, and columns derived from it for indexes.

use sea_orm::entity::prelude::*;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// The tenant's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: i32,
    /// The event's sequence.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// When the event happened, in microseconds since 1970-01-01 UTC.
    pub occurred_at: i64,
    /// When the event was recorded, in microseconds since 1970-01-01 UTC.
    pub recorded_at: i64,
    /// The service, folded.
    pub service: String,
    /// The component of the service, folded.
    pub component: String,
    /// The category, folded.
    pub category: String,
    /// The activity, folded.
    pub activity_key: String,
    /// The activity's display name, folded; empty if it folds to the key.
    pub activity_name: String,
    /// The resource type.
    pub resource_type: String,
    /// The operation type.
    pub operation_type: String,
    /// The source of the group; empty if the event has none.
    pub group_source: String,
    /// The status.
    pub status: String,
    /// The id of the actor's snapshot.
    pub actor_id: i64,
    /// The actor's key.
    pub actor_key: String,
    /// The application's id, folded.
    pub application_id: String,
    /// The IP address of the request, folded.
    pub ip_address: String,
    /// The correlation id, folded.
    pub correlation_key: String,
    /// The event's key, folded.
    pub event_key: String,
    /// The recorder: the subject of the token, folded.
    pub recorded_by: String,
    /// The route by which the event was recorded.
    pub recorded_via: String,
    /// The first half of a SHA-256 over tenant, sequence, time of recording and body.
    pub checksum: Vec<u8>,
    /// The code of the body's format.
    pub body_format: i16,
    /// The complete event, as JSON, in the stored form of the format.
    pub body: Vec<u8>,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
