//! Recording, the only write: *returns after the events are durable; the same event under the same key changes
//! nothing and gives the same answer.*
//!
//! One transaction a batch. It locks the tenant's head row first, so that the order of numbers is the order of
//! commits and `recorded_at` never runs against it; a statement of its own then reads the keys that are known, and
//! only events that are new take a number. A batch is recorded whole or not at all.

use std::collections::HashMap;

use entity::{actor, audit_event, event_key, event_target, property_change, target, tenant_log};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter as _,
};
use sea_orm::{ConnectionTrait as _, QuerySelect as _, TransactionTrait as _};

use super::{Store, StoreError, activity, read, row};
use crate::audit::fold::{fold, fold_activity};
use crate::audit::json::hash16;
use crate::audit::{Actor, EventId, NewEvent, Target, Timestamp};

/// What became of an event to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was recorded at this place.
    Recorded(i64),
    /// It was recorded earlier; nothing was changed.
    Duplicate,
    /// Another event holds its key; nothing was changed.
    Conflict,
}

/// Records in the log of one tenant.
#[derive(Clone, Debug)]
pub struct Writer {
    store: Store,
    tenant_id: i32,
}

/// What a batch adds to the tables.
#[derive(Default)]
struct Rows {
    events: Vec<audit_event::ActiveModel>,
    keys: Vec<event_key::ActiveModel>,
    targets: Vec<event_target::ActiveModel>,
    changes: Vec<property_change::ActiveModel>,
}

impl Writer {
    pub(super) fn new(store: Store, tenant_id: i32) -> Self {
        Self { store, tenant_id }
    }

    /// Records events in one transaction and says what became of each, in their order.
    pub async fn record(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<Outcome>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.store.write.begin_with_options(super::writing()).await?;
        let outcomes = self.record_in(&transaction, events, now).await?;
        transaction.commit().await?;
        Ok(outcomes)
    }

    async fn record_in(
        &self,
        transaction: &DatabaseTransaction,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, StoreError> {
        let head = tenant_log::Entity::find_by_id(self.tenant_id);
        let head = if transaction.get_database_backend() == sea_orm::DbBackend::Postgres {
            head.lock_exclusive()
        } else {
            head
        };
        let mut head = head.one(transaction).await?.ok_or_else(|| StoreError::NoTenant(self.tenant_id.to_string()))?;
        let (outcomes, new) = self.weigh(transaction, events, head.last_sequence).await?;
        if new.is_empty() {
            return Ok(outcomes);
        }
        let recorded_at = Timestamp(now.0.max(head.last_recorded_at));
        let actors = self.actors(transaction, &new, &mut head).await?;
        let targets = self.targets(transaction, &new, &mut head).await?;
        let mut rows = Rows::default();
        for (sequence, event) in &new {
            rows.add(self.tenant_id, *sequence, recorded_at, event, &actors, &targets);
        }
        rows.insert(transaction).await?;
        activity::observe(transaction, &mut head, new.iter().map(|(_, event)| *event), recorded_at).await?;
        head.last_sequence = new.last().map_or(head.last_sequence, |(sequence, _)| *sequence);
        head.last_recorded_at = recorded_at.0;
        let head = head.into_active_model().reset_all();
        tenant_log::Entity::update(head).exec(transaction).await?;
        Ok(outcomes)
    }

    /// Tells new events, which take the next numbers, from duplicates and conflicts, also within the batch.
    async fn weigh<'a>(
        &self,
        transaction: &DatabaseTransaction,
        events: &'a [NewEvent],
        last_sequence: i64,
    ) -> Result<(Vec<Outcome>, Vec<(i64, &'a NewEvent)>), StoreError> {
        let ids = events.iter().map(|event| event.id().0.to_vec()).collect();
        let known = read::known_keys(transaction, self.tenant_id, ids).await?;
        let mut contents: HashMap<Vec<u8>, Vec<u8>> =
            known.into_iter().map(|row| (row.key_hash, row.content_hash)).collect();
        let mut sequence = last_sequence;
        let mut new = Vec::new();
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            let (EventId(id), content) = (event.id(), event.content_hash());
            outcomes.push(match contents.get(id.as_slice()) {
                Some(held) if *held == content => Outcome::Duplicate,
                Some(_) => Outcome::Conflict,
                None => {
                    sequence += 1;
                    contents.insert(id.to_vec(), content.to_vec());
                    new.push((sequence, event));
                    Outcome::Recorded(sequence)
                }
            });
        }
        Ok((outcomes, new))
    }

