//! Verifies the snapshots of actors and targets: each agrees with the events that refer to it, and none is unused.

use std::collections::HashMap;

use entity::{actor, audit_event, event_target, target, tenant_log};
use sea_orm::{ColumnTrait as _, EntityTrait, ModelTrait, QueryFilter as _, QueryOrder as _};
use sea_orm::{QuerySelect as _, Value};

use super::Verification;
use crate::StoreError;
use crate::db::bulk::Hash16;
use crate::write::prepared::{PartySnapshot, PreparedEvent};
use crate::write::snapshot_cache::SnapshotIds;

/// Ids read per statement.
const ROWS_MAX: u64 = 1_000;
/// Fingerprints per lookup statement.
const IDS_PER_STATEMENT: usize = 1_000;

/// A set of ids as a bit set, because ids are dense.
#[derive(Debug, Default)]
pub(super) struct IdSet(Vec<u64>);

impl IdSet {
    /// Creates an empty set for ids up to `last`, limited to 2^33 in case the value is corrupt. A greater id is never
    /// contained.
    pub(super) fn up_to(last: i64) -> Self {
        Self(vec![0; usize::try_from(last / 64 + 1).unwrap_or(0).min(1 << 27)])
    }

    fn insert(&mut self, id: i64) {
        let Ok(id) = usize::try_from(id) else { return };
        if let Some(word) = self.0.get_mut(id / 64) {
            *word |= 1 << (id % 64);
        }
    }

    fn contains(&self, id: i64) -> bool {
        usize::try_from(id).is_ok_and(|id| self.0.get(id / 64).is_some_and(|word| word & (1 << (id % 64)) != 0))
    }
}

/// A snapshot that an event refers to: the event's sequence, the snapshot's id, and the expected row.
struct ExpectedSnapshot<M> {
    sequence: i64,
    id: i64,
    expected: M,
}

