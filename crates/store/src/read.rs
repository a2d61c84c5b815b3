//! Reading the log: one statement for a page, and one more for each count that was asked for.
//!
//! A page reads one row more than it shows, which tells whether there are more ahead, and starts at the row of its
//! cursor, which tells whether there are more behind: that row itself is one. Only if the cursor's own row is not in
//! the list any more, a probe of one row decides.

use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{Stream, TryStreamExt as _};
use sea_orm::{
    ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement, StreamTrait as _, TransactionTrait as _,
};

use super::allowance::{self, QueryBudget};
use super::narrow::Purpose;
use super::row::{self, Row};
use super::select::{self, Bound, Stretch};
use super::sql::Sql;
use super::{Store, StoreError};
use model::filter::{Condition, TimeRange};
use model::page::{Cursor, FeedCursor, Order, Page, Position, Slice};
use model::view::EventView;
use model::{Event, EventId, Scope, Timestamp};

/// The log of one tenant as a scope shows it.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) store: Store,
    pub(super) tenant_id: i32,
    pub(super) scope: Scope,
    pub(super) shown: DisclosureCounter,
    allowance: QueryBudget,
    rows: Arc<AtomicU64>,
    /// Which log it is, once that was read. A reader lives as long as a request.
    pub(super) log_id: Arc<OnceLock<[u8; 16]>>,
}

/// What a reader has shown so far. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct DisclosureCounter(Arc<(AtomicU64, AtomicI64)>);

impl DisclosureCounter {
    /// So many events were shown.
    pub(super) fn events(&self, count: usize) {
        self.0.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The answer is as of this place in the log.
    pub(super) fn up_to(&self, sequence: i64) {
        self.0.1.fetch_max(sequence, Ordering::Relaxed);
    }

    /// How many events were shown since this was last asked, and as of which place in the log, if it is known.
    pub fn take(&self) -> (u64, Option<i64>) {
        let (events, up_to) = (self.0.0.swap(0, Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        (events, Some(up_to).filter(|up_to| *up_to > 0))
    }
}

/// A list of events: which, and of which time.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// Which events.
    pub condition: Condition,
    /// When they happened.
    pub period: TimeRange,
    /// Only those that were in the log up to this place; none means all.
    pub as_of: Option<i64>,
}

/// How many times a limit is looked at where some of what is looked at does not count.
const FURTHER: i64 = 8;

/// What the log of a tenant spans.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The newest place in the log.
    pub head: FeedCursor,
    /// When the oldest event visible happened.
    pub oldest: Option<Timestamp>,
    /// When the newest event visible happened.
    pub newest: Option<Timestamp>,
}

impl Reader {
    pub(super) fn new(store: Store, tenant_id: i32, scope: Scope) -> Self {
        Self {
            store,
            tenant_id,
            scope,
            shown: DisclosureCounter::default(),
            allowance: QueryBudget::default(),
            rows: Arc::default(),
            log_id: Arc::default(),
        }
    }

    /// The same, for a request that may take so much.
    #[must_use]
    pub fn allowed(self, allowance: QueryBudget) -> Self {
        Self { allowance, ..self }
    }

    /// The same, with no regard to what its caller has left of the connections.
    pub(super) fn unshared(&self) -> Self {
        Self { allowance: self.allowance.clone().unshared(), ..self.clone() }
    }

    /// The same, for a part of what it reads: so many bytes of events.
    pub(super) fn holding(&self, bytes_max: usize) -> Self {
        Self { allowance: self.allowance.clone().holding(bytes_max), ..self.clone() }
    }

    /// Adds the rows that are read to a count.
    #[must_use]
    pub fn counting(self, rows: &Arc<AtomicU64>) -> Self {
        Self { rows: Arc::clone(rows), ..self }
    }

    /// Tells what is shown.
    #[must_use]
    pub fn showing(self, shown: &DisclosureCounter) -> Self {
        Self { shown: shown.clone(), ..self }
    }

    /// What was shown so far.
    pub fn shown(&self) -> &DisclosureCounter {
        &self.shown
    }

    /// Notes that what is answered is as of a place in the log.
    pub fn answers_as_of(&self, sequence: i64) {
        self.shown.up_to(sequence);
    }

    /// Which log it reads; two readers of one log say the same.
    pub fn log(&self) -> i32 {
        self.tenant_id
    }

    /// What the reader may see.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The event of a row.
    pub fn event_of(&self, row: Row) -> Result<Event, StoreError> {
        row.event(&self.scope)
    }

