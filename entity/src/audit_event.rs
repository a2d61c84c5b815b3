//! Events: the body, and columns derived from it for indexes. A term's number is 0 if the event lacks the string.

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
    /// The term of the service.
    pub service: i32,
    /// The term of the component of the service.
    pub component: i32,
    /// The term of the category.
    pub category: i32,
    /// The term of the activity.
    pub activity_key: i32,
    /// The term of the activity's display name; 0 if it folds to the same string as the activity.
    pub activity_name: i32,
    /// The id of the actor's snapshot.
    pub actor_id: i32,
    /// The term of the actor's key.
    pub actor_key: i32,
    /// The term of the application's id.
    pub application_id: i32,
    /// The term of the IP address of the request.
    pub ip_address: i32,
    /// The term of the recorder: the subject of the token.
    pub recorded_by: i32,
    /// A hash of the folded correlation id; 0 if the event has none.
    pub correlation_hash: i32,
    /// A hash of the folded event key.
    pub event_key_hash: i32,
    /// The number of the resource type.
    pub resource_type: i16,
    /// The number of the operation type.
    pub operation_type: i16,
    /// The number of the source of the group; 0 if the event has none.
    pub group_source: i16,
    /// The number of the status.
    pub status: i16,
    /// The number of the route by which the event was recorded.
    pub recorded_via: i16,
    /// The code of the body's format.
    pub body_format: i16,
    /// The first half of a SHA-256 over tenant, sequence, time of recording and body.
    pub checksum: Vec<u8>,
    /// The complete event, as JSON, in the stored form of the format.
    pub body: Vec<u8>,
}

/// The ORM joins no tables; `store` writes its joins in SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
