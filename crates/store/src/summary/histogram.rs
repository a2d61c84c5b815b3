//! Counts the events of a list by time.

use crate::query::sql::Sql;
use crate::rollup::{Aggregator, KeyColumns, KeyView};
use crate::{EventQuery, Reader, StoreError};
use model::{Status, Timestamp};

/// The events of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalCounts {
    /// All events.
    pub events: i64,
    /// Those that failed or timed out.
    pub failures: i64,
    /// Those whose source reported no outcome.
    pub unknown: i64,
}

impl IntervalCounts {
    /// Adds one event.
    pub(crate) fn add_event(&mut self, status: Status) {
        self.add(StatusClass::of(status), 1);
    }

    /// Adds events of one class.
    fn add(&mut self, status: StatusClass, events: i64) {
        self.events += events;
        match status {
            StatusClass::Success => {}
            StatusClass::Failure => self.failures += events,
            StatusClass::Unknown => self.unknown += events,
        }
    }
}

/// The statuses that are counted together.
#[derive(Clone, Copy)]
enum StatusClass {
    Success,
    Failure,
    Unknown,
}

impl StatusClass {
    const fn of(status: Status) -> Self {
        match status {
            Status::Success => Self::Success,
            Status::Failure | Status::Timeout => Self::Failure,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl Reader {
    /// Returns the counts of each interval between two edges. `edges` must be ascending and span the list's period.
    pub async fn histogram(&self, list: &EventQuery, edges: &[Timestamp]) -> Result<Vec<IntervalCounts>, StoreError> {
        let buckets = vec![IntervalCounts::default(); edges.len().saturating_sub(1)];
        if buckets.is_empty() {
            return Ok(buckets);
        }
        if list.condition.needs_body() {
            return self.histogram_of_matching(list, edges, buckets).await;
        }
        let status = KeyColumns { kind: true, ..KeyColumns::default() };
        let mut aggregator = HistogramBuckets { edges, buckets };
        if self.count_from_rollups(list, Some(status), edges, &mut aggregator).await? {
            return Ok(aggregator.buckets);
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT CAST(bar AS bigint), status, COUNT(*) FROM (SELECT ");
        bucket(&mut sql, edges, 0, edges.len() - 1);
        sql.push(" AS bar, e.status AS status");
        self.push_from_list(&mut sql, list).await?;
        sql.push(") counted GROUP BY bar, status");
        let mut buckets = aggregator.buckets;
        for row in self.query(sql).await? {
            let at: i64 = row.try_get_by(0)?;
            let status: i16 = row.try_get_by(1)?;
            if let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) {
                bucket.add(class_of(Status::from_code(status)), row.try_get_by(2)?);
            }
        }
        Ok(buckets)
    }
}

/// Returns the class of a status, or of an unknown one.
fn class_of(status: Option<Status>) -> StatusClass {
    StatusClass::of(status.unwrap_or(Status::Unknown))
}

/// The counts per interval.
struct HistogramBuckets<'a> {
    edges: &'a [Timestamp],
    buckets: Vec<IntervalCounts>,
}

impl Aggregator for HistogramBuckets<'_> {
    type GroupId = StatusClass;

    fn group(&mut self, key: KeyView<'_>) -> StatusClass {
        class_of(key.status())
    }

    fn add(&mut self, status: StatusClass, time: i64, events: i64, _newest: i64) {
        let passed = self.edges.partition_point(|edge| edge.0 <= time);
        if let Some(bucket) = passed.checked_sub(1).and_then(|bucket| self.buckets.get_mut(bucket)) {
            bucket.add(status, events);
        }
    }
}

/// Appends a binary search for the index of the interval that contains an event.
fn bucket(sql: &mut Sql, edges: &[Timestamp], low: usize, high: usize) {
    if high - low == 1 {
        sql.push(&low.to_string());
        return;
    }
    let middle = low + (high - low) / 2;
    sql.push("CASE WHEN e.occurred_at < ").bind(edges[middle].0).push(" THEN ");
    bucket(sql, edges, low, middle);
    sql.push(" ELSE ");
    bucket(sql, edges, middle, high);
    sql.push(" END");
}
