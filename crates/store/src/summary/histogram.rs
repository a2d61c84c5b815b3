//! How many events a list has by time.

use crate::query::sql::Sql;
use crate::rollup::{Key, Needs, Tally};
use crate::{EventQuery, Reader, StoreError};
use model::{FacetField, Status, Timestamp};

impl Reader {
    /// How many events of a list there are between each edge and the next, and how many of those did not succeed. The
    /// edges ascend, and span the list's period.
    pub async fn histogram(&self, list: &EventQuery, edges: &[Timestamp]) -> Result<Vec<(i64, i64)>, StoreError> {
        let bars = vec![(0, 0); edges.len().saturating_sub(1)];
        if bars.is_empty() {
            return Ok(bars);
        }
        let status = Needs { kind: true, ..Needs::default() };
        let mut tally = Bars { edges, bars };
        if self.rolled(list, Some(status), edges, &mut tally).await? {
            return Ok(tally.bars);
        }
        let mut sql =
            Sql::for_tenant(self.tenant_id, "SELECT CAST(bar AS bigint), COUNT(*), SUM(failed) FROM (SELECT ");
        bar(&mut sql, edges, 0, edges.len() - 1);
        sql.push(" AS bar, CASE WHEN e.status = 'SUCCESS' THEN 0 ELSE 1 END AS failed");
        self.scanned(&mut sql, list).await?;
        sql.push(") counted GROUP BY bar");
        let mut bars = tally.bars;
        for row in self.query(sql).await? {
            let at: i64 = row.try_get_by(0)?;
            if let Some(bar) = usize::try_from(at).ok().and_then(|at| bars.get_mut(at)) {
                *bar = (row.try_get_by(1)?, row.try_get_by(2)?);
            }
        }
        Ok(bars)
    }
}

/// Events between each edge and the next, and those of them that did not succeed.
struct Bars<'a> {
    edges: &'a [Timestamp],
    bars: Vec<(i64, i64)>,
}

impl Tally for Bars<'_> {
    type Group = bool;

    fn group(&mut self, key: &Key) -> bool {
        key.value(FacetField::Status) != Status::Success.name()
    }

    fn add(&mut self, has_failed: bool, moment: i64, events: i64, _newest: i64) {
        let passed = self.edges.partition_point(|edge| edge.0 <= moment);
        if let Some((count, failed)) = passed.checked_sub(1).and_then(|bar| self.bars.get_mut(bar)) {
            *count += events;
            *failed += if has_failed { events } else { 0 };
        }
    }
}

/// The number of the bar that an event is in, found by halves.
fn bar(sql: &mut Sql, edges: &[Timestamp], low: usize, high: usize) {
    if high - low == 1 {
        sql.push(&low.to_string());
        return;
    }
    let middle = low + (high - low) / 2;
    sql.push("CASE WHEN e.occurred_at < ").bind(edges[middle].0).push(" THEN ");
    bar(sql, edges, low, middle);
    sql.push(" ELSE ");
    bar(sql, edges, middle, high);
    sql.push(" END");
}
