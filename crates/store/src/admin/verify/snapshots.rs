//! Verifies the snapshots of actors and targets: each agrees with the events that refer to it, and none is unused.

use std::collections::HashMap;

use entity::{actor, audit_event, event_target, target, tenant_log, term};
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

    /// Adds an id. The number 0 of an absent term is no id.
    pub(super) fn insert(&mut self, id: i32) {
        if id == 0 {
            return;
        }
        let Ok(id) = usize::try_from(id) else { return };
        if let Some(word) = self.0.get_mut(id / 64) {
            *word |= 1 << (id % 64);
        }
    }

    fn contains(&self, id: i32) -> bool {
        usize::try_from(id).is_ok_and(|id| self.0.get(id / 64).is_some_and(|word| word & (1 << (id % 64)) != 0))
    }
}

/// A snapshot that an event refers to: the event's sequence, the snapshot's id, and the expected row.
struct ExpectedSnapshot<M> {
    sequence: i64,
    id: i32,
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
                if let Value::Int(Some(number)) = found.get(id) {
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

    /// Reports terms and snapshots that no event refers to, and a last id in the head row that is not that of the last
    /// row.
    pub(super) async fn check_surplus_rows(&mut self, head: &tenant_log::Model) -> Result<(), StoreError> {
        let referenced = std::mem::take(&mut self.actors);
        let columns = [actor::Column::TenantId, actor::Column::Id];
        let last = ("last_actor_id", head.last_actor_id);
        let checked = self.check_surplus::<actor::Entity>(&referenced, last, columns).await;
        self.readable(checked, "actor", None).await?;
        if !self.is_every_target_known {
            return Ok(());
        }
        let referenced = std::mem::take(&mut self.targets);
        let columns = [target::Column::TenantId, target::Column::Id];
        let last = ("last_target_id", head.last_target_id);
        let checked = self.check_surplus::<target::Entity>(&referenced, last, columns).await;
        self.readable(checked, "target", None).await?;
        if !self.is_every_change_known {
            return Ok(());
        }
        let referenced = std::mem::take(&mut self.terms);
        let columns = [term::Column::TenantId, term::Column::Id];
        let last = ("last_term_id", head.last_term_id);
        let checked = self.check_surplus::<term::Entity>(&referenced, last, columns).await;
        self.readable(checked, "term", None).await?;
        Ok(())
    }

    async fn check_surplus<E: EntityTrait>(
        &mut self,
        referenced: &IdSet,
        (last_column, last): (&str, i64),
        [tenant_id, id]: [E::Column; 2],
    ) -> Result<(), StoreError> {
        let table = E::default().table_name();
        let (mut after, mut greatest) = (i32::MIN, 0);
        loop {
            let page = E::find().select_only().column(id).filter(tenant_id.eq(self.tenant_id)).filter(id.gt(after));
            let page = page.order_by_asc(id).limit(ROWS_MAX).into_tuple::<i32>().all(self.snapshot).await?;
            let Some(end) = page.last() else { break };
            after = *end;
            greatest = *end;
            for number in page {
                if !referenced.contains(number) {
                    self.difference(None, [table, "id"], &format!("{number} belongs to no event"));
                }
                if i64::from(number) > last {
                    self.difference(None, ["tenant_log", last_column], &format!("is less than {number}"));
                }
            }
        }
        if i64::from(greatest) < last {
            let reason = format!("is greater than the last id, {greatest}");
            self.difference(None, ["tenant_log", last_column], &reason);
        }
        Ok(())
    }
}
