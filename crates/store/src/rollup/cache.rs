//! Caches counts in memory: the days of rollups that were requested, and the events after the last block.
//!
//! Blocks and events never change, so cached counts stay valid. A new block is built from the cached events after the
//! last one, and nothing is read again. The cache holds whole logs; each caller counts only what its scope shows.
//!
//! The size is bounded: if all tenants together exceed [`CACHED_ENTRIES_MAX`], all logs but the current one are
//! evicted. A cache crate does not fit here: a log grows while it is in use under an asynchronous lock, and its entries
//! must be evicted together with the counters that refer to them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entity::rollup_key;
use indexmap::IndexSet;
use parking_lot::Mutex;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::key::{EVENT_COLUMNS, Grain, KeyView, RollupKey, TermKeys, read_event_keys};
use crate::query::select;
use crate::query::sql::Sql;
use crate::{Reader, StoreError};
use model::Scope;
use model::filter::{Condition, TimeRange};
use model::time::DAY;

/// The most entries of all tenants together. An entry has 32 bytes.
const CACHED_ENTRIES_MAX: usize = 1 << 20;
/// The number of entries that a key counts as.
const KEY_WEIGHT: usize = 2;
/// The number of entries that the string of a term counts as.
const TERM_WEIGHT: usize = 4;
/// The most cached events after the last block: eight blocks, because the rollup task may be behind.
const UNROLLED_MAX: i64 = 65_536;
/// The most cached counts of partial spans.
const PARTIAL_SPANS_MAX: usize = 16;
/// Keys or terms per lookup statement.
const KEYS_PER_STATEMENT: usize = 1_000;

/// The cached logs by tenant id.
#[derive(Default)]
pub(crate) struct RollupCache(Mutex<CachedLogs>);

type CachedLogs = HashMap<i32, Arc<CachedRollups>>;

/// The cached part of one log, and its size in entries.
#[derive(Default)]
pub(super) struct CachedRollups {
    pub(super) log: tokio::sync::Mutex<CachedLog>,
    size: AtomicUsize,
}

impl RollupCache {
    /// Returns the cached part of a tenant's log, empty if it is new.
    pub(super) fn of(&self, tenant_id: i32) -> Arc<CachedRollups> {
        Arc::clone(self.0.lock().entry(tenant_id).or_default())
    }

    /// Evicts the other logs if the cache is too large, and this one if it is too large by itself.
    pub(super) fn evict(&self, tenant_id: i32, cached: &CachedRollups, log: &mut CachedLog) {
        if log.size() > CACHED_ENTRIES_MAX {
            // The keys or the events after the last block alone are too large.
            *log = CachedLog::default();
        }
        cached.size.store(log.size(), Ordering::Relaxed);
        let mut logs = self.0.lock();
        if logs.values().map(|cached| cached.size.load(Ordering::Relaxed)).sum::<usize>() > CACHED_ENTRIES_MAX {
            logs.retain(|other, _| *other == tenant_id);
        }
    }
}

/// Events that are counted together.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountEntry {
    /// The start of the span, or the time of a single event, in microseconds since 1970.
    pub(super) time: i64,
    /// The number of events.
    pub(super) events: i64,
    /// The greatest sequence among them.
    pub(super) newest: i64,
    /// Index of the key in [`CachedLog::keys`].
    pub(super) key: usize,
}

/// An event after the last block.
#[derive(Clone, Copy, Debug)]
struct UnrolledEvent {
    sequence: i64,
    occurred_at: i64,
    kind: usize,
    actor: usize,
}

/// The cached part of one log.
#[derive(Default)]
pub(super) struct CachedLog {
    /// The log's id. A restored log has another one.
    id: [u8; 16],
    /// The block up to which days are counted, and the sequence at which it ends.
    block: i64,
    end: i64,
    keys: IndexSet<RollupKey>,
    /// The strings of the terms of the first `named_keys` keys.
    terms: TermKeys,
    named_keys: usize,
    /// The index of each key by its id in the database.
    key_ids: HashMap<i32, usize>,
    days: HashMap<(Grain, i64), Vec<CountEntry>>,
    /// The first and the last day of the rollups, or `None` if there are none.
    span: Option<(i64, i64)>,
    unrolled: Vec<UnrolledEvent>,
    /// Recently requested counts of partial spans, most recent first.
    partial_spans: VecDeque<(PartialSpan, Arc<[CountEntry]>)>,
}