    /// The snapshots of the events' actors, added where they are new: fingerprint to id.
    async fn actors(
        &self,
        transaction: &DatabaseTransaction,
        new: &[(i64, &NewEvent)],
        head: &mut tenant_log::Model,
    ) -> Result<HashMap<Vec<u8>, i64>, StoreError> {
        let mut wanted: HashMap<Vec<u8>, actor::Model> = HashMap::new();
        for (_, event) in new {
            let row = actor_row(self.tenant_id, &event.body().service, &event.body().actor);
            wanted.entry(row.fingerprint.clone()).or_insert(row);
        }
        let mut ids = HashMap::new();
        for part in chunks(&wanted.keys().cloned().collect::<Vec<_>>()) {
            let known = actor::Entity::find()
                .filter(actor::Column::TenantId.eq(self.tenant_id))
                .filter(actor::Column::Fingerprint.is_in(part.to_vec()));
            ids.extend(known.all(transaction).await?.into_iter().map(|row| (row.fingerprint, row.id)));
        }
        wanted.retain(|fingerprint, _| !ids.contains_key(fingerprint));
        let rows = wanted.into_values().map(|mut row| {
            head.last_actor_id += 1;
            row.id = head.last_actor_id;
            ids.insert(row.fingerprint.clone(), row.id);
            row.into_active_model()
        });
        insert::<actor::Entity, _>(transaction, rows.collect()).await?;
        Ok(ids)
    }

    /// The snapshots of the events' targets, added where they are new: fingerprint to id.
    async fn targets(
        &self,
        transaction: &DatabaseTransaction,
        new: &[(i64, &NewEvent)],
        head: &mut tenant_log::Model,
    ) -> Result<HashMap<Vec<u8>, i64>, StoreError> {
        let mut wanted: HashMap<Vec<u8>, target::Model> = HashMap::new();
        for (_, event) in new {
            for one in &event.body().targets {
                let row = target_row(self.tenant_id, &event.body().service, one);
                wanted.entry(row.fingerprint.clone()).or_insert(row);
            }
        }
        let mut ids = HashMap::new();
        for part in chunks(&wanted.keys().cloned().collect::<Vec<_>>()) {
            let known = target::Entity::find()
                .filter(target::Column::TenantId.eq(self.tenant_id))
                .filter(target::Column::Fingerprint.is_in(part.to_vec()));
            ids.extend(known.all(transaction).await?.into_iter().map(|row| (row.fingerprint, row.id)));
        }
        wanted.retain(|fingerprint, _| !ids.contains_key(fingerprint));
        let rows = wanted.into_values().map(|mut row| {
            head.last_target_id += 1;
            row.id = head.last_target_id;
            ids.insert(row.fingerprint.clone(), row.id);
            row.into_active_model()
        });
        insert::<target::Entity, _>(transaction, rows.collect()).await?;
        Ok(ids)
    }
}

/// Rows in stretches that stay under the databases' limits of values in a statement.
fn chunks<T>(rows: &[T]) -> std::slice::Chunks<'_, T> {
    rows.chunks(1_000)
}

async fn insert<E, A>(transaction: &DatabaseTransaction, rows: Vec<A>) -> Result<(), StoreError>
where
    E: EntityTrait,
    A: sea_orm::ActiveModelTrait<Entity = E> + Clone + Send,
{
    for part in chunks(&rows) {
        E::insert_many(part.to_vec()).exec_without_returning(transaction).await?;
    }
    Ok(())
}

fn key_of(text: Option<&str>) -> String {
    text.map(fold).unwrap_or_default()
}

/// A hash over everything that makes a snapshot.
fn fingerprint(parts: &[&str]) -> Vec<u8> {
    hash16(parts.join("\0").as_bytes()).to_vec()
}

fn actor_row(tenant_id: i32, service: &str, actor: &Actor) -> actor::Model {
    let mut row = actor::Model {
        tenant_id,
        id: 0,
        fingerprint: Vec::new(),
        key: actor.key(),
        service: fold(service),
        kind: actor.kind.name().to_owned(),
        object_id: key_of(actor.object_id.as_deref()),
        user_principal_name: key_of(actor.user_principal_name.as_deref()),
        display_name: key_of(actor.shown_name()),
        service_principal_name: key_of(actor.service_principal_name.as_deref()),
        application_id: key_of(actor.application_id()),
        application_name: key_of(actor.application_name()),
    };
    row.fingerprint = fingerprint(&[
        &row.key,
        &row.service,
        &row.kind,
        &row.object_id,
        &row.user_principal_name,
        &row.display_name,
        &row.service_principal_name,
        &row.application_id,
        &row.application_name,
    ]);
    row
}

