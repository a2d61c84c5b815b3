//! Verifies the integrity of a log: sequences without gaps, in the order of recording, and columns, side tables and
//! rollups that agree with the bodies.
//!
//! The rows derived from a body are built again by the code that records, and compared with the stored rows. All reads
//! see one snapshot, so verification can run beside a server; the log is read in chunks, so memory does not grow with
//! it. A part that the database cannot read, or a body that cannot be decompressed, is reported, and verification
//! continues behind it. A body that was changed together with all rows derived from it goes undetected.
//!
//! [`storage`] checks what the rows depend on: the database file, and the tables, indexes and triggers.

mod storage;
mod schema_objects;
mod unreadable;
mod events;
mod side_rows;
mod snapshots;
mod terms;
mod rollups;
mod activities;

use std::collections::BTreeSet;

use entity::{audit_event, rollup_block, tenant_log};
use sea_orm::{DatabaseTransaction, EntityTrait};
use sea_orm::{EntityName as _, IdenStatic as _, Iterable as _, ModelTrait};

use self::activities::ActivityCounts;
use self::snapshots::IdSet;
use self::unreadable::UnreadableEvents;
use crate::{RowProgress, Store, StoreError, Tenant};

/// A difference between a stored and an expected value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The event's sequence, if the difference concerns one event, or the first of several.
    pub sequence: Option<i64>,
    /// The part of the database: a table and its column, an index, a trigger.
    pub part: String,
    /// What is wrong. Contains no values of events.
    pub reason: String,
}

impl Difference {
    /// A difference that concerns no single event.
    pub(super) fn of(part: &str, reason: impl Into<String>) -> Self {
        Self { sequence: None, part: part.to_owned(), reason: reason.into() }
    }
}

/// Called for every difference.
pub type ReportDifference<'a> = &'a mut (dyn FnMut(Difference) + Send);

/// The state of the verification of one log.
struct Verification<'a> {
    tenant_id: i32,
    snapshot: &'a DatabaseTransaction,
    report: ReportDifference<'a>,
    progress: &'a RowProgress,
    terms: IdSet,
    actors: IdSet,
    targets: IdSet,
    /// Whether the targets of all events could be compared.
    is_every_target_known: bool,
    /// Whether the property changes of all events could be compared.
    is_every_change_known: bool,
    /// `None` if the catalogue cannot be read.
    activity_counts: Option<ActivityCounts>,
    /// The number of events that were read, and of their event keys that were found.
    events: i64,
    keys: u64,
    last_sequence: i64,
    last_recorded_at: i64,
    unreadable: UnreadableEvents,
    /// The events of the current chunk whose bodies cannot be decoded.
    undecodable: BTreeSet<i64>,
}

impl Store {
    /// Verifies the log of a tenant and reports every difference. Returns the number of events that were read. Events
    /// that were verified are added to `progress`.
    pub async fn verify(
        &self,
        tenant: &Tenant,
        report: ReportDifference<'_>,
        progress: &RowProgress,
    ) -> Result<i64, StoreError> {
        progress.begin(audit_event::Entity.table_name());
        let snapshot = self.snapshot().await?;
        let mut verification = Verification {
            tenant_id: tenant.id,
            snapshot: &snapshot,
            report,
            progress,
            terms: IdSet::default(),
            actors: IdSet::default(),
            targets: IdSet::default(),
            is_every_target_known: true,
            is_every_change_known: true,
            activity_counts: None,
            events: 0,
            keys: 0,
            last_sequence: 0,
            last_recorded_at: 0,
            unreadable: UnreadableEvents::default(),
            undecodable: BTreeSet::new(),
        };
        verification.set_savepoint().await?;
        verification.run().await?;
        let events = verification.events;
        snapshot.rollback().await?;
        Ok(events)
    }
}

impl Verification<'_> {
    fn difference(&mut self, sequence: impl Into<Option<i64>>, [table, column]: [&str; 2], reason: &str) {
        let part = format!("{table}.{column}");
        (self.report)(Difference { sequence: sequence.into(), part, reason: reason.to_owned() });
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

    async fn run(&mut self) -> Result<(), StoreError> {
        let head = tenant_log::Entity::find_by_id(self.tenant_id).one(self.snapshot).await;
        let Some(head) = self.readable(head, "tenant_log", None).await? else { return Ok(()) };
        let Some(head) = head else {
            self.difference(None, ["tenant_log", "tenant_id"], "row is missing");
            return Ok(());
        };
        self.terms = IdSet::up_to(head.last_term_id);
        self.actors = IdSet::up_to(head.last_actor_id);
        self.targets = IdSet::up_to(head.last_target_id);
        let counts = ActivityCounts::begin(self.snapshot, self.tenant_id).await;
        self.activity_counts = self.readable(counts, "activity_type", None).await?;
        let after = self.check_events(&head).await?;
        // Rows after the last event belong to no event.
        let links = self.links(after, i64::MAX).await;
        let rest = Some((after.max(0) + 1, i64::MAX));
        let links = self.readable(links, "event_target", rest).await?;
        let changes = self.changes(after, i64::MAX).await;
        let changes = self.readable(changes, "property_change", rest).await?;
        self.check_side_rows(Vec::new(), links, changes);
        for (column, found, last) in [
            ("last_sequence", head.last_sequence, self.last_sequence),
            ("last_recorded_at", head.last_recorded_at, self.last_recorded_at),
        ] {
            let is_known = column == "last_sequence" || self.unreadable.is_empty();
            if is_known && found != last {
                self.difference(None, ["tenant_log", column], "does not match the last event");
            }
        }
        if !self.unreadable.is_empty() {
            let reason =
                "does not allow a comparison of counts, terms, snapshots and rollups, because events cannot be read";
            (self.report)(Difference::of("tenant_log", reason));
            return Ok(());
        }
        let keys = self.check_surplus_keys().await;
        self.readable(keys, "event_key", None).await?;
        self.check_surplus_rows(&head).await?;
        self.compare_activity_counts(&head);
        let rollups = self.check_rollups().await;
        self.readable(rollups, rollup_block::Entity.table_name(), None).await?;
        Ok(())
    }
}