/// A part of a span; its count covers the log up to the end of the last block.
type PartialSpan = (Grain, TimeRange);

impl CachedLog {
    /// Returns an empty cache of a log up to a block.
    async fn empty_at(reader: &Reader, log_id: [u8; 16], (block, end): (i64, i64)) -> Result<Self, StoreError> {
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT");
        for (function, separator) in [("MIN", ","), ("MAX", "")] {
            sql.push(&format!(" (SELECT {function}(r.starts_at) FROM rollup r WHERE r.tenant_id = $1 AND r.grain = "));
            sql.bind(Grain::Day.code()).push(")").push(separator);
        }
        let row = reader.query(sql).await?.pop().ok_or(StoreError::Bug("an aggregate query returned no row"))?;
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get_by(0)?, row.try_get_by(1)?);
        Ok(Self { id: log_id, block, end, span: first.zip(last), ..Self::default() })
    }

    fn size(&self) -> usize {
        let days: usize = self.days.values().map(|entries| entries.len() + 1).sum();
        let partial_spans: usize = self.partial_spans.iter().map(|(_, entries)| entries.len()).sum();
        let keys = self.keys.len() * KEY_WEIGHT + self.terms.len() * TERM_WEIGHT;
        days + partial_spans + self.unrolled.len() + keys
    }

    /// Returns the sequence of the last cached event.
    fn unrolled_end(&self) -> i64 {
        self.unrolled.last().map_or(self.end, |unrolled| unrolled.sequence)
    }

    /// Returns whether the cached blocks extend beyond a sequence.
    pub(super) fn is_ahead_of(&self, log_id: [u8; 16], as_of: i64) -> bool {
        self.id == log_id && as_of < self.end
    }

    /// Extends the cache to a sequence at or after the last block. Returns `false` if too many events follow the last
    /// block to be cached.
    pub(super) async fn advance(&mut self, reader: &Reader, log_id: [u8; 16], as_of: i64) -> Result<bool, StoreError> {
        if self.id != log_id {
            *self = Self::empty_at(reader, log_id, reader.last_block_at(as_of).await?).await?;
        }
        // All blocks have the same size, so a new one can exist only after that many events.
        let size = if self.block == 0 { 1 } else { self.end / self.block };
        let is_due = as_of - self.end >= size;
        let (block, end) = if is_due { reader.last_block_at(as_of).await? } else { (self.block, self.end) };
        if end - self.end > UNROLLED_MAX {
            *self = Self::empty_at(reader, log_id, (block, end)).await?;
        }
        if as_of - self.end > UNROLLED_MAX {
            return Ok(false);
        }
        self.read_unrolled(reader, as_of).await?;
        if end > self.end {
            self.absorb_blocks(block, end);
        }
        Ok(true)
    }

    /// Reads the events up to a sequence that are not cached yet.
    async fn read_unrolled(&mut self, reader: &Reader, to: i64) -> Result<(), StoreError> {
        if to <= self.unrolled_end() {
            return Ok(());
        }
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT ");
        sql.push(EVENT_COLUMNS)
            .push(" FROM audit_event e WHERE e.tenant_id = $1 AND e.sequence > ")
            .bind(self.unrolled_end());
        sql.push(" AND e.sequence <= ").bind(to).push(" ORDER BY e.sequence");
        let rows = reader.query(sql).await?;
        let events = rows.iter().map(read_event_keys).collect::<Result<Vec<_>, _>>()?;
        for (sequence, occurred_at, kind, actor) in events {
            let (kind, actor) = (self.key(kind), self.key(actor));
            self.unrolled.push(UnrolledEvent { sequence, occurred_at, kind, actor });
        }
        self.read_terms(reader).await
    }

    /// Returns the index of a key, adding it if it is new.
    fn key(&mut self, key: RollupKey) -> usize {
        self.keys.insert_full(key).0
    }

    /// Returns the number of keys.
    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Returns the key with an index, with the strings of its terms.
    pub(super) fn key_view(&self, index: usize) -> Option<KeyView<'_>> {
        self.keys.get_index(index).map(|key| KeyView { key: *key, terms: &self.terms })
    }

    /// Reads the strings of the terms of new keys.
    async fn read_terms(&mut self, reader: &Reader) -> Result<(), StoreError> {
        let new_keys = self.keys.iter().skip(self.named_keys);
        let missing: HashSet<i32> =
            new_keys.flat_map(|key| key.terms()).filter(|id| !self.terms.contains_key(id)).collect();
        let mut missing: Vec<i32> = missing.into_iter().collect();
        for chunk in missing.chunks(KEYS_PER_STATEMENT) {
            let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT k.id, k.key FROM term k");
            sql.push(" WHERE k.tenant_id = $1 AND k.id IN ").list(chunk.iter().copied());
            for row in reader.query(sql).await? {
                self.terms.insert(row.try_get_by(0)?, row.try_get_by::<String, _>(1)?.into());
            }
        }
        missing.retain(|id| !self.terms.contains_key(id));
        if let Some(id) = missing.first() {
            let (id, reason) = (id.to_string(), "is missing, but an event refers to it".to_owned());
            return Err(StoreError::Corrupt { table: "term", column: "id", id, reason });
        }
        self.named_keys = self.keys.len();
        Ok(())
    }

    /// Moves the events of new blocks into the cached days.
    fn absorb_blocks(&mut self, block: i64, end: i64) {
        let unrolled = self.unrolled.partition_point(|unrolled| unrolled.sequence <= end);
        let mut positions: HashMap<(Grain, i64), HashMap<(i64, usize), usize>> = HashMap::new();
        for unrolled in self.unrolled.drain(..unrolled) {
            let day = unrolled.occurred_at - unrolled.occurred_at.rem_euclid(DAY);
            self.span = Some(self.span.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
            for (grain, key) in
                [(Grain::Quarter, unrolled.kind), (Grain::Day, unrolled.kind), (Grain::ActorDay, unrolled.actor)]
            {
                let Some(entries) = self.days.get_mut(&(grain, day)) else { continue };
                let positions = positions.entry((grain, day)).or_insert_with(|| {
                    entries.iter().enumerate().map(|(position, entry)| ((entry.time, entry.key), position)).collect()
                });
                let time = unrolled.occurred_at - unrolled.occurred_at.rem_euclid(grain.micros());
                let position = *positions.entry((time, key)).or_insert(entries.len());
                if position == entries.len() {
                    entries.push(CountEntry { time, events: 0, newest: 0, key });
                }
                entries[position].events += 1;
                entries[position].newest = entries[position].newest.max(unrolled.sequence);
            }
        }
        (self.block, self.end) = (block, end);
        self.partial_spans.clear();
    }

    /// Returns the counts of a part of a span, counted by the database. They are cached, because a screen requests
    /// several counts of the same period.
    pub(super) async fn partial_span(
        &mut self,
        reader: &Reader,
        grain: Grain,
        period: TimeRange,
    ) -> Result<Arc<[CountEntry]>, StoreError> {
        if let Some((_, entries)) = self.partial_spans.iter().find(|(partial_span, _)| *partial_span == (grain, period))
        {
            return Ok(Arc::clone(entries));
        }
        let (scope, everything) = (Scope::all(), Condition::everything());
        let as_of = Some(self.end);
        let events = select::ListQuery {
            tenant_id: reader.tenant_id,
            scope: &scope,
            condition: &everything,
            period,
            as_of,
            after: None,
            prefilter: None,
        };
        let (columns, at) = grain.columns();
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT ");
        sql.push(columns).push(", MIN(e.occurred_at), COUNT(*), MAX(e.sequence)");
        events.push_from_where(&mut sql);
        sql.push(" GROUP BY ").push(columns);
        let rows = reader.query(sql).await?;
        let entries = rows.iter().map(|row| {
            let (time, events, newest) = (row.try_get_by(at)?, row.try_get_by(at + 1)?, row.try_get_by(at + 2)?);
            Ok(CountEntry { time, events, newest, key: self.key(grain.key(row)?) })
        });
        let entries = entries.collect::<Result<Arc<[CountEntry]>, StoreError>>()?;
        self.read_terms(reader).await?;
        self.partial_spans.truncate(PARTIAL_SPANS_MAX - 1);
        self.partial_spans.push_front(((grain, period), Arc::clone(&entries)));
        Ok(entries)
    }

    /// Returns the days in UTC, as their starts, that overlap a period and lie within the rollups.
    pub(super) fn days_within(&self, from: Option<i64>, to: Option<i64>) -> impl Iterator<Item = i64> + use<> {
        let (first, last) = self.span.unwrap_or((0, -1));
        let first = from.map_or(first, |from| first.max(from - from.rem_euclid(DAY)));
        let end = to.map_or(last + 1, |to| to.min(last + 1));
        (0_i64..).map(move |n| first + n * DAY).take_while(move |day| *day < end)
    }

    /// Reads the days that are not cached yet.
    pub(super) async fn read_days(&mut self, reader: &Reader, grain: Grain, days: &[i64]) -> Result<(), StoreError> {
        let missing: Vec<i64> = days.iter().copied().filter(|day| !self.days.contains_key(&(grain, *day))).collect();
        for run in missing.chunk_by(|day, next| next - day == DAY) {
            let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT r.starts_at, r.key_id");
            sql.push(
                ", CAST(SUM(r.events) AS bigint), MAX(r.newest) FROM rollup r WHERE r.tenant_id = $1 AND r.grain = ",
            );
            sql.bind(grain.code()).push(" AND r.starts_at >= ").bind(run[0]);
            sql.push(" AND r.starts_at < ").bind(run[run.len() - 1] + DAY).push(" AND r.block <= ").bind(self.block);
            sql.push(" GROUP BY r.starts_at, r.key_id");
            let rows = reader.query(sql).await?;
            let rows = rows
                .iter()
                .map(|row| Ok((row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?, row.try_get_by(3)?)));
            let rows = rows.collect::<Result<Vec<(i64, i32, i64, i64)>, StoreError>>()?;
            self.read_keys(reader, rows.iter().map(|row| row.1)).await?;
            // A day is cached completely or not at all, even if it is empty.
            let mut read: HashMap<_, Vec<_>> = run.iter().map(|day| ((grain, *day), Vec::new())).collect();
            for (time, key_id, events, newest) in rows {
                let key = *self.key_ids.get(&key_id).ok_or_else(|| StoreError::Corrupt {
                    table: "rollup",
                    column: "key_id",
                    id: key_id.to_string(),
                    reason: "refers to no key".to_owned(),
                })?;
                let day = time - time.rem_euclid(DAY);
                read.entry((grain, day)).or_default().push(CountEntry { time, events, newest, key });
            }
            self.days.extend(read);
        }
        Ok(())
    }

    /// Reads the keys with these ids that are not cached yet.
    async fn read_keys(&mut self, reader: &Reader, key_ids: impl Iterator<Item = i32>) -> Result<(), StoreError> {
        let missing: HashSet<i32> = key_ids.filter(|key_id| !self.key_ids.contains_key(key_id)).collect();
        let missing: Vec<i32> = missing.into_iter().collect();
        for chunk in missing.chunks(KEYS_PER_STATEMENT) {
            let keys = rollup_key::Entity::find()
                .filter(rollup_key::Column::TenantId.eq(reader.tenant_id))
                .filter(rollup_key::Column::Id.is_in(chunk.iter().copied()));
            for row in reader.with_timeout(keys.all(&reader.store.read)).await? {
                let key_id = row.id;
                let key = self.key(RollupKey::from(row));
                self.key_ids.insert(key_id, key);
            }
        }
        self.read_terms(reader).await
    }

    /// Returns the entries of a cached day.
    pub(super) fn day(&self, grain: Grain, day: i64) -> &[CountEntry] {
        self.days.get(&(grain, day)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Evicts all days if the log is too large to be cached.
    pub(super) fn evict_days(&mut self) {
        if self.size() > CACHED_ENTRIES_MAX {
            self.days.clear();
        }
    }

    /// Returns the events after the last block, up to a sequence.
    pub(super) fn unrolled(&self, as_of: i64, by_actor: bool) -> impl Iterator<Item = CountEntry> {
        self.unrolled.iter().take_while(move |unrolled| unrolled.sequence <= as_of).map(move |unrolled| CountEntry {
            time: unrolled.occurred_at,
            events: 1,
            newest: unrolled.sequence,
            key: if by_actor { unrolled.actor } else { unrolled.kind },
        })
    }
}