fn target_row(tenant_id: i32, service: &str, target: &Target) -> target::Model {
    let mut row = target::Model {
        tenant_id,
        id: 0,
        fingerprint: Vec::new(),
        key: target.key(),
        service: fold(service),
        r#type: key_of(target.kind.as_deref()),
        object_id: key_of(target.object_id.as_deref()),
        user_principal_name: key_of(target.user_principal_name.as_deref()),
        display_name: key_of(target.display_name.as_deref()),
    };
    let parts: [&str; 6] =
        [&row.key, &row.service, &row.r#type, &row.object_id, &row.user_principal_name, &row.display_name];
    row.fingerprint = fingerprint(&parts);
    row
}

impl Rows {
    /// The rows of one event.
    fn add(
        &mut self,
        tenant_id: i32,
        sequence: i64,
        recorded_at: Timestamp,
        event: &NewEvent,
        actors: &HashMap<Vec<u8>, i64>,
        targets: &HashMap<Vec<u8>, i64>,
    ) {
        let body = event.body();
        let actor = actor_row(tenant_id, &body.service, &body.actor);
        let activity_key = fold_activity(&body.activity);
        let activity_name = Some(fold(&body.activity_display_name)).filter(|name| *name != activity_key);
        let row = audit_event::Model {
            tenant_id,
            sequence,
            occurred_at: body.occurred_at.0,
            recorded_at: recorded_at.0,
            service: fold(&body.service),
            component: key_of(body.component.as_deref()),
            category: fold(&body.category),
            activity_key,
            activity_name: activity_name.unwrap_or_default(),
            resource_type: body.resource_type.name().to_owned(),
            operation_type: body.operation_type.name().to_owned(),
            group_source: body.group_source.map(|source| source.name().to_owned()).unwrap_or_default(),
            status: body.status.name().to_owned(),
            actor_id: actors.get(&actor.fingerprint).copied().unwrap_or_default(),
            actor_key: actor.key,
            application_id: actor.application_id,
            ip_address: key_of(body.actor.ip_address.as_deref()),
            correlation_key: key_of(body.correlation_id.as_deref()),
            event_key: fold(&body.event_key),
            recorded_by: key_of(Some(&body.recording.recorded_by)),
            recorded_via: body.recording.route.name().to_owned(),
            body_format: row::BODY_FORMAT,
            body: event.json().to_owned(),
        };
        self.events.push(row.into_active_model());
        self.keys.push(event_key::ActiveModel {
            tenant_id: Set(tenant_id),
            key_hash: Set(event.id().0.to_vec()),
            sequence: Set(sequence),
            content_hash: Set(event.content_hash().to_vec()),
        });
        self.add_targets(tenant_id, sequence, event, targets);
    }

    fn add_targets(&mut self, tenant_id: i32, sequence: i64, event: &NewEvent, ids: &HashMap<Vec<u8>, i64>) {
        let body = event.body();
        let occurred_at = body.occurred_at.0;
        let (mut keys, mut names) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        let mut change_ordinal = 0;
        for (target_ordinal, target) in (0_i32..).zip(&body.targets) {
            let snapshot = target_row(tenant_id, &body.service, target);
            let row = event_target::Model {
                tenant_id,
                sequence,
                ordinal: target_ordinal,
                occurred_at,
                target_id: ids.get(&snapshot.fingerprint).copied().unwrap_or_default(),
                is_first: i16::from(keys.insert(snapshot.key.clone())),
                target_key: snapshot.key,
            };
            self.targets.push(row.into_active_model());
            for change in &target.modified_properties {
                let name_key = fold(&change.name);
                let row = property_change::Model {
                    tenant_id,
                    sequence,
                    ordinal: change_ordinal,
                    occurred_at,
                    target_ordinal,
                    is_first: i16::from(names.insert(name_key.clone())),
                    name_key,
                    change: change.change.name().to_owned(),
                    sensitive: i16::from(change.is_sensitive),
                    old_hash: change.old_value.as_ref().map(|value| value.equality_hash().to_vec()),
                    new_hash: change.new_value.as_ref().map(|value| value.equality_hash().to_vec()),
                };
                self.changes.push(row.into_active_model());
                change_ordinal += 1;
            }
        }
    }

    async fn insert(self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        insert::<event_key::Entity, _>(transaction, self.keys).await?;
        insert::<audit_event::Entity, _>(transaction, self.events).await?;
        insert::<event_target::Entity, _>(transaction, self.targets).await?;
        insert::<property_change::Entity, _>(transaction, self.changes).await
    }
}
