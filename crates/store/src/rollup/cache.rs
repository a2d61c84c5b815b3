//! Counts kept in memory: the days of rollups that were asked for, and the events after the last block. A block never
//! changes and neither does an event, so what is kept stays right; a new block takes its events from those kept after
//! the last one, and nothing is read again.
//!
//! What is kept is about the whole log; each caller's counts include only what its scope shows. It is bounded: when all
//! tenants together have more than [`HELD_MAX`], the others are forgotten, and read again when they are asked for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entity::rollup_key;
use indexmap::IndexSet;
use parking_lot::Mutex;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::key::{EVENT_COLUMNS, Grain, Key, counted};
use crate::query::select;
use crate::query::sql::Sql;
use crate::{Reader, StoreError};
use model::Scope;
use model::filter::{Condition, TimeRange};
use model::time::DAY;

/// The most entries that are kept, of all tenants together; each has 32 bytes.
const HELD_MAX: usize = 1 << 20;
/// How many entries a key stands for when they are counted.
const KEY_WEIGHT: usize = 8;
/// The most events after the last block that are kept, eight times those of a block: blocks may be a little behind.
const LATE_MAX: i64 = 65_536;
/// The most parts of spans that are kept.
const EDGES_MAX: usize = 16;
/// How many keys are asked for in one statement.
const KEYS_ASKED: usize = 1_000;

/// The logs of which something is kept.
#[derive(Default)]
pub(crate) struct Held(Mutex<Logs>);

type Logs = HashMap<i32, Arc<Kept>>;

/// What is kept of one log, and how much that is.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) log: tokio::sync::Mutex<Log>,
    size: AtomicUsize,
}

impl Held {
    /// What is kept of a tenant's log.
    pub(super) fn of(&self, tenant_id: i32) -> Arc<Kept> {
        Arc::clone(self.0.lock().entry(tenant_id).or_default())
    }

    /// Forgets other logs if there is too much, and this one if it is too much by itself.
    pub(super) fn make_room(&self, tenant_id: i32, kept: &Kept, log: &mut Log) {
        if log.size() > HELD_MAX {
            // The keys alone, or what came late.
            *log = Log::default();
        }
        kept.size.store(log.size(), Ordering::Relaxed);
        let mut logs = self.0.lock();
        if logs.values().map(|kept| kept.size.load(Ordering::Relaxed)).sum::<usize>() > HELD_MAX {
            logs.retain(|other, _| *other == tenant_id);
        }
    }
}

/// Events counted together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// When the span they happened in starts, or when they happened.
    pub(super) moment: i64,
    /// How many they are.
    pub(super) events: i64,
    /// The last of them in the log.
    pub(super) newest: i64,
    /// What they have in common.
    pub(super) key: usize,
}

/// An event after the last block.
#[derive(Clone, Copy, Debug)]
struct Late {
    sequence: i64,
    occurred_at: i64,
    kind: usize,
    actor: usize,
}

/// What is kept of one log.
#[derive(Default)]
pub(super) struct Log {
    /// Which log it is; after a restore it is another one.
    id: [u8; 16],
    /// The block up to which days are counted, and where it ends.
    block: i64,
    end: i64,
    keys: IndexSet<Key>,
    /// Keys by their numbers in the database.
    numbers: HashMap<i64, usize>,
    days: HashMap<(Grain, i64), Vec<Entry>>,
    /// The first and the last day that the rollups have; none if they have none.
    span: Option<(i64, i64)>,
    late: Vec<Late>,
    /// Parts of spans that were counted lately.
    edges: VecDeque<(Edge, Arc<[Entry]>)>,
}

/// A part of a span, up to where the last block ends.
type Edge = (Grain, TimeRange);

