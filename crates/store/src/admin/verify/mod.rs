//! Verifies the integrity of a log: sequences without gaps, in the order of recording, and columns, side tables and
//! rollups that agree with the bodies.
//!
//! The rows derived from a body are built again by the code that records, and compared with the stored rows. All reads
//! see one snapshot, so verification can run beside a server; the log is read in chunks, so memory does not grow with
//! it. A body that was changed together with all rows derived from it goes undetected.

mod snapshots;
mod rollups;
mod activities;

use std::collections::{BTreeMap, HashMap};

use entity::{audit_event, event_key, property_change, tenant_log};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, EntityTrait};
use sea_orm::{EntityName as _, IdenStatic as _, Iterable as _, ModelTrait};
use sea_orm::{PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use self::activities::ActivityCounts;
use self::snapshots::IdSet;
use crate::query::sql::Sql;
use crate::read::row;
use crate::write::prepared::PreparedEvent;
use crate::{Store, StoreError, Tenant};
use model::{EventId, NewEvent, Timestamp};

/// The most events per chunk.
const EVENTS_MAX: i64 = 500;
/// The most bytes of bodies per chunk, unless a single event has more.
const BYTES_MAX: i64 = 8 << 20;
/// Event keys per page of the search for surplus keys.
const KEYS_MAX: u64 = 50;

/// A difference between a stored and an expected value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The event's sequence, if the difference concerns one event.
    pub sequence: Option<i64>,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// What is wrong. Contains no values of events.
    pub reason: String,
}

/// Called for every difference.
pub type ReportDifference<'a> = &'a mut (dyn FnMut(Difference) + Send);

/// The state of the verification of one log.
struct Verification<'a> {
    tenant_id: i32,
    snapshot: &'a DatabaseTransaction,
    report: ReportDifference<'a>,
    actors: IdSet,
    targets: IdSet,
    activity_counts: ActivityCounts,
    /// The number of events, and of their event keys that were found.
    events: i64,
    keys: u64,
    last_sequence: i64,
    last_recorded_at: i64,
}

impl Store {
    /// Verifies the log of a tenant and reports every difference. Returns the number of events.
    pub async fn verify(&self, tenant: &Tenant, report: ReportDifference<'_>) -> Result<i64, StoreError> {
        let snapshot = self.snapshot().await?;
        let Some(head) = tenant_log::Entity::find_by_id(tenant.id).one(&snapshot).await? else {
            report(Difference {
                sequence: None,
                table: "tenant_log",
                column: "tenant_id",
                reason: "row is missing".to_owned(),
            });
            return Ok(0);
        };
        let mut verification = Verification {
            tenant_id: tenant.id,
            snapshot: &snapshot,
            report,
            actors: IdSet::up_to(head.last_actor_id),
            targets: IdSet::up_to(head.last_target_id),
            activity_counts: ActivityCounts::begin(&snapshot, tenant.id).await?,
            events: 0,
            keys: 0,
            last_sequence: 0,
            last_recorded_at: 0,
        };
        verification.run(&head).await?;
        let events = verification.events;
        snapshot.rollback().await?;
        Ok(events)
    }
}

