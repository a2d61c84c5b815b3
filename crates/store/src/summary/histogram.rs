//! Counts the events of a list by time.

use crate::query::sql::Sql;
use crate::rollup::{Aggregator, KeyColumns, RollupKey};
use crate::{EventQuery, Reader, StoreError};
use model::{FacetField, Status, Timestamp};

impl Reader {
    /// Returns, for each interval between two edges, the number of events and the number of those that did not succeed.
    /// `edges` must be ascending and span the list's period.
    pub async fn histogram(&self, list: &EventQuery, edges: &[Timestamp]) -> Result<Vec<(i64, i64)>, StoreError> {
        let buckets = vec![(0, 0); edges.len().saturating_sub(1)];
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
        let mut sql =
            Sql::for_tenant(self.tenant_id, "SELECT CAST(bar AS bigint), COUNT(*), SUM(failed) FROM (SELECT ");
        bucket(&mut sql, edges, 0, edges.len() - 1);
        sql.push(" AS bar, CASE WHEN e.status = 'SUCCESS' THEN 0 ELSE 1 END AS failed");
        self.push_from_list(&mut sql, list).await?;
        sql.push(") counted GROUP BY bar");
        let mut buckets = aggregator.buckets;
        for row in self.query(sql).await? {
            let at: i64 = row.try_get_by(0)?;
            if let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) {
                *bucket = (row.try_get_by(1)?, row.try_get_by(2)?);
            }
        }
        Ok(buckets)
    }
}

/// The number of events, and of those that did not succeed, per interval.
struct HistogramBuckets<'a> {
    edges: &'a [Timestamp],
    buckets: Vec<(i64, i64)>,
}

impl Aggregator for HistogramBuckets<'_> {
    type GroupId = bool;

    fn group(&mut self, key: &RollupKey) -> bool {
        key.value(FacetField::Status) != Status::Success.name()
    }

    fn add(&mut self, has_failed: bool, time: i64, events: i64, _newest: i64) {
        let passed = self.edges.partition_point(|edge| edge.0 <= time);
        if let Some((count, failed)) = passed.checked_sub(1).and_then(|bucket| self.buckets.get_mut(bucket)) {
            *count += events;
            *failed += if has_failed { events } else { 0 };
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