impl Log {
    /// A log of which nothing is kept yet, up to a block.
    async fn at(reader: &Reader, log_id: [u8; 16], (block, end): (i64, i64)) -> Result<Self, StoreError> {
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT");
        for (function, separator) in [("MIN", ","), ("MAX", "")] {
            sql.push(&format!(" (SELECT {function}(r.starts_at) FROM rollup r WHERE r.tenant_id = $1 AND r.grain = "));
            sql.bind(Grain::Day.code()).push(")").push(separator);
        }
        let row = reader.query(sql).await?.pop().ok_or(StoreError::Bug("a count has no row"))?;
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get_by(0)?, row.try_get_by(1)?);
        Ok(Self { id: log_id, block, end, span: first.zip(last), ..Self::default() })
    }

    fn size(&self) -> usize {
        let days: usize = self.days.values().map(|entries| entries.len() + 1).sum();
        let edges: usize = self.edges.iter().map(|(_, entries)| entries.len()).sum();
        days + edges + self.late.len() + self.keys.len() * KEY_WEIGHT
    }

    /// Where what is kept of the end of the log ends.
    fn reach(&self) -> i64 {
        self.late.last().map_or(self.end, |late| late.sequence)
    }

    /// Whether this log is kept up to a block that ends beyond a place.
    pub(super) fn is_beyond(&self, log_id: [u8; 16], as_of: i64) -> bool {
        self.id == log_id && as_of < self.end
    }

    /// Brings what is kept up to a place of the log, at or after its last block. False if the blocks are too far behind
    /// to keep what comes after.
    pub(super) async fn advance(&mut self, reader: &Reader, log_id: [u8; 16], as_of: i64) -> Result<bool, StoreError> {
        if self.id != log_id {
            *self = Self::at(reader, log_id, reader.last_block_at(as_of).await?).await?;
        }
        // Blocks are of one size, so it is known when the next one may be there.
        let size = if self.block == 0 { 1 } else { self.end / self.block };
        let is_due = as_of - self.end >= size;
        let (block, end) = if is_due { reader.last_block_at(as_of).await? } else { (self.block, self.end) };
        if end - self.end > LATE_MAX {
            *self = Self::at(reader, log_id, (block, end)).await?;
        }
        if as_of - self.end > LATE_MAX {
            return Ok(false);
        }
        self.read_late(reader, as_of).await?;
        if end > self.end {
            self.absorb(block, end);
        }
        Ok(true)
    }

    /// Reads the events up to a place that are not kept yet.
    async fn read_late(&mut self, reader: &Reader, to: i64) -> Result<(), StoreError> {
        if to <= self.reach() {
            return Ok(());
        }
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT ");
        sql.push(EVENT_COLUMNS).push(" FROM audit_event e WHERE e.tenant_id = $1 AND e.sequence > ").bind(self.reach());
        sql.push(" AND e.sequence <= ").bind(to).push(" ORDER BY e.sequence");
        let rows = reader.query(sql).await?;
        let events = rows.iter().map(counted).collect::<Result<Vec<_>, _>>()?;
        for (sequence, occurred_at, kind, actor) in events {
            let (kind, actor) = (self.key(kind), self.key(actor));
            self.late.push(Late { sequence, occurred_at, kind, actor });
        }
        Ok(())
    }

    /// What stands for a key.
    fn key(&mut self, key: Key) -> usize {
        self.keys.insert_full(key).0
    }

    /// All keys, at their places.
    pub(super) fn keys(&self) -> &IndexSet<Key> {
        &self.keys
    }

    /// Takes the events of blocks that were written since into the days that are kept.
    fn absorb(&mut self, block: i64, end: i64) {
        let late = self.late.partition_point(|late| late.sequence <= end);
        let mut places: HashMap<(Grain, i64), HashMap<(i64, usize), usize>> = HashMap::new();
        for late in self.late.drain(..late) {
            let day = late.occurred_at - late.occurred_at.rem_euclid(DAY);
            self.span = Some(self.span.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
            for (grain, key) in [(Grain::Quarter, late.kind), (Grain::Day, late.kind), (Grain::ActorDay, late.actor)] {
                let Some(entries) = self.days.get_mut(&(grain, day)) else { continue };
                let places = places.entry((grain, day)).or_insert_with(|| {
                    entries.iter().enumerate().map(|(place, entry)| ((entry.moment, entry.key), place)).collect()
                });
                let moment = late.occurred_at - late.occurred_at.rem_euclid(grain.micros());
                let place = *places.entry((moment, key)).or_insert(entries.len());
                if place == entries.len() {
                    entries.push(Entry { moment, events: 0, newest: 0, key });
                }
                entries[place].events += 1;
                entries[place].newest = entries[place].newest.max(late.sequence);
            }
        }
        (self.block, self.end) = (block, end);
        self.edges.clear();
    }

    /// The events of blocks in a part of a span, counted in the database. What asks for one count of a period asks for
    /// more of it.
    pub(super) async fn edge(
        &mut self,
        reader: &Reader,
        grain: Grain,
        period: TimeRange,
    ) -> Result<Arc<[Entry]>, StoreError> {
        if let Some((_, entries)) = self.edges.iter().find(|(edge, _)| *edge == (grain, period)) {
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
            narrow: None,
        };
        let (columns, at) = grain.columns();
        let mut sql = Sql::for_tenant(reader.tenant_id, "SELECT ");
        sql.push(columns).push(", MIN(e.occurred_at), COUNT(*), MAX(e.sequence)");
        events.unordered(&mut sql);
        sql.push(" GROUP BY ").push(columns);
        let rows = reader.query(sql).await?;
        let entries = rows.iter().map(|row| {
            let (moment, events, newest) = (row.try_get_by(at)?, row.try_get_by(at + 1)?, row.try_get_by(at + 2)?);
            Ok(Entry { moment, events, newest, key: self.key(grain.key(row)?) })
        });
        let entries = entries.collect::<Result<Arc<[Entry]>, StoreError>>()?;
        self.edges.truncate(EDGES_MAX - 1);
        self.edges.push_front(((grain, period), Arc::clone(&entries)));
        Ok(entries)
    }

    /// The days in UTC that meet a span and that the rollups have.
    pub(super) fn days_within(&self, from: Option<i64>, to: Option<i64>) -> impl Iterator<Item = i64> + use<> {
        let (first, last) = self.span.unwrap_or((0, -1));
        let first = from.map_or(first, |from| first.max(from - from.rem_euclid(DAY)));
        let end = to.map_or(last + 1, |to| to.min(last + 1));
        (0_i64..).map(move |n| first + n * DAY).take_while(move |day| *day < end)
    }

    /// Reads the days that are not kept yet.
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
            let rows = rows.collect::<Result<Vec<(i64, i64, i64, i64)>, StoreError>>()?;
            self.read_keys(reader, rows.iter().map(|row| row.1)).await?;
            // A day is kept whole or not at all, and so is one on which nothing happened.
            let mut read: HashMap<_, Vec<_>> = run.iter().map(|day| ((grain, *day), Vec::new())).collect();
            for (moment, number, events, newest) in rows {
                let key = *self.numbers.get(&number).ok_or_else(|| StoreError::Corrupt {
                    table: "rollup",
                    column: "key_id",
                    id: number.to_string(),
                    reason: "is no key".to_owned(),
                })?;
                let day = moment - moment.rem_euclid(DAY);
                read.entry((grain, day)).or_default().push(Entry { moment, events, newest, key });
            }
            self.days.extend(read);
        }
        Ok(())
    }

    /// Reads the keys with these numbers that are not known yet.
    async fn read_keys(&mut self, reader: &Reader, numbers: impl Iterator<Item = i64>) -> Result<(), StoreError> {
        let unknown: HashSet<i64> = numbers.filter(|number| !self.numbers.contains_key(number)).collect();
        let unknown: Vec<i64> = unknown.into_iter().collect();
        for some in unknown.chunks(KEYS_ASKED) {
            let keys = rollup_key::Entity::find()
                .filter(rollup_key::Column::TenantId.eq(reader.tenant_id))
                .filter(rollup_key::Column::Id.is_in(some.iter().copied()));
            for row in reader.in_time(keys.all(&reader.store.read)).await? {
                let number = row.id;
                let key = self.key(Key::from(row));
                self.numbers.insert(number, key);
            }
        }
        Ok(())
    }

    /// The entries of a day.
    pub(super) fn day(&self, grain: Grain, day: i64) -> &[Entry] {
        self.days.get(&(grain, day)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Forgets all days if they are too much to be kept.
    pub(super) fn let_go(&mut self) {
        if self.size() > HELD_MAX {
            self.days.clear();
        }
    }

    /// The events after the last block, up to a place.
    pub(super) fn late(&self, as_of: i64, by_actor: bool) -> impl Iterator<Item = Entry> {
        self.late.iter().take_while(move |late| late.sequence <= as_of).map(move |late| Entry {
            moment: late.occurred_at,
            events: 1,
            newest: late.sequence,
            key: if by_actor { late.actor } else { late.kind },
        })
    }
}
