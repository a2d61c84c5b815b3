//! [`Reader`]: runs the statements of one request within its tenant, its scope and its budget.

use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{Stream, TryStreamExt as _};
use sea_orm::{
    ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement, StreamTrait as _, TransactionTrait as _,
};

use crate::db::budget::{self, QueryBudget};
use crate::query::select::ListQuery;
use crate::query::sql::Sql;
use crate::read::row::{EventRow, StoredRow};
use crate::{Store, StoreError};
use model::filter::{Condition, TimeRange};
use model::page::Position;
use model::view::EventView;
use model::{Event, Scope};

/// Reads the log of one tenant within a scope. A reader serves one request.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) store: Store,
    pub(crate) tenant_id: i32,
    pub(crate) scope: Scope,
    pub(crate) shown: DisclosureCounter,
    budget: QueryBudget,
    rows: Arc<AtomicU64>,
    /// The log's id, once it was read.
    pub(crate) log_id: Arc<OnceLock<[u8; 16]>>,
}

/// A list of events: its condition and its period.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// The condition.
    pub condition: Condition,
    /// The period of `occurred_at`.
    pub period: TimeRange,
    /// If set, only events with at most this sequence.
    pub as_of: Option<i64>,
}

/// Counts the events disclosed to a caller. Clones share the counter.
#[derive(Clone, Debug, Default)]
pub struct DisclosureCounter(Arc<(AtomicU64, AtomicI64)>);