impl Verification<'_> {
    /// Returns the ids of the events' actors by fingerprint.
    pub(super) async fn actor_ids(
        &mut self,
        events: &[(audit_event::Model, PreparedEvent)],
    ) -> Result<SnapshotIds, StoreError> {
        let mut expected_by_hash = HashMap::new();
        for (found, PreparedEvent { actor: PartySnapshot { fingerprint, row }, .. }) in events {
            self.actors.insert(found.actor_id);
            let entry = || ExpectedSnapshot { sequence: found.sequence, id: found.actor_id, expected: row.clone() };
            expected_by_hash.entry(*fingerprint).or_insert_with(entry);
        }
        let columns = [actor::Column::TenantId, actor::Column::Id, actor::Column::Fingerprint];
        self.snapshot_ids::<actor::Entity>(expected_by_hash, columns).await
    }

    /// Returns the ids of the events' targets by fingerprint. `found` are the rows of the events' targets.
    pub(super) async fn target_ids(
        &mut self,
        events: &[(audit_event::Model, PreparedEvent)],
        found: &[event_target::Model],
    ) -> Result<SnapshotIds, StoreError> {
        let mut links = HashMap::new();
        for link in found {
            self.targets.insert(link.target_id);
            links.insert((link.sequence, link.ordinal), link.target_id);
        }
        let mut expected_by_hash = HashMap::new();
        for (found, expected) in events {
            for (link, PartySnapshot { fingerprint, row }) in expected.targets.iter().zip(&expected.target_snapshots) {
                let id = links.get(&(found.sequence, link.ordinal)).copied().unwrap_or_default();
                let entry = || ExpectedSnapshot { sequence: found.sequence, id, expected: row.clone() };
                expected_by_hash.entry(*fingerprint).or_insert_with(entry);
            }
        }
        let columns = [target::Column::TenantId, target::Column::Id, target::Column::Fingerprint];
        self.snapshot_ids::<target::Entity>(expected_by_hash, columns).await
    }

    pub(super) async fn links(&self, after: i64, end: i64) -> Result<Vec<event_target::Model>, StoreError> {
        let links = event_target::Entity::find()
            .filter(event_target::Column::TenantId.eq(self.tenant_id))
            .filter(event_target::Column::Sequence.gt(after))
            .filter(event_target::Column::Sequence.lte(end));
        Ok(links.all(self.snapshot).await?)
    }

    /// Compares snapshots with the expected rows and returns their ids by fingerprint. A snapshot not found by its
    /// fingerprint is looked up by its id, to report the columns that differ.
    async fn snapshot_ids<E>(
        &mut self,
        expected_by_hash: HashMap<Hash16, ExpectedSnapshot<E::Model>>,
        [of, id, fingerprint]: [E::Column; 3],
    ) -> Result<SnapshotIds, StoreError>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E>,
    {
        let mut stored: HashMap<Vec<u8>, E::Model> = HashMap::new();
        let tenant_id = self.tenant_id;
        let of_tenant = || E::find().filter(of.eq(tenant_id));
        let fingerprints: Vec<Vec<u8>> = expected_by_hash.keys().map(|hash| hash.to_vec()).collect();
        for part in fingerprints.chunks(IDS_PER_STATEMENT) {
            for row in of_tenant().filter(fingerprint.is_in(part.to_vec())).all(self.snapshot).await? {
                if let Value::Bytes(Some(bytes)) = row.get(fingerprint) {
                    stored.insert(bytes, row);
                }
            }
        }
        let mut ids = SnapshotIds::new();
        for (hash, mut entry) in expected_by_hash {
            let found = match stored.remove(hash.as_slice()) {
                Some(found) => Some(found),
                None => of_tenant().filter(id.eq(entry.id)).one(self.snapshot).await?,
            };
            if let Some(found) = found {
                if let Value::BigInt(Some(number)) = found.get(id) {
                    entry.id = number;
                }
                entry.expected.try_set(id, entry.id.into())?;
                self.compare(entry.sequence, &format!("(id {}) ", entry.id), &entry.expected, &found);
            } else {
                self.difference(
                    entry.sequence,
                    [E::default().table_name(), "id"],
                    &format!("row with id {} is missing", entry.id),
                );
            }
            ids.insert(hash, entry.id);
        }
        Ok(ids)
    }

    /// Reports snapshots that no event refers to, and a last id in the head row that is not that of the last snapshot.
    pub(super) async fn check_surplus_snapshots(&mut self, head: &tenant_log::Model) -> Result<(), StoreError> {
        let referenced = std::mem::take(&mut self.actors);
        let columns = [actor::Column::TenantId, actor::Column::Id];
        let checked = self.check_surplus::<actor::Entity>(&referenced, head.last_actor_id, columns).await;
        self.readable(checked, "actor", None).await?;
        if !self.is_every_target_known {
            return Ok(());
        }
        let referenced = std::mem::take(&mut self.targets);
        let columns = [target::Column::TenantId, target::Column::Id];
        let checked = self.check_surplus::<target::Entity>(&referenced, head.last_target_id, columns).await;
        self.readable(checked, "target", None).await?;
        Ok(())
    }

    async fn check_surplus<E: EntityTrait>(
        &mut self,
        referenced: &IdSet,
        last: i64,
        [tenant_id, id]: [E::Column; 2],
    ) -> Result<(), StoreError> {
        let table = E::default().table_name();
        let last_column = if table == "actor" { "last_actor_id" } else { "last_target_id" };
        let (mut after, mut greatest) = (i64::MIN, 0);
        loop {
            let page = E::find().select_only().column(id).filter(tenant_id.eq(self.tenant_id)).filter(id.gt(after));
            let page = page.order_by_asc(id).limit(ROWS_MAX).into_tuple::<i64>().all(self.snapshot).await?;
            let Some(end) = page.last() else { break };
            after = *end;
            greatest = *end;
            for number in page {
                if !referenced.contains(number) {
                    self.difference(None, [table, "id"], &format!("{number} belongs to no event"));
                }
                if number > last {
                    self.difference(None, ["tenant_log", last_column], &format!("is less than {number}"));
                }
            }
        }
        if greatest < last {
            let reason = format!("is greater than the last id, {greatest}");
            self.difference(None, ["tenant_log", last_column], &reason);
        }
        Ok(())
    }
}