    /// The event of a row, read where it lies.
    pub fn view<'r>(&self, row: &'r Row) -> Result<EventView<'r>, StoreError> {
        row.view(&self.scope)
    }

    /// A page of a list, with the cursor of each event.
    pub async fn page(&self, list: &EventQuery, page: &Page) -> Result<Slice<(Cursor, Row)>, StoreError> {
        let narrow = self.narrow(list, Purpose::Page(page.order)).await?;
        let select = select::ListQuery { narrow: narrow.as_ref(), ..self.list(list) };
        let cursor = |position| Cursor { order: page.order, window: page.window, position };
        // Walk from the near end to the far end; `last` walks the list backwards.
        let (near, far) = if page.from_end { (page.before, page.after) } else { (page.after, page.before) };
        let walk = Order { descending: page.order.descending != page.from_end, ..page.order };
        let inclusive = near.is_some();
        let stretch = Stretch {
            order: walk,
            start: near.map(|cursor| Bound { position: cursor.position, inclusive }),
            end: far.map(|cursor| Bound { position: cursor.position, inclusive: false }),
            limit: u64::from(page.limit) + 1 + u64::from(inclusive),
        };
        let statement = select.stretch(row::COLUMNS, &stretch);
        let mut rows = self.found_rows(statement).await?;
        let met_cursor =
            near.zip(rows.first()).is_some_and(|(cursor, first)| page.order.same(cursor.position, first.position));
        if met_cursor {
            rows.remove(0);
        }
        let more_far = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        let has_near = match near {
            Some(cursor) => met_cursor || self.beyond(&select, walk, cursor.position).await?,
            None => false,
        };
        let has_far = match far {
            Some(cursor) => more_far || self.beyond(&select, reversed(walk), cursor.position).await?,
            None => more_far,
        };
        if page.from_end {
            rows.reverse();
        }
        let (has_next, has_previous) = if page.from_end { (has_near, has_far) } else { (has_far, has_near) };
        self.shown.events(rows.len());
        Ok(Slice { rows: rows.into_iter().map(|row| (cursor(row.position), row)).collect(), has_next, has_previous })
    }

    /// Whether the list has an event at a place or on the near side of it, walking in this order.
    async fn beyond(&self, list: &select::ListQuery<'_>, walk: Order, position: Position) -> Result<bool, StoreError> {
        let stretch =
            Stretch { order: reversed(walk), start: Some(Bound { position, inclusive: true }), end: None, limit: 1 };
        Ok(!self.query(list.stretch("1 AS one", &stretch)).await?.is_empty())
    }

    /// How many events a list has, counting no further than a limit, and whether that is all.
    pub async fn count_up_to(&self, list: &EventQuery, limit: u32) -> Result<(i64, bool), StoreError> {
        let limit = i64::from(limit);
        if let Some(narrow) = self.narrow(list, Purpose::CountUpTo).await? {
            let having = narrow.conditions();
            if having.is_empty() {
                return Ok((0, true));
            }
            // Nearly all of them count, unless the list asks for more than the keys say.
            for most in [limit + limit / 4 + 1, limit * FURTHER] {
                let rows = self.query(self.list(list).count_having(having, most)).await?;
                let row = rows.first().ok_or(StoreError::Bug("a count has no row"))?;
                let (looked_at, counted): (i64, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
                if counted > limit || looked_at < most {
                    return Ok((counted.min(limit), counted <= limit));
                }
                if counted * FURTHER < looked_at {
                    break;
                }
            }
        }
        let counted = self.number(self.list(list).count_up_to(limit + 1)).await?;
        Ok((counted.min(limit), counted <= limit))
    }

    /// The event with an id; none if there is none or the scope does not show it.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.events_by_id(&[id]).await?.pop().flatten())
    }

    /// The events with these ids, in their order; none at the places of those that are not there or not visible.
    pub async fn events_by_id(&self, ids: &[EventId]) -> Result<Vec<Option<Event>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM event_key k CROSS JOIN audit_event e");
        sql.push(" WHERE k.tenant_id = $1 AND e.tenant_id = $1 AND e.sequence = k.sequence AND k.key_hash IN ");
        sql.list(ids.iter().map(|id| id.0.to_vec()));
        select::visible(&mut sql, &self.scope.visible, "e.service");
        let events = self.found(sql).await?.into_iter();
        let found: std::collections::HashMap<_, _> = events.map(|(_, event)| (event.id(), event)).collect();
        self.shown.events(found.len());
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// What the log spans.
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        let head = self.feed_head().await?;
        let everything = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
        let (oldest, newest) = self.span(&everything).await?.unzip();
        Ok(Extent { head, oldest, newest })
    }

    /// When the first and the last event of a list happened; none if it is empty.
    pub async fn span(&self, list: &EventQuery) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let narrow = self.narrow(list, Purpose::Page(Order::NEWEST)).await?;
        let select = select::ListQuery { narrow: narrow.as_ref(), ..self.list(list) };
        let end = async |descending| {
            let order = Order { descending, ..Order::NEWEST };
            let stretch = Stretch { order, start: None, end: None, limit: 1 };
            let row = self.query(select.stretch("e.occurred_at", &stretch)).await?.pop();
            row.map(|row| row.try_get_by(0).map(Timestamp)).transpose().map_err(StoreError::from)
        };
        let Some(first) = end(false).await? else { return Ok(None) };
        Ok(end(true).await?.map(|last| (first, last)))
    }

    pub(super) fn list<'a>(&'a self, list: &'a EventQuery) -> select::ListQuery<'a> {
        select::ListQuery {
            tenant_id: self.tenant_id,
            scope: &self.scope,
            condition: &list.condition,
            period: list.period,
            as_of: list.as_of,
            after: None,
            narrow: None,
        }
    }

    pub(super) async fn number(&self, sql: Sql) -> Result<i64, StoreError> {
        let rows = self.query(sql).await?;
        let row = rows.first().ok_or(StoreError::Bug("a count has no row"))?;
        Ok(row.try_get_by(0)?)
    }

    /// The events that a statement finds, with their places.
    pub(super) async fn found(&self, sql: Sql) -> Result<Vec<(Position, Event)>, StoreError> {
        let rows = self.found_rows(sql).await?.into_iter();
        rows.map(|row| Ok((row.position, self.event_of(row)?))).collect()
    }

    /// The rows that a statement finds, as far as the request may hold them: what is too much is not read.
    async fn found_rows(&self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let take = |found: QueryResult| {
            let row = Row::read(&found)?;
            bytes += row.bytes();
            self.allowance.hold(row.bytes())?;
            rows.push(row);
            Ok(())
        };
        let read = self.each(sql, take).await;
        if read.is_err() {
            self.allowance.release(bytes);
        }
        read.map(|()| rows)
    }

    pub(super) async fn query(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        let mut rows = Vec::new();
        let take = |row| {
            rows.push(row);
            Ok(())
        };
        self.each(sql, take).await?;
        Ok(rows)
    }

    /// Runs a statement and takes its rows as they come, until there are no more or one is not taken.
    async fn each(&self, sql: Sql, take: impl FnMut(QueryResult) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let (pool, backend) = (&self.store.rows, self.store.backend());
        let statement: Statement = sql.statement(backend);
        let text = statement.sql.clone();
        self.in_time(async {
            let left = self.allowance.patience(self.store.statement_timeout);
            if backend == DbBackend::Sqlite || left == self.store.statement_timeout {
                return self.taken(&text, pool.stream_raw(statement).await?, take).await;
            }
            let transaction = pool.begin().await?;
            let milliseconds = left.as_millis().max(1);
            transaction.execute_unprepared(&format!("SET LOCAL statement_timeout = {milliseconds}")).await?;
            // One that did not go well is undone when it is dropped, and nobody waits for what is still on its way.
            self.taken(&text, transaction.stream_raw(statement).await?, take).await?;
            // It has only read.
            Ok(transaction.rollback().await?)
        })
        .await
    }

    async fn taken(
        &self,
        sql: &str,
        rows: impl Stream<Item = Result<QueryResult, DbErr>>,
        mut take: impl FnMut(QueryResult) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut rows, begun, mut count) = (std::pin::pin!(rows), Instant::now(), 0);
        let taken = loop {
            let next = rows.try_next().await.map_err(StoreError::from);
            match next.and_then(|row| row.map(&mut take).transpose()) {
                Ok(Some(())) => count += 1,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.rows.fetch_add(count, Ordering::Relaxed);
        if let Some(observer) = &self.store.observer {
            observer(sql, begun.elapsed(), taken.is_err());
        }
        taken
    }

    /// A statement, given up when it takes too long. The database ends it by itself a little earlier.
    pub(super) async fn in_time<T>(
        &self,
        statement: impl Future<Output = Result<T, impl Into<StoreError>>>,
    ) -> Result<T, StoreError> {
        let shared = async {
            let _share = self.allowance.share().await?;
            let patience = self.allowance.patience(self.store.statement_timeout);
            allowance::within(patience, statement).await.map_err(Into::into)
        };
        let patience = self.allowance.patience(self.store.statement_timeout) + Duration::from_millis(200);
        self.store.in_time(patience, shared).await
    }
}

const fn reversed(order: Order) -> Order {
    Order { descending: !order.descending, ..order }
}