impl DisclosureCounter {
    /// Adds disclosed events.
    pub(crate) fn events(&self, count: usize) {
        self.0.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Notes that the response includes the log up to this sequence.
    pub(crate) fn up_to(&self, sequence: i64) {
        self.0.1.fetch_max(sequence, Ordering::Relaxed);
    }

    /// Returns the number of events disclosed since the last call, and the newest sequence that the response includes,
    /// if it is known.
    pub fn take(&self) -> (u64, Option<i64>) {
        let (events, up_to) = (self.0.0.swap(0, Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        (events, Some(up_to).filter(|up_to| *up_to > 0))
    }
}

impl Reader {
    pub(crate) fn new(store: Store, tenant_id: i32, scope: Scope) -> Self {
        Self {
            store,
            tenant_id,
            scope,
            shown: DisclosureCounter::default(),
            budget: QueryBudget::default(),
            rows: Arc::default(),
            log_id: Arc::default(),
        }
    }

    /// Sets the budget of the request.
    #[must_use]
    pub fn with_budget(self, budget: QueryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Removes the caller's share of the connections.
    pub(crate) fn without_connection_share(&self) -> Self {
        Self { budget: self.budget.clone().without_connection_share(), ..self.clone() }
    }

    /// Does not wait for scans, because a statement reads only what it returns.
    pub(crate) fn for_lookup(&self) -> Self {
        Self { budget: self.budget.clone().for_lookup(), ..self.clone() }
    }

    /// Limits the bytes of events, for a part of what the request reads.
    pub(crate) fn with_byte_limit(&self, bytes_max: usize) -> Self {
        Self { budget: self.budget.clone().with_byte_limit(bytes_max), ..self.clone() }
    }

    /// Adds the number of rows that are read to a counter.
    #[must_use]
    pub fn count_rows_in(self, rows: &Arc<AtomicU64>) -> Self {
        Self { rows: Arc::clone(rows), ..self }
    }

    /// Sets the counter of disclosed events.
    #[must_use]
    pub fn with_disclosure_counter(self, shown: &DisclosureCounter) -> Self {
        Self { shown: shown.clone(), ..self }
    }

    /// Returns the counter of disclosed events.
    pub fn shown(&self) -> &DisclosureCounter {
        &self.shown
    }

    /// Notes that the response is as of this sequence.
    pub fn note_as_of(&self, sequence: i64) {
        self.shown.up_to(sequence);
    }

    /// Returns the id of the log. Readers of the same log return the same id.
    pub fn log(&self) -> i32 {
        self.tenant_id
    }

    /// Returns the scope.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Decodes the event of a row, reduced to the scope.
    pub fn event_of(&self, row: EventRow) -> Result<Event, StoreError> {
        row.event(&self.scope)
    }

    /// Decodes the event of a row as a view that borrows from it.
    pub fn view<'r>(&self, row: &'r EventRow) -> Result<EventView<'r>, StoreError> {
        row.view(&self.scope)
    }

    /// Returns the list of a query within the reader's tenant and scope, without a prefilter.
    pub(crate) fn list_query<'a>(&'a self, query: &'a EventQuery) -> ListQuery<'a> {
        ListQuery {
            tenant_id: self.tenant_id,
            scope: &self.scope,
            condition: &query.condition,
            period: query.period,
            as_of: query.as_of,
            after: None,
            prefilter: None,
        }
    }

    pub(crate) async fn fetch_number(&self, sql: Sql) -> Result<i64, StoreError> {
        let rows = self.query(sql).await?;
        let row = rows.first().ok_or(StoreError::Bug("an aggregate query returned no row"))?;
        Ok(row.try_get_by(0)?)
    }

    /// Runs a statement and decodes its events, with their positions.
    pub(crate) async fn fetch_events(&self, sql: Sql) -> Result<Vec<(Position, Event)>, StoreError> {
        let rows = self.fetch_rows(sql).await?.into_iter();
        rows.map(|row| Ok((row.position, self.event_of(row)?))).collect()
    }

    /// Returns the time that a statement may take.
    pub(crate) fn statement_time(&self) -> Duration {
        self.budget.timeout(self.store.statement_timeout)
    }

    /// Counts the bytes of a row.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if the budget's byte limit is exceeded.
    pub(crate) fn reserve(&self, row: &EventRow) -> Result<(), StoreError> {
        self.budget.reserve_bytes(row.bytes())
    }

    /// Subtracts the bytes of a row that was read and is not returned.
    pub(crate) fn release(&self, row: &EventRow) {
        self.budget.release_bytes(row.bytes());
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] as soon as the budget's byte limit is exceeded; the remaining rows are not read.
    pub(crate) async fn fetch_rows(&self, sql: Sql) -> Result<Vec<EventRow>, StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let take = |found: QueryResult| {
            let row = StoredRow::read(&found)?;
            self.budget.reserve_bytes(row.text_bytes())?;
            bytes += row.text_bytes();
            rows.push(row.decode());
            Ok(())
        };
        let read = self.for_each_row(sql, take).await;
        if read.is_err() {
            self.budget.release_bytes(bytes);
        }
        read.map(|()| rows)
    }

    pub(crate) async fn query(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        let mut rows = Vec::new();
        let take = |row| {
            rows.push(row);
            Ok(())
        };
        self.for_each_row(sql, take).await?;
        Ok(rows)
    }

    /// Runs a statement and passes its rows to `take` as they arrive, until there are no more or `take` fails.
    async fn for_each_row(
        &self,
        sql: Sql,
        take: impl FnMut(QueryResult) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (pool, backend) = (&self.store.rows, self.store.backend());
        let statement: Statement = sql.statement(backend);
        let sql_text = statement.sql.clone();
        // Boxed: the future is large, and those of all callers would contain it.
        let rows = Box::pin(async {
            let timeout = self.budget.timeout(self.store.statement_timeout);
            if backend == DbBackend::Sqlite || timeout == self.store.statement_timeout {
                return self.drain(&sql_text, pool.stream_raw(statement).await?, take).await;
            }
            let transaction = pool.begin().await?;
            let milliseconds = timeout.as_millis().max(1);
            transaction.execute_unprepared(&format!("SET LOCAL statement_timeout = {milliseconds}")).await?;
            // A transaction that fails is rolled back on drop; rows still in transit are discarded.
            self.drain(&sql_text, transaction.stream_raw(statement).await?, take).await?;
            // It has only read.
            Ok(transaction.rollback().await?)
        });
        self.with_timeout(rows).await
    }

    async fn drain(
        &self,
        sql: &str,
        rows: impl Stream<Item = Result<QueryResult, DbErr>>,
        mut take: impl FnMut(QueryResult) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut rows, started, mut count) = (std::pin::pin!(rows), Instant::now(), 0);
        let drain = loop {
            let next = rows.try_next().await.map_err(StoreError::from);
            match next.and_then(|row| row.map(&mut take).transpose()) {
                Ok(Some(())) => count += 1,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.rows.fetch_add(count, Ordering::Relaxed);
        if let Some(observer) = &self.store.observer {
            observer(sql, started.elapsed(), drain.is_err());
        }
        drain
    }

    /// Runs a statement with the budget's timeout. The database ends the statement itself slightly earlier.
    pub(crate) async fn with_timeout<T>(
        &self,
        statement: impl Future<Output = Result<T, impl Into<StoreError>>>,
    ) -> Result<T, StoreError> {
        let shared = async {
            let _permits = self.budget.connection_permits().await?;
            let timeout = self.budget.timeout(self.store.statement_timeout);
            budget::with_limits(timeout, statement).await.map_err(Into::into)
        };
        let timeout = self.budget.timeout(self.store.statement_timeout) + Duration::from_millis(200);
        self.store.with_timeout(timeout, shared).await
    }
}
