//! Lists with conditions that no column decides: on parts of an event without a column, and on strings of which a column
//! contains only a hash.
//!
//! The database selects the events that match as far as columns decide. The whole condition is evaluated on each of
//! them, as the caller sees it, until there are enough events or the time limit is over.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::query::prefilter::Purpose;
use crate::query::select::{ListQuery, RangeScan, ScanBound};
use crate::read::row::{self, EventRow};
use crate::summary::facet::Facet;
use crate::{EventQuery, IntervalCounts, Reader, StoreError};
use model::page::Order;
use model::{Event, FacetField, FacetValue, Timestamp};

/// The number of events of the first statement.
const CHUNK_FIRST: u64 = 200;
/// The most events of a statement.
const CHUNK_MAX: u64 = 1_000;
/// A scan of the whole list.
const WHOLE: RangeScan = RangeScan { order: Order::NEWEST, start: None, end: None, limit: CHUNK_FIRST };

impl Reader {
    /// Passes the events of a scan that match the list's condition to `take`, in the order of the scan, until `take`
    /// returns false. The limit of the scan does not apply.
    ///
    /// # Errors
    ///
    /// [`StoreError::Timeout`] if the scan takes longer than a statement may.
    async fn for_each_match(
        &self,
        list: &EventQuery,
        scan: RangeScan,
        mut take: impl FnMut(EventRow, Event) -> bool,
    ) -> Result<(), StoreError> {
        let selected = EventQuery { condition: list.condition.on_columns(), ..list.clone() };
        let prefilter = self.column_prefilter(&selected, Purpose::Page(scan.order)).await?;
        let select = ListQuery { prefilter: prefilter.as_ref(), ..self.list_query(&selected) };
        let (started, time_max) = (Instant::now(), self.statement_time());
        let mut scan = RangeScan { limit: CHUNK_FIRST, ..scan };
        loop {
            let rows = match self.fetch_rows(select.scan(row::COLUMNS, &scan)).await {
                Err(StoreError::TooLarge { .. }) if scan.limit > 1 => {
                    scan.limit /= 2;
                    continue;
                }
                rows => rows?,
            };
            let is_last = (rows.len() as u64) < scan.limit;
            let end = rows.last().map(|row| row.position);
            // The bytes of events that do not match do not count.
            for row in &rows {
                self.release(row);
            }
            for row in rows {
                let event = self.event_of(row.clone())?;
                if list.condition.matches(&event) && !take(row, event) {
                    return Ok(());
                }
            }
            let Some(position) = end.filter(|_| !is_last) else { return Ok(()) };
            if started.elapsed() > time_max {
                return Err(StoreError::Timeout);
            }
            let start = Some(ScanBound { position, inclusive: false });
            scan = RangeScan { start, limit: (scan.limit * 2).min(CHUNK_MAX), ..scan };
        }
    }

    /// Returns the events of a scan that match the list's condition.
    pub(crate) async fn matching(
        &self,
        list: &EventQuery,
        scan: RangeScan,
    ) -> Result<Vec<(EventRow, Event)>, StoreError> {
        let (mut found, mut bytes) = (Vec::new(), Ok(()));
        let take = |row: EventRow, event| {
            bytes = self.reserve(&row);
            found.push((row, event));
            (found.len() as u64) < scan.limit && bytes.is_ok()
        };
        self.for_each_match(list, scan, take).await?;
        bytes.map(|()| found)
    }

    /// Returns whether a scan has an event that matches the list's condition.
    pub(crate) async fn has_match(&self, list: &EventQuery, scan: RangeScan) -> Result<bool, StoreError> {
        let mut is_found = false;
        let take = |_, _| {
            is_found = true;
            false
        };
        self.for_each_match(list, scan, take).await?;
        Ok(is_found)
    }

    /// Counts the events of the list, up to a limit.
    pub(crate) async fn count_matching(&self, list: &EventQuery, limit: i64) -> Result<i64, StoreError> {
        let mut count = 0;
        let take = |_, _| {
            count += 1;
            count < limit
        };
        self.for_each_match(list, WHOLE, take).await?;
        Ok(count)
    }

    /// Returns the `top` most frequent values of a field in the list.
    pub(crate) async fn facet_of_matching(
        &self,
        list: &EventQuery,
        field: FacetField,
        top: u32,
    ) -> Result<Facet, StoreError> {
        let mut counted: HashMap<String, (FacetValue, i64, i64)> = HashMap::new();
        let (mut keys, mut none) = (Vec::new(), 0);
        let take = |_, event: Event| {
            let values = field.values(&event);
            none += i64::from(values.is_empty());
            keys.push(values.keys().cloned().collect::<Vec<_>>());
            for (key, value) in values {
                let (spelling, count, newest) = counted.entry(key).or_insert_with(|| (value.clone(), 0, 0));
                *count += 1;
                if event.sequence > *newest {
                    (*spelling, *newest) = (value, event.sequence);
                }
            }
            true
        };
        self.for_each_match(list, WHOLE, take).await?;
        let mut buckets: Vec<_> = counted.into_iter().collect();
        buckets.sort_unstable_by(|(a, (_, m, _)), (b, (_, n, _))| n.cmp(m).then_with(|| a.cmp(b)));
        let hidden = buckets.split_off(buckets.len().min(top as usize));
        let hidden: HashSet<String> = hidden.into_iter().map(|(key, _)| key).collect();
        let other = keys.iter().filter(|keys| keys.iter().any(|key| hidden.contains(key))).count();
        let buckets = buckets.into_iter().map(|(_, (value, count, _))| (value, count)).collect();
        Ok(Facet { buckets, other: i64::try_from(other).unwrap_or(i64::MAX), none })
    }

    /// Adds the events of the list to the counts of their intervals.
    pub(crate) async fn histogram_of_matching(
        &self,
        list: &EventQuery,
        edges: &[Timestamp],
        mut buckets: Vec<IntervalCounts>,
    ) -> Result<Vec<IntervalCounts>, StoreError> {
        let take = |_, event: Event| {
            let passed = edges.partition_point(|edge| *edge <= event.body.occurred_at);
            if let Some(bucket) = passed.checked_sub(1).and_then(|bucket| buckets.get_mut(bucket)) {
                bucket.add_event(event.body.status);
            }
            true
        };
        self.for_each_match(list, WHOLE, take).await?;
        Ok(buckets)
    }
}