impl Verification<'_> {
    fn difference(&mut self, sequence: impl Into<Option<i64>>, [table, column]: [&'static str; 2], reason: &str) {
        (self.report)(Difference { sequence: sequence.into(), table, column, reason: reason.to_owned() });
    }

    /// Reports every column in which a row differs from the expected one. `row` identifies the row if the sequence does
    /// not.
    fn compare<M: ModelTrait>(&mut self, sequence: impl Into<Option<i64>>, row: &str, expected: &M, found: &M) {
        let (sequence, table) = (sequence.into(), M::Entity::default().table_name());
        for column in <M::Entity as EntityTrait>::Column::iter() {
            if expected.get(column) != found.get(column) {
                self.difference(sequence, [table, column.as_str()], &format!("{row}does not match the body"));
            }
        }
    }

    async fn run(&mut self, head: &tenant_log::Model) -> Result<(), StoreError> {
        let mut after = i64::MIN;
        while let Some(end) = self.chunk_end(after).await? {
            self.check_chunk(after, end).await?;
            after = end;
        }
        // Rows after the last event belong to no event.
        self.check_side_rows(after, i64::MAX, Vec::new()).await?;
        for (column, found, last) in [
            ("last_sequence", head.last_sequence, self.last_sequence),
            ("last_recorded_at", head.last_recorded_at, self.last_recorded_at),
        ] {
            if found != last {
                self.difference(None, ["tenant_log", column], "does not match the last event");
            }
        }
        self.check_surplus_keys().await?;
        self.check_surplus_snapshots(head).await?;
        self.compare_activity_counts(head);
        self.check_rollups().await?;
        Ok(())
    }

    /// Returns the last sequence of the chunk that starts after a sequence, or `None` at the end of the log.
    async fn chunk_end(&self, after: i64) -> Result<Option<i64>, StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT sequence, CAST(octet_length(body) AS bigint)");
        sql.push(" FROM audit_event WHERE tenant_id = $1 AND sequence > ").bind(after);
        sql.push(" ORDER BY sequence LIMIT ").bind(EVENTS_MAX);
        let rows = self.snapshot.query_all_raw(sql.statement(self.snapshot.get_database_backend())).await?;
        let (mut end, mut bytes) = (None, 0);
        for found in rows {
            bytes += found.try_get_by::<i64, _>(1)?;
            if end.is_some() && bytes > BYTES_MAX {
                break;
            }
            end = Some(found.try_get_by(0)?);
        }
        Ok(end)
    }

    /// Verifies the events of a chunk and their rows.
    async fn check_chunk(&mut self, after: i64, end: i64) -> Result<(), StoreError> {
        let found = audit_event::Entity::find()
            .filter(audit_event::Column::TenantId.eq(self.tenant_id))
            .filter(audit_event::Column::Sequence.gt(after))
            .filter(audit_event::Column::Sequence.lte(end))
            .order_by_asc(audit_event::Column::Sequence);
        let mut events = Vec::new();
        for found in found.all(self.snapshot).await? {
            self.check_order(&found);
            match NewEvent::stored(found.body.clone()) {
                _ if found.body_format != row::BODY_FORMAT => {
                    self.difference(found.sequence, ["audit_event", "body_format"], "is unknown");
                }
                Err(_unreadable) => self.difference(found.sequence, ["audit_event", "body"], "cannot be decoded"),
                Ok(event) => {
                    let mut expected = PreparedEvent::new(self.tenant_id, &event);
                    expected.set_sequence(found.sequence, Timestamp(found.recorded_at));
                    events.push((found, expected));
                }
            }
        }
        let actors = self.actor_ids(&events).await?;
        let targets = self.target_ids(&events, after, end).await?;
        for (found, expected) in &mut events {
            expected.set_snapshot_ids(&actors, &targets);
            self.compare(found.sequence, "", &expected.event, found);
            if !self.activity_counts.count(expected) {
                self.difference(found.sequence, ["activity_type", "property_names"], "lacks a name of the event");
            }
        }
        let expected: Vec<PreparedEvent> = events.into_iter().map(|(_, expected)| expected).collect();
        self.check_event_keys(&expected).await?;
        self.check_side_rows(after, end, expected).await
    }

    /// Checks that sequences have no gaps and `recorded_at` never decreases.
    fn check_order(&mut self, found: &audit_event::Model) {
        let expected = self.last_sequence + 1;
        if found.sequence > expected {
            let missing = format!("gap of {}", found.sequence - expected);
            self.difference(expected, ["audit_event", "sequence"], &missing);
        } else if found.sequence < expected {
            self.difference(found.sequence, ["audit_event", "sequence"], "is less than 1");
        }
        if found.recorded_at < self.last_recorded_at {
            self.difference(
                found.sequence,
                ["audit_event", "recorded_at"],
                "is earlier than that of the previous event",
            );
        }
        self.last_sequence = self.last_sequence.max(found.sequence);
        self.last_recorded_at = self.last_recorded_at.max(found.recorded_at);
        self.events += 1;
    }

    /// Verifies the event keys of a chunk.
    async fn check_event_keys(&mut self, events: &[PreparedEvent]) -> Result<(), StoreError> {
        let stored_keys = event_key::Entity::find()
            .filter(event_key::Column::TenantId.eq(self.tenant_id))
            .filter(event_key::Column::KeyHash.is_in(events.iter().map(|event| event.key.key_hash.clone())));
        let stored_keys: HashMap<Vec<u8>, event_key::Model> =
            stored_keys.all(self.snapshot).await?.into_iter().map(|row| (row.key_hash.clone(), row)).collect();
        self.keys += stored_keys.len() as u64;
        for PreparedEvent { key, .. } in events {
            match stored_keys.get(&key.key_hash) {
                Some(found) => {
                    // The input of an event cannot be derived from its body, which has defaults.
                    let expected = event_key::Model { input_hash: found.input_hash.clone(), ..key.clone() };
                    self.compare(key.sequence, "", &expected, found);
                }
                None => self.difference(key.sequence, ["event_key", "key_hash"], "row is missing"),
            }
        }
        Ok(())
    }

    /// Reports event keys without an event. Searches only if there are more keys than events.
    async fn check_surplus_keys(&mut self) -> Result<(), StoreError> {
        let tenant_id = self.tenant_id;
        let of_tenant = || event_key::Entity::find().filter(event_key::Column::TenantId.eq(tenant_id));
        if of_tenant().count(self.snapshot).await? == self.keys {
            return Ok(());
        }
        let mut after = Vec::new();
        loop {
            let page = of_tenant().filter(event_key::Column::KeyHash.gt(after.clone()));
            let page = page.order_by_asc(event_key::Column::KeyHash).limit(KEYS_MAX).all(self.snapshot).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key_hash);
            let events = audit_event::Entity::find()
                .filter(audit_event::Column::TenantId.eq(self.tenant_id))
                .filter(audit_event::Column::Sequence.is_in(page.iter().map(|row| row.sequence)));
            let mut event_ids: HashMap<i64, EventId> = HashMap::new();
            for event in events.all(self.snapshot).await? {
                if let Ok(stored) = NewEvent::stored(event.body) {
                    event_ids.insert(event.sequence, stored.id());
                }
            }
            for row in page {
                if event_ids.get(&row.sequence).is_none_or(|id| id.0.as_slice() != row.key_hash) {
                    self.difference(row.sequence, ["event_key", "key_hash"], "belongs to no event");
                }
            }
        }
    }

    /// Verifies the targets and the property changes of a chunk.
    async fn check_side_rows(&mut self, after: i64, end: i64, events: Vec<PreparedEvent>) -> Result<(), StoreError> {
        let (mut targets, mut changes) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            targets.extend(event.targets.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
            changes.extend(event.changes.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
        }
        let found = self.links(after, end).await?;
        self.compare_side_rows(targets, found.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
        let found = property_change::Entity::find()
            .filter(property_change::Column::TenantId.eq(self.tenant_id))
            .filter(property_change::Column::Sequence.gt(after))
            .filter(property_change::Column::Sequence.lte(end))
            .all(self.snapshot)
            .await?;
        self.compare_side_rows(changes, found.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
        Ok(())
    }

    /// Compares the expected rows of a side table with the stored ones, by sequence and ordinal.
    fn compare_side_rows<M: ModelTrait>(
        &mut self,
        mut expected: BTreeMap<(i64, i32), M>,
        found: impl Iterator<Item = ((i64, i32), M)>,
    ) {
        let table = M::Entity::default().table_name();
        for ((sequence, part), row) in found {
            match expected.remove(&(sequence, part)) {
                Some(expected) => self.compare(sequence, &format!("(part {part}) "), &expected, &row),
                None => self.difference(sequence, [table, "ordinal"], &format!("part {part} is not in the event")),
            }
        }
        for (sequence, part) in expected.into_keys() {
            self.difference(sequence, [table, "ordinal"], &format!("row of part {part} is missing"));
        }
    }
}
