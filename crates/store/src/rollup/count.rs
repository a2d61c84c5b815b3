//! Counts a list from rollups: which spans cover its period, and which of their keys match it.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::cache::{CachedLog, CountEntry};
use super::key::{Grain, KeyColumns, KeyView};
use crate::{EventQuery, Reader, StoreError};
use model::filter::{Condition, EventString, SetCondition, TimeRange};
use model::{FacetField, Scope, Timestamp};

/// Days per step. The cache may evict days between steps.
const DAYS_PER_STEP: usize = 32;
/// Days per step after a step without events.
const QUIET_DAYS_PER_STEP: usize = 512;

/// Aggregates counts: groups them by a property of their key, and by time.
pub(crate) trait Aggregator {
    /// Identifies a group.
    type GroupId: Copy;
    /// Returns the group of a key.
    fn group(&mut self, key: KeyView<'_>) -> Self::GroupId;
    /// Adds `events` events of a group at a time, in microseconds since 1970; `newest` is the greatest sequence among
    /// them.
    fn add(&mut self, group: Self::GroupId, time: i64, events: i64, newest: i64);
}

/// The state of a count: the list, the aggregator, and the group of each key.
struct ListCount<'a, T: Aggregator> {
    list: &'a EventQuery,
    scope: &'a Scope,
    aggregator: &'a mut T,
    /// By key index.
    groups: Vec<KeyMemo<T::GroupId>>,
}

/// The group of a key, once it was determined.
#[derive(Clone, Copy)]
enum KeyMemo<G> {
    Unknown,
    /// No event with this key belongs to the list.
    Excluded,
    Included(G),
}

impl<T: Aggregator> ListCount<'_, T> {
    /// Returns the group of a key, or `None` if no event with it belongs to the list.
    fn group(&mut self, key: KeyView<'_>) -> Option<T::GroupId> {
        let is_included =
            self.scope.visible.contains(key.value(FacetField::Service)) && matches_key(key, &self.list.condition);
        is_included.then(|| self.aggregator.group(key))
    }

    fn count(&mut self, log: &CachedLog, entries: impl Iterator<Item = CountEntry>) {
        self.groups.resize(log.key_count(), KeyMemo::Unknown);
        for entry in entries {
            if matches!(self.groups[entry.key], KeyMemo::Unknown) {
                let group = log.key_view(entry.key).and_then(|key| self.group(key));
                self.groups[entry.key] = group.map_or(KeyMemo::Excluded, KeyMemo::Included);
            }
            if let KeyMemo::Included(group) = self.groups[entry.key] {
                self.aggregator.add(group, entry.time, entry.events, entry.newest);
            }
        }
    }
}

/// Returns whether events with this key match a condition that needs no other columns; see [`KeyColumns::of`].
fn matches_key(key: KeyView<'_>, condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| matches_key(key, part)),
        Condition::Any(parts) => parts.iter().any(|part| matches_key(key, part)),
        Condition::Not(part) => !matches_key(key, part),
        Condition::String(EventString::Service, text) => text.matches(key.value(FacetField::Service)),
        Condition::String(EventString::Category, text) => text.matches(key.value(FacetField::Category)),
        Condition::String(EventString::Activity, text) => text.matches(key.value(FacetField::Activity)),
        Condition::ResourceType(set) => set_contains(set, key.resource_type()),
        Condition::OperationType(set) => set_contains(set, key.operation_type()),
        Condition::Status(set) => set_contains(set, key.status()),
        Condition::Actor(of) => of.keys.as_ref().is_none_or(|keys| keys.contains(key.value(FacetField::Actor))),
        _ => false,
    }
}

fn set_contains<T: Copy + PartialEq>(set: &SetCondition<T>, value: Option<T>) -> bool {
    value.is_some_and(|value| set.matches(value))
}

/// Spans that the rollups cover completely, ascending.
struct RollupCover(Vec<(Grain, TimeRange)>);

