//! Reads pages of a list: one statement per page, and one more for each count.
//!
//! A page reads one row more than requested: if it exists, there is a next page. It starts at the cursor's own row,
//! which proves that there is a previous page. Only if that row is no longer in the list does a second statement check
//! for a previous row. If the rows exceed the limit of bytes, the page is read without these neighbours, which are
//! then looked up by statements of their own: large neighbours do not make a page too large.

use crate::query::prefilter::Purpose;
use crate::query::select::{self, RangeScan, ScanBound};
use crate::read::row::{self, EventRow};
use crate::{EventQuery, Reader, StoreError};
use model::Timestamp;
use model::page::{Cursor, Order, Page, Position, Slice};

/// How many times the limit a count by keys reads if some of the rows do not belong to the list.
const OVERSCAN_FACTOR: i64 = 8;

/// A list, and its statements with the prefilter.
struct PreparedList<'a> {
    query: &'a EventQuery,
    select: select::ListQuery<'a>,
}

/// The rows of a page, in the order of the scan.
struct ScannedPage {
    rows: Vec<EventRow>,
    /// Whether the row of the cursor at which the scan starts was read, so that there is an event before the page.
    starts_at_cursor: bool,
    /// Whether there is an event behind the page.
    more_far: bool,
}

impl Reader {
    /// Returns a page of a list, with the cursor of each event.
    pub async fn page(&self, query: &EventQuery, page: &Page) -> Result<Slice<(Cursor, EventRow)>, StoreError> {
        if query.condition.is_indexed() {
            return self.for_lookup().scan_page(query, page).await;
        }
        self.scan_page(query, page).await
    }

    async fn scan_page(&self, query: &EventQuery, page: &Page) -> Result<Slice<(Cursor, EventRow)>, StoreError> {
        let prefilter = self.key_prefilter(query, Purpose::Page(page.order)).await?;
        let select = select::ListQuery { prefilter: prefilter.as_ref(), ..self.list_query(query) };
        let list = PreparedList { query, select };
        let cursor = |position| Cursor { order: page.order, window: page.window, position };
        // Scan from the near end to the far end. `last` scans the list backwards.
        let (near, far) = if page.from_end { (page.before, page.after) } else { (page.after, page.before) };
        let scan_order = Order { descending: page.order.descending != page.from_end, ..page.order };
        let scan = RangeScan {
            order: scan_order,
            start: near.map(|cursor| ScanBound { position: cursor.position, inclusive: false }),
            end: far.map(|cursor| ScanBound { position: cursor.position, inclusive: false }),
            limit: u64::from(page.limit),
        };
        let scanned = match self.rows_with_neighbours(&list, scan).await {
            Err(StoreError::TooLarge { .. }) => self.rows_before_next(&list, scan).await,
            scanned => scanned,
        };
        let ScannedPage { mut rows, starts_at_cursor, more_far } = scanned?;
        let has_near = match near {
            Some(cursor) => starts_at_cursor || self.has_row_at_or_before(&list, scan_order, cursor.position).await?,
            None => false,
        };
        let has_far = match far {
            Some(cursor) => more_far || self.has_row_at_or_before(&list, reversed(scan_order), cursor.position).await?,
            None => more_far,
        };
        if page.from_end {
            rows.reverse();
        }
        let (has_next, has_previous) = if page.from_end { (has_near, has_far) } else { (has_far, has_near) };
        self.shown.events(rows.len());
        Ok(Slice { rows: rows.into_iter().map(|row| (cursor(row.position), row)).collect(), has_next, has_previous })
    }

    /// Returns the rows of a scan, read together with the row before and the row after them.
    async fn rows_with_neighbours(&self, list: &PreparedList<'_>, scan: RangeScan) -> Result<ScannedPage, StoreError> {
        let wider = RangeScan {
            start: scan.start.map(|start| ScanBound { inclusive: true, ..start }),
            limit: scan.limit + 1 + u64::from(scan.start.is_some()),
            ..scan
        };
        let mut rows = self.rows_of(list, &wider).await?;
        let is_cursor = |(start, first): (ScanBound, &EventRow)| scan.order.same(start.position, first.position);
        let starts_at_cursor = scan.start.zip(rows.first()).is_some_and(is_cursor);
        if starts_at_cursor {
            rows.remove(0);
        }
        let more_far = rows.len() as u64 > scan.limit;
        rows.truncate(usize::try_from(scan.limit).unwrap_or(usize::MAX));
        Ok(ScannedPage { rows, starts_at_cursor, more_far })
    }

