//! Recording, the only write: *returns after the events are durable; recording the same event under the same key again
//! changes nothing and returns the same outcome.*
//!
//! One transaction per batch. It first locks the tenant's head row, so that sequences are in the order of commits and
//! `recorded_at` never decreases. A second statement then reads the event keys that are stored, and only new events get a
//! sequence. A batch is recorded completely or not at all. Work that does not need the lock happens before it is taken
//! ([`PreparedEvent`]), and snapshots and terms known to exist are not looked up ([`crate::write::snapshot_cache`]).

use std::collections::BTreeMap;

use entity::{actor, target, tenant_log};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait as _, QuerySelect as _, TransactionTrait as _};
use sea_orm::{DatabaseTransaction, DbBackend, DbErr, EntityTrait as _, IntoActiveModel as _, ModelTrait};

use crate::db::bulk::{self, Hash16};
use crate::term::next_id;
use crate::write::prepared::{PartySnapshot, PreparedEvent};
use crate::write::snapshot_cache::{CacheAdditions, SnapshotIds};
use crate::write::terms::resolve_term_ids;
use crate::write::{activity_catalogue, classify};
use crate::{Store, StoreError};
use model::{NewEvent, Timestamp};

/// The outcome of recording an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Recorded with this sequence.
    Recorded(i64),
    /// The same event is already in the log; nothing changed.
    Duplicate,
    /// A copy of the event that differs in these fields, by their API names, is in the log; nothing changed.
    DifferingDuplicate(Vec<&'static str>),
    /// A different event with this key is in the log; nothing changed.
    Conflict,
}

/// The most attempts after serialization failures.
const ATTEMPTS_MAX: u32 = 4;

/// Events that a transaction recorded, before its commit.
pub(crate) struct RecordedBatch {
    outcomes: Vec<RecordOutcome>,
    additions: CacheAdditions,
    head: tenant_log::Model,
}

/// Records in the log of one tenant.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(crate) store: Store,
    tenant_id: i32,
}

impl Writer {
    pub(crate) fn new(store: Store, tenant_id: i32) -> Self {
        Self { store, tenant_id }
    }

    /// Records events in one transaction. Returns the outcome of each, in their order.
    pub async fn record(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<RecordOutcome>, StoreError> {
        let mut prepared: Vec<PreparedEvent> =
            events.iter().map(|event| PreparedEvent::new(self.tenant_id, event)).collect();
        self.record_prepared(&mut prepared.iter_mut().collect::<Vec<_>>(), now).await
    }

    /// Records prepared events. Retries after a serialization failure.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutcomeUnknown`] if the database does not respond in time.
    pub(crate) async fn record_prepared(
        &self,
        events: &mut [&mut PreparedEvent],
        now: Timestamp,
    ) -> Result<Vec<RecordOutcome>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut attempts = ATTEMPTS_MAX;
        loop {
            attempts -= 1;
            // Boxed: the future is large, and every caller's future would contain it.
            let recorded = Box::pin(self.record_in_transaction(events, now));
            match self.store.with_timeout(2 * self.store.record_timeout, recorded).await {
                Err(StoreError::Timeout) => return Err(StoreError::OutcomeUnknown),
                Err(StoreError::SerializationFailure(_)) if attempts > 0 => {}
                outcome => return outcome,
            }
        }
    }

    async fn record_in_transaction(
        &self,
        events: &mut [&mut PreparedEvent],
        now: Timestamp,
    ) -> Result<Vec<RecordOutcome>, StoreError> {
        let transaction = self.store.write.begin_with_options(crate::db::write_transaction()).await?;
        let recorded = self.record_within(&transaction, events, now).await?;
        transaction.commit().await?;
        Ok(self.committed(recorded))
    }