impl RollupCover {
    /// Covers a period with whole spans, none of which crosses an edge. Returns `None` if that is impossible.
    fn of(period: TimeRange, edges: &[Timestamp], needs: KeyColumns) -> Option<Self> {
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
            cover.push_period(base, TimeRange { from, to });
            from = to;
        }
        Some(cover)
    }

    /// Adds a period that starts and ends at span boundaries.
    fn push_period(&mut self, base: Grain, period: TimeRange) {
        let days = Grain::Day.within(period);
        if base != Grain::Quarter || is_empty(days) {
            return self.push(base, period);
        }
        let [before, after] = outside(period, days);
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
    /// Counts a list with the help of rollups, separately between `edges`. Returns `false` if the rollups lack a column
    /// that the condition or the count needs; `needs` is `None` if the count itself needs such a column.
    pub(crate) async fn count_from_rollups(
        &self,
        list: &EventQuery,
        needs: Option<KeyColumns>,
        edges: &[Timestamp],
        aggregator: &mut impl Aggregator,
    ) -> Result<bool, StoreError> {
        let needs = needs.zip(KeyColumns::of(&list.condition)).map(|(own, condition)| own.and(condition));
        let Some((needs, as_of)) = needs.zip(list.as_of).filter(|(needs, _)| !(needs.kind && needs.actor)) else {
            return Ok(false);
        };
        let Some(cover) = RollupCover::of(list.period, edges, needs) else { return Ok(false) };
        let log_id = match self.log_id.get() {
            Some(log_id) => *log_id,
            None => self.feed_head().await?.log_id,
        };
        let cached = self.store.rollup_cache.of(self.tenant_id);
        let mut guard = cached.log.lock().await;
        let grain = if needs.actor { Grain::ActorDay } else { Grain::Quarter };
        let mut counting = ListCount { list, scope: &self.scope, aggregator, groups: Vec::new() };
        if guard.is_ahead_of(log_id, as_of) {
            // A position before the cached blocks: use a temporary cache.
            drop(guard);
            return self.count_log(&mut CachedLog::default(), (log_id, as_of), &cover, grain, &mut counting).await;
        }
        // One request reads for all that count this log, so it must not wait for its own caller's connection share.
        let reader = self.without_connection_share();
        let is_included = reader.count_log(&mut guard, (log_id, as_of), &cover, grain, &mut counting).await?;
        self.store.rollup_cache.evict(self.tenant_id, &cached, &mut guard);
        Ok(is_included)
    }

    /// Counts a list up to a position and caches what it reads. Returns `false` if the rollups are too far behind.
    async fn count_log<T: Aggregator>(
        &self,
        log: &mut CachedLog,
        (log_id, as_of): ([u8; 16], i64),
        cover: &RollupCover,
        grain: Grain,
        counting: &mut ListCount<'_, T>,
    ) -> Result<bool, StoreError> {
        // Boxed: debug builds copy the futures of resolvers, and this one is large.
        if !Box::pin(log.advance(self, log_id, as_of)).await? {
            return Ok(false);
        }
        Box::pin(self.count_days(log, cover, counting)).await?;
        let period = counting.list.period;
        let unrolled = log.unrolled(as_of, grain == Grain::ActorDay);
        counting.count(log, unrolled.filter(|unrolled| period.contains(Timestamp(unrolled.time))));
        // Parts of spans at both ends of the period: before its first whole span and after its last.
        for part in outside(period, grain.within(period)).into_iter().flatten() {
            let entries = Box::pin(log.partial_span(self, grain, part)).await?;
            counting.count(log, entries.iter().copied());
        }
        Ok(true)
    }

    /// Counts the whole spans.
    async fn count_days<T: Aggregator>(
        &self,
        log: &mut CachedLog,
        cover: &RollupCover,
        counting: &mut ListCount<'_, T>,
    ) -> Result<(), StoreError> {
        for (grain, range) in &cover.0 {
            let days: Vec<i64> = log.days_within(range.from.map(|at| at.0), range.to.map(|at| at.0)).collect();
            let (mut days, mut step) = (days.as_slice(), DAYS_PER_STEP);
            while !days.is_empty() {
                let (chunk, rest) = days.split_at(step.min(days.len()));
                log.read_days(self, *grain, chunk).await?;
                // Years may lie between an event with a wrong date and the others.
                let is_quiet = chunk.iter().all(|day| log.day(*grain, *day).is_empty());
                (days, step) = (rest, if is_quiet { QUIET_DAYS_PER_STEP } else { DAYS_PER_STEP });
                for day in chunk {
                    let entries = log.day(*grain, *day).iter().copied();
                    counting.count(log, entries.filter(|entry| range.contains(Timestamp(entry.time))));
                }
                log.evict_days();
            }
        }
        Ok(())
    }

    /// Returns the last block that ends at or before a sequence and the sequence at which it ends, or zeros if there is
    /// none.
    pub(super) async fn last_block_at(&self, as_of: i64) -> Result<(i64, i64), StoreError> {
        use entity::rollup_block::{Column, Entity};
        let last = Entity::find()
            .filter(Column::TenantId.eq(self.tenant_id))
            .filter(Column::LastSequence.lte(as_of))
            .order_by_desc(Column::Block);
        let last = self.with_timeout(last.one(&self.store.read)).await?;
        Ok(last.map(|row| (i64::from(row.block), row.last_sequence)).unwrap_or_default())
    }
}

fn is_empty(period: TimeRange) -> bool {
    period.from.zip(period.to).is_some_and(|(from, to)| from >= to)
}

/// Returns the parts of a period before and after an inner period.
fn outside(period: TimeRange, inner: TimeRange) -> [Option<TimeRange>; 2] {
    let before = TimeRange { from: period.from, to: inner.from };
    let after = TimeRange { from: inner.to, to: period.to };
    [Some(before).filter(|_| period.from != inner.from), Some(after).filter(|_| period.to != inner.to)]
}
