//! Counting a list: which spans of the rollups cover it, and which counts in them match it.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::held::{Entry, Log};
use super::{Grain, Key, Needs};
use crate::{EventQuery, Reader, StoreError};
use model::filter::{Condition, EventString, SetCondition, TimeRange};
use model::{FacetField, OperationType, ResourceType, Scope, Status, Timestamp};

/// How many days are counted at a time: they need not all be kept.
const DAYS_AT_ONCE: usize = 32;
/// How many after days on which nothing happened.
const DAYS_QUIET: usize = 512;

/// How what is counted is told apart: by something of its key, and by when it happened.
pub(crate) trait Tally {
    /// Which of the things told apart.
    type Group: Copy;
    /// What is told of a key that is counted.
    fn group(&mut self, key: &Key) -> Self::Group;
    /// So many events with such a key, of which `newest` is the last in the log.
    fn add(&mut self, group: Self::Group, moment: i64, events: i64, newest: i64);
}

/// What is counted of a list, and what is known of its keys so far.
struct Counting<'a, T: Tally> {
    list: &'a EventQuery,
    scope: &'a Scope,
    tally: &'a mut T,
    /// By the places of keys.
    groups: Vec<Met<T::Group>>,
}

/// What is known of a key.
#[derive(Clone, Copy)]
enum Met<G> {
    NotYet,
    /// The list has no event with it.
    LeftOut,
    Counted(G),
}

impl<T: Tally> Counting<'_, T> {
    /// What is told of a key; none if the list has no event with it.
    fn group(&mut self, key: &Key) -> Option<T::Group> {
        let is_counted =
            self.scope.visible.contains(key.value(FacetField::Service)) && meets(key, &self.list.condition);
        is_counted.then(|| self.tally.group(key))
    }

    fn count(&mut self, log: &Log, entries: impl Iterator<Item = Entry>) {
        self.groups.resize(log.keys().len(), Met::NotYet);
        for entry in entries {
            if matches!(self.groups[entry.key], Met::NotYet) {
                let group = log.keys().get_index(entry.key).and_then(|key| self.group(key));
                self.groups[entry.key] = group.map_or(Met::LeftOut, Met::Counted);
            }
            if let Met::Counted(group) = self.groups[entry.key] {
                self.tally.add(group, entry.moment, entry.events, entry.newest);
            }
        }
    }
}

/// Whether the events with a key meet a condition that needs nothing else, see [`Needs::of`].
fn meets(key: &Key, condition: &Condition) -> bool {
    let Key([service, category, activity, resource_type, operation_type, status, actor]) = key;
    match condition {
        Condition::All(parts) => parts.iter().all(|part| meets(key, part)),
        Condition::Any(parts) => parts.iter().any(|part| meets(key, part)),
        Condition::Not(part) => !meets(key, part),
        Condition::String(EventString::Service, text) => text.matches(service),
        Condition::String(EventString::Category, text) => text.matches(category),
        Condition::String(EventString::Activity, text) => text.matches(activity),
        Condition::ResourceType(set) => has(set, ResourceType::from_name(resource_type)),
        Condition::OperationType(set) => has(set, OperationType::from_name(operation_type)),
        Condition::Status(set) => has(set, Status::from_name(status)),
        Condition::Actor(of) => of.keys.as_ref().is_none_or(|keys| keys.contains(actor)),
        _ => false,
    }
}

fn has<T: Copy + PartialEq>(set: &SetCondition<T>, value: Option<T>) -> bool {
    value.is_some_and(|value| set.matches(value))
}

/// Spans of which the rollups have all events, in order.
struct Cover(Vec<(Grain, TimeRange)>);

impl Cover {
    /// Whole spans of a period, none of which meets two of the intervals between edges. None if there is no such cover.
    fn of(period: TimeRange, edges: &[Timestamp], needs: Needs) -> Option<Self> {
        let base = if needs.actor { Grain::ActorDay } else { Grain::Quarter };
        let inner = base.within(period);
        if is_empty(inner) || edges.iter().any(|edge| edge.0.rem_euclid(base.micros()) != 0) {
            return None;
        }
        let mut cover = Self(Vec::new());
        let mut from = inner.from;
        let is_inside =
            |edge: &&Timestamp| inner.from.is_none_or(|from| **edge > from) && inner.to.is_none_or(|to| **edge < to);
        let cuts = edges.iter().filter(is_inside).copied().map(Some).chain([inner.to]);
        for to in cuts {
            cover.between(base, TimeRange { from, to });
            from = to;
        }
        Some(cover)
    }

    /// Adds a period that begins and ends with spans.
    fn between(&mut self, base: Grain, period: TimeRange) {
        let days = Grain::Day.within(period);
        if base != Grain::Quarter || is_empty(days) {
            return self.push(base, period);
        }
        let [before, after] = around(period, days);
        let quarters = |part: Option<TimeRange>| part.map(|part| (Grain::Quarter, part));
        for (grain, part) in [quarters(before), Some((Grain::Day, days)), quarters(after)].into_iter().flatten() {
            self.push(grain, part);
        }
    }

