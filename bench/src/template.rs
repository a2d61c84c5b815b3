//! Template events: recorded by the product itself, read back as rows, and multiplied.
//!
//! So every row has the shape that recording gives it. A copy has its own key, time and sequence; everything else is
//! its template's, including the snapshots of actors and targets.

use std::collections::BTreeMap;

use entity::{audit_event, event_key, event_target, property_change};
use model::event::EventId;
use model::fold::fold;
use model::json::hash16;
use model::{EventBody, Timestamp};
use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// A recorded event and its rows.
pub(crate) struct Template {
    event: audit_event::Model,
    targets: Vec<event_target::Model>,
    changes: Vec<property_change::Model>,
    service: String,
    key: String,
    /// The body after its first two members, which differ in each copy.
    rest: String,
}

/// The rows of one event.
pub(crate) struct EventRows {
    pub(crate) event: audit_event::Model,
    pub(crate) key: event_key::Model,
    pub(crate) targets: Vec<event_target::Model>,
    pub(crate) changes: Vec<property_change::Model>,
}

/// Reads the events of a tenant, ordered by time.
pub(crate) async fn read(connection: &DatabaseConnection, tenant_id: i32) -> anyhow::Result<Vec<Template>> {
    let events = audit_event::Entity::find()
        .filter(audit_event::Column::TenantId.eq(tenant_id))
        .order_by_asc(audit_event::Column::OccurredAt)
        .all(connection)
        .await?;
    let mut targets: BTreeMap<i64, Vec<event_target::Model>> = BTreeMap::new();
    let rows = event_target::Entity::find().filter(event_target::Column::TenantId.eq(tenant_id));
    for row in rows.all(connection).await? {
        targets.entry(row.sequence).or_default().push(row);
    }
    let mut changes: BTreeMap<i64, Vec<property_change::Model>> = BTreeMap::new();
    let rows = property_change::Entity::find().filter(property_change::Column::TenantId.eq(tenant_id));
    for row in rows.all(connection).await? {
        changes.entry(row.sequence).or_default().push(row);
    }
    events
        .into_iter()
        .map(|event| {
            let targets = targets.remove(&event.sequence).unwrap_or_default();
            let changes = changes.remove(&event.sequence).unwrap_or_default();
            Template::new(event, targets, changes)
        })
        .collect()
}

/// Returns the hash of a key in the column of an event.
fn key_hash(key: &str) -> i32 {
    let [a, b, c, d, ..] = hash16(fold(key).as_bytes());
    i32::from_be_bytes([a, b, c, d])
}

fn head(key: &str, at: Timestamp) -> String {
    format!("{{\"eventKey\":{},\"occurredAt\":\"{at}\",", serde_json::Value::from(key))
}

impl Template {
    fn new(
        event: audit_event::Model,
        targets: Vec<event_target::Model>,
        changes: Vec<property_change::Model>,
    ) -> anyhow::Result<Self> {
        let text = body_codec::decode(event.body_format, &event.body)?;
        let body: EventBody = serde_json::from_str(&text)?;
        let rest = text.strip_prefix(&head(&body.event_key, body.occurred_at));
        let rest = rest.ok_or_else(|| anyhow::anyhow!("a body does not begin with key and time"))?.to_owned();
        Ok(Self { event, targets, changes, service: body.service, key: body.event_key, rest })
    }

    /// Returns when the event happened.
    pub(crate) fn occurred_at(&self) -> i64 {
        self.event.occurred_at
    }

    /// Returns the text of the body as it was recorded.
    pub(crate) fn body(&self) -> anyhow::Result<String> {
        Ok(body_codec::decode(self.event.body_format, &self.event.body)?)
    }

    /// Returns a copy for a tenant's log.
    pub(crate) fn copy(&self, tenant_id: i32, sequence: i64, occurred_at: i64) -> EventRows {
        let key = format!("{}#{sequence}", self.key);
        let own = |row: &event_target::Model| event_target::Model { tenant_id, sequence, occurred_at, ..row.clone() };
        let change =
            |row: &property_change::Model| property_change::Model { tenant_id, sequence, occurred_at, ..row.clone() };
        let encoded = body_codec::encode(&(head(&key, Timestamp(occurred_at)) + &self.rest));
        EventRows {
            key: event_key::Model {
                tenant_id,
                key_hash: EventId::of(&self.service, &key).0.to_vec(),
                sequence,
                input_hash: hash16(key.as_bytes()).to_vec(),
            },
            targets: self.targets.iter().map(own).collect(),
            changes: self.changes.iter().map(change).collect(),
            event: audit_event::Model {
                tenant_id,
                sequence,
                occurred_at,
                recorded_at: occurred_at,
                event_key_hash: key_hash(&key),
                body_format: encoded.format.code(),
                body: encoded.bytes,
                ..self.event.clone()
            },
        }
    }
}