    /// Returns the rows of a scan, and looks up the row after them without its body.
    async fn rows_before_next(&self, list: &PreparedList<'_>, scan: RangeScan) -> Result<ScannedPage, StoreError> {
        let rows = self.rows_of(list, &scan).await?;
        let more_far = match rows.last() {
            Some(end) if rows.len() as u64 == scan.limit => {
                let start = Some(ScanBound { position: end.position, inclusive: false });
                self.has_row(list, RangeScan { start, limit: 1, ..scan }).await?
            }
            _ => false,
        };
        Ok(ScannedPage { rows, starts_at_cursor: false, more_far })
    }

    /// Returns whether the list has an event at a position or before it in this order.
    async fn has_row_at_or_before(
        &self,
        list: &PreparedList<'_>,
        scan_order: Order,
        position: Position,
    ) -> Result<bool, StoreError> {
        let scan = RangeScan {
            order: reversed(scan_order),
            start: Some(ScanBound { position, inclusive: true }),
            end: None,
            limit: 1,
        };
        self.has_row(list, scan).await
    }

    /// Returns whether a scan of a list has a row.
    async fn has_row(&self, list: &PreparedList<'_>, scan: RangeScan) -> Result<bool, StoreError> {
        if list.query.condition.needs_body() {
            return self.has_match(list.query, scan).await;
        }
        Ok(!self.query(list.select.scan("1 AS one", &scan)).await?.is_empty())
    }

    /// Returns the rows of a scan of a list.
    async fn rows_of(&self, list: &PreparedList<'_>, scan: &RangeScan) -> Result<Vec<EventRow>, StoreError> {
        if list.query.condition.needs_body() {
            return Ok(self.matching(list.query, *scan).await?.into_iter().map(|(row, _)| row).collect());
        }
        self.fetch_rows(list.select.scan(row::COLUMNS, scan)).await
    }

    /// Counts the events of a list up to a limit. Returns the count, and whether it is exact.
    pub async fn count_up_to(&self, query: &EventQuery, limit: u32) -> Result<(i64, bool), StoreError> {
        let limit = i64::from(limit);
        if query.condition.needs_body() {
            let counted = self.count_matching(query, limit + 1).await?;
            return Ok((counted.min(limit), counted <= limit));
        }
        if let Some(prefilter) = self.key_prefilter(query, Purpose::CountUpTo).await? {
            let keys = prefilter.conditions();
            if keys.is_empty() {
                return Ok((0, true));
            }
            // Nearly all rows count, unless the condition has more conjuncts than the keys cover.
            for scanned_max in [limit + limit / 4 + 1, limit * OVERSCAN_FACTOR] {
                let rows = self.query(self.list_query(query).count_by_keys(keys, scanned_max)).await?;
                let row = rows.first().ok_or(StoreError::Bug("an aggregate query returned no row"))?;
                let (scanned, counted): (i64, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
                if counted > limit || scanned < scanned_max {
                    return Ok((counted.min(limit), counted <= limit));
                }
                if counted * OVERSCAN_FACTOR < scanned {
                    break;
                }
            }
        }
        let counted = self.fetch_number(self.list_query(query).count_up_to(limit + 1)).await?;
        Ok((counted.min(limit), counted <= limit))
    }

    /// Returns when the first and the last event of a list happened, or `None` if the list is empty.
    pub async fn span(&self, query: &EventQuery) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let prefilter = self.key_prefilter(query, Purpose::Page(Order::NEWEST)).await?;
        let select = select::ListQuery { prefilter: prefilter.as_ref(), ..self.list_query(query) };
        let end = async |descending| {
            let order = Order { descending, ..Order::NEWEST };
            let scan = RangeScan { order, start: None, end: None, limit: 1 };
            if query.condition.needs_body() {
                let found = self.matching(query, scan).await?.pop();
                return Ok(found.map(|(row, _)| row.position.occurred_at));
            }
            let row = self.query(select.scan("e.occurred_at", &scan)).await?.pop();
            row.map(|row| row.try_get_by(0).map(Timestamp)).transpose().map_err(StoreError::from)
        };
        let Some(first) = end(false).await? else { return Ok(None) };
        Ok(end(true).await?.map(|last| (first, last)))
    }
}

const fn reversed(order: Order) -> Order {
    Order { descending: !order.descending, ..order }
}