    /// Records prepared events in a transaction. Call [`Self::committed`] after its commit.
    pub(crate) async fn record_within(
        &self,
        transaction: &DatabaseTransaction,
        events: &mut [&mut PreparedEvent],
        now: Timestamp,
    ) -> Result<RecordedBatch, StoreError> {
        let mut head = self.locked_head(transaction).await?;
        let outcomes = classify::classify_events(transaction, &head, events).await?;
        let mut new: Vec<&mut PreparedEvent> = events
            .iter_mut()
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, RecordOutcome::Recorded(_)))
            .map(|(event, _)| &mut **event)
            .collect();
        let additions = if new.is_empty() {
            CacheAdditions::default()
        } else {
            self.insert_events(transaction, &mut head, &mut new, now).await?
        };
        Ok(RecordedBatch { outcomes, additions, head })
    }

    /// Updates the cache and notifies followers, after the commit of events. Returns their outcomes.
    pub(crate) fn committed(&self, recorded: RecordedBatch) -> Vec<RecordOutcome> {
        let RecordedBatch { outcomes, additions, head } = recorded;
        self.store.snapshot_cache.tenant(self.tenant_id).lock().apply(additions, &head);
        self.store.notify_commit(self.tenant_id);
        outcomes
    }

    /// Locks and returns the tenant's head row. No other transaction can record in this log until this one ends.
    async fn locked_head(&self, transaction: &DatabaseTransaction) -> Result<tenant_log::Model, StoreError> {
        let mut head = tenant_log::Entity::find_by_id(self.tenant_id);
        // On SQLite the transaction holds the write lock of the whole database.
        if transaction.get_database_backend() == DbBackend::Postgres {
            head = head.lock_exclusive();
        }
        head.one(transaction).await?.ok_or_else(|| StoreError::NoTenant(self.tenant_id.to_string()))
    }

    /// Inserts the rows of new events and updates the head row.
    async fn insert_events(
        &self,
        transaction: &DatabaseTransaction,
        head: &mut tenant_log::Model,
        new: &mut [&mut PreparedEvent],
        now: Timestamp,
    ) -> Result<CacheAdditions, StoreError> {
        let recorded_at = Timestamp(now.0.max(head.last_recorded_at));
        let snapshot_cache = self.store.snapshot_cache.tenant(self.tenant_id);
        snapshot_cache.lock().invalidate_if_replaced(head);
        let terms = resolve_term_ids(transaction, self.tenant_id, new, &snapshot_cache, &mut head.last_term_id).await?;
        for event in &mut *new {
            event.set_term_ids(&terms);
        }
        let actors: BTreeMap<Hash16, &PartySnapshot<actor::Model>> =
            new.iter().map(|event| (event.actor.fingerprint, &event.actor)).collect();
        let targets: BTreeMap<Hash16, &PartySnapshot<target::Model>> =
            new.iter().flat_map(|event| &event.target_snapshots).map(|target| (target.fingerprint, target)).collect();
        let (cached_actors, cached_targets) = {
            let mut cached = snapshot_cache.lock();
            (cached.actors(actors.keys()), cached.targets(targets.keys()))
        };
        let actors =
            resolve_snapshot_ids(transaction, self.tenant_id, actors, cached_actors, &mut head.last_actor_id).await?;
        let targets =
            resolve_snapshot_ids(transaction, self.tenant_id, targets, cached_targets, &mut head.last_target_id)
                .await?;
        for event in &mut *new {
            head.last_sequence += 1;
            event.set_sequence(head.last_sequence, recorded_at);
            event.set_snapshot_ids(&actors, &targets);
        }
        bulk::insert(transaction, &new.iter().map(|event| &event.key).collect::<Vec<_>>(), "").await?;
        bulk::insert(transaction, &new.iter().map(|event| &event.event).collect::<Vec<_>>(), "").await?;
        bulk::insert(transaction, &new.iter().flat_map(|event| &event.targets).collect::<Vec<_>>(), "").await?;
        bulk::insert(transaction, &new.iter().flat_map(|event| &event.changes).collect::<Vec<_>>(), "").await?;
        let activities =
            activity_catalogue::count_activities(transaction, head, new, &snapshot_cache, recorded_at).await?;
        head.last_recorded_at = recorded_at.0;
        update_head(transaction, head).await?;
        Ok(CacheAdditions { actors, targets, terms, activities })
    }
}

async fn update_head(transaction: &DatabaseTransaction, head: &tenant_log::Model) -> Result<(), DbErr> {
    let head = head.clone().into_active_model().reset_all();
    tenant_log::Entity::update(head).exec(transaction).await?;
    Ok(())
}

/// The common part of the models of actors and targets.
trait SnapshotModel: ModelTrait {
    const TABLE: &'static str;
    fn set_id(&mut self, id: i32);
}

impl SnapshotModel for actor::Model {
    const TABLE: &'static str = "actor";
    fn set_id(&mut self, id: i32) {
        self.id = id;
    }
}

impl SnapshotModel for target::Model {
    const TABLE: &'static str = "target";
    fn set_id(&mut self, id: i32) {
        self.id = id;
    }
}

/// Returns the ids of snapshots. Snapshots that are neither cached nor stored are inserted.
async fn resolve_snapshot_ids<M: SnapshotModel>(
    transaction: &DatabaseTransaction,
    tenant_id: i32,
    mut snapshots: BTreeMap<Hash16, &PartySnapshot<M>>,
    mut ids: SnapshotIds,
    last_id: &mut i64,
) -> Result<SnapshotIds, StoreError> {
    snapshots.retain(|fingerprint, _| !ids.contains_key(fingerprint));
    if snapshots.is_empty() {
        return Ok(ids);
    }
    let wanted: Vec<Hash16> = snapshots.keys().copied().collect();
    for row in bulk::find_by_hash(transaction, tenant_id, M::TABLE, &["fingerprint", "id"], &wanted).await? {
        let fingerprint = bulk::hash_of(&row)?;
        snapshots.remove(&fingerprint);
        ids.insert(fingerprint, row.try_get_by(1)?);
    }
    let mut rows = Vec::with_capacity(snapshots.len());
    for (fingerprint, snapshot) in snapshots {
        let id = next_id(last_id, M::TABLE)?;
        ids.insert(fingerprint, id);
        let mut row = snapshot.row.clone();
        row.set_id(id);
        rows.push(row);
    }
    bulk::insert(transaction, &rows.iter().collect::<Vec<_>>(), "").await?;
    Ok(ids)
}