    fn push(&mut self, grain: Grain, period: TimeRange) {
        match self.0.last_mut() {
            Some((last, range)) if *last == grain && range.to == period.from => range.to = period.to,
            _ => self.0.push((grain, period)),
        }
    }
}

impl Reader {
    /// Counts a list with the help of rollups. False if they do not have what is needed: without `needs`, it is counted
    /// by something that they do not have. Intervals between `edges` are told apart.
    pub(crate) async fn rolled(
        &self,
        list: &EventQuery,
        needs: Option<Needs>,
        edges: &[Timestamp],
        tally: &mut impl Tally,
    ) -> Result<bool, StoreError> {
        let needs = needs.zip(Needs::of(&list.condition)).map(|(own, condition)| own.and(condition));
        let Some((needs, as_of)) = needs.zip(list.as_of).filter(|(needs, _)| !(needs.kind && needs.actor)) else {
            return Ok(false);
        };
        let Some(cover) = Cover::of(list.period, edges, needs) else { return Ok(false) };
        let log_id = match self.log_id.get() {
            Some(log_id) => *log_id,
            None => self.feed_head().await?.log_id,
        };
        let kept = self.store.held.of(self.tenant_id);
        let mut guard = kept.log.lock().await;
        let grain = if needs.actor { Grain::ActorDay } else { Grain::Quarter };
        let mut counting = Counting { list, scope: &self.scope, tally, groups: Vec::new() };
        if guard.is_beyond(log_id, as_of) {
            // A place further back is answered without what is kept, and not kept.
            drop(guard);
            return self.count_log(&mut Log::default(), (log_id, as_of), &cover, grain, &mut counting).await;
        }
        // One reads for all who count this log, so none of them waits for the connections that its caller has left.
        let reader = self.unshared();
        let is_counted = reader.count_log(&mut guard, (log_id, as_of), &cover, grain, &mut counting).await?;
        self.store.held.make_room(self.tenant_id, &kept, &mut guard);
        Ok(is_counted)
    }

    /// Counts a list up to a place of a log, and keeps what it reads. False if the rollups are too far behind.
    async fn count_log<T: Tally>(
        &self,
        log: &mut Log,
        (log_id, as_of): ([u8; 16], i64),
        cover: &Cover,
        grain: Grain,
        counting: &mut Counting<'_, T>,
    ) -> Result<bool, StoreError> {
        // Boxed, as what a resolver waits for is copied about in builds without optimisation.
        if !Box::pin(log.advance(self, log_id, as_of)).await? {
            return Ok(false);
        }
        Box::pin(self.count_days(log, cover, counting)).await?;
        let period = counting.list.period;
        let late = log.late(as_of, grain == Grain::ActorDay);
        counting.count(log, late.filter(|late| period.contains(Timestamp(late.moment))));
        // The events of blocks in spans of which the period has a part: before its first whole span, after its last.
        for part in around(period, grain.within(period)).into_iter().flatten() {
            let entries = Box::pin(log.edge(self, grain, part)).await?;
            counting.count(log, entries.iter().copied());
        }
        Ok(true)
    }

    /// Counts what the rollups have.
    async fn count_days<T: Tally>(
        &self,
        log: &mut Log,
        cover: &Cover,
        counting: &mut Counting<'_, T>,
    ) -> Result<(), StoreError> {
        for (grain, range) in &cover.0 {
            let days: Vec<i64> = log.days_within(range.from.map(|at| at.0), range.to.map(|at| at.0)).collect();
            let (mut days, mut at_once) = (days.as_slice(), DAYS_AT_ONCE);
            while !days.is_empty() {
                let (some, rest) = days.split_at(at_once.min(days.len()));
                log.read_days(self, *grain, some).await?;
                // Years may lie between an event that was dated wrongly and the others.
                let is_quiet = some.iter().all(|day| log.day(*grain, *day).is_empty());
                (days, at_once) = (rest, if is_quiet { DAYS_QUIET } else { DAYS_AT_ONCE });
                for day in some {
                    let entries = log.day(*grain, *day).iter().copied();
                    counting.count(log, entries.filter(|entry| range.contains(Timestamp(entry.moment))));
                }
                log.let_go();
            }
        }
        Ok(())
    }

    /// The last block that ends at or before a place, and where it ends; zeros if there is none.
    pub(super) async fn last_block_at(&self, as_of: i64) -> Result<(i64, i64), StoreError> {
        use entity::rollup_block::{Column, Entity};
        let last = Entity::find()
            .filter(Column::TenantId.eq(self.tenant_id))
            .filter(Column::LastSequence.lte(as_of))
            .order_by_desc(Column::Block);
        let last = self.in_time(last.one(&self.store.read)).await?;
        Ok(last.map(|row| (row.block, row.last_sequence)).unwrap_or_default())
    }
}

fn is_empty(period: TimeRange) -> bool {
    period.from.zip(period.to).is_some_and(|(from, to)| from >= to)
}

/// What of a period lies before and after an inner one.
fn around(period: TimeRange, inner: TimeRange) -> [Option<TimeRange>; 2] {
    let before = TimeRange { from: period.from, to: inner.from };
    let after = TimeRange { from: inner.to, to: period.to };
    [Some(before).filter(|_| period.from != inner.from), Some(after).filter(|_| period.to != inner.to)]
}
