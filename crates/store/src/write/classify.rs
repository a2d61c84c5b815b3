//! Classifies events by the events that have their keys: in the log, and earlier in the same batch.

use std::collections::HashMap;

use entity::{audit_event, tenant_log};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _};

use crate::db::bulk::{self, Hash16};
use crate::read::stored_body::body_text;
use crate::write::prepared::PreparedEvent;
use crate::{RecordOutcome, StoreError};
use model::{EventBody, Sameness};

/// The most events that are read at once to be compared.
const BODIES_MAX: usize = 100;

/// The event that has a key.
#[derive(Clone, Copy)]
enum KeyOwner {
    /// The stored event with this sequence.
    Stored(i64),
    /// The event at this index of the batch, which is new.
    Batch(usize),
}

/// Classifies events as new, duplicate or conflicting. New events get the next sequences.
pub(crate) async fn classify_events(
    transaction: &DatabaseTransaction,
    head: &tenant_log::Model,
    events: &[&mut PreparedEvent],
) -> Result<Vec<RecordOutcome>, StoreError> {
    let hashes: Vec<Hash16> = events.iter().filter_map(|event| event.key.key_hash[..].try_into().ok()).collect();
    let columns = ["key_hash", "input_hash", "sequence"];
    let stored = bulk::find_by_hash(transaction, head.tenant_id, "event_key", &columns, &hashes).await?;
    let mut owners: HashMap<Hash16, (Vec<u8>, KeyOwner)> = HashMap::with_capacity(events.len());
    for row in &stored {
        owners.insert(bulk::hash_of(row)?, (row.try_get_by(1)?, KeyOwner::Stored(row.try_get_by(2)?)));
    }
    let (mut sequence, mut compared) = (head.last_sequence, Vec::new());
    let mut outcomes = Vec::with_capacity(events.len());
    for (index, (hash, event)) in hashes.into_iter().zip(events).enumerate() {
        outcomes.push(match owners.get(&hash) {
            Some((input_hash, _)) if *input_hash == event.key.input_hash => RecordOutcome::Duplicate,
            Some((_, owner)) => {
                compared.push((index, *owner));
                RecordOutcome::Conflict
            }
            None => {
                sequence += 1;
                owners.insert(hash, (event.key.input_hash.clone(), KeyOwner::Batch(index)));
                RecordOutcome::Recorded(sequence)
            }
        });
    }
    for chunk in compared.chunks(BODIES_MAX) {
        let bodies = stored_bodies(transaction, head.tenant_id, chunk).await?;
        for (index, owner) in chunk {
            let event = &events[*index];
            let stored = match owner {
                KeyOwner::Stored(sequence) => bodies.get(sequence).ok_or_else(|| missing(*sequence))?,
                KeyOwner::Batch(first) => &events[*first].event,
            };
            let outcome = match event.comparison.of(&parse(stored)?, &parse(&event.event)?) {
                Sameness::Same => RecordOutcome::Duplicate,
                Sameness::Differing(fields) => RecordOutcome::DifferingDuplicate(fields),
                Sameness::Other => RecordOutcome::Conflict,
            };
            outcomes[*index] = outcome;
        }
    }
    Ok(outcomes)
}

/// Reads the rows of the stored events among the owners, by sequence.
async fn stored_bodies(
    transaction: &DatabaseTransaction,
    tenant_id: i32,
    owners: &[(usize, KeyOwner)],
) -> Result<HashMap<i64, audit_event::Model>, StoreError> {
    let sequence = |(_, owner): &(usize, KeyOwner)| match owner {
        KeyOwner::Stored(sequence) => Some(*sequence),
        KeyOwner::Batch(_) => None,
    };
    let sequences: Vec<i64> = owners.iter().filter_map(sequence).collect();
    if sequences.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = audit_event::Entity::find()
        .filter(audit_event::Column::TenantId.eq(tenant_id))
        .filter(audit_event::Column::Sequence.is_in(sequences))
        .all(transaction)
        .await?;
    Ok(rows.into_iter().map(|row| (row.sequence, row)).collect())
}

fn missing(sequence: i64) -> StoreError {
    corrupt(sequence.to_string(), "belongs to a key, but is missing".to_owned())
}

fn parse(row: &audit_event::Model) -> Result<EventBody, StoreError> {
    serde_json::from_str(&body_text(row)?).map_err(|error| corrupt("of a key".to_owned(), error.to_string()))
}

fn corrupt(id: String, reason: String) -> StoreError {
    StoreError::Corrupt { table: "audit_event", column: "body", id, reason }
}
