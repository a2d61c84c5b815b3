//! Counts all events of a list.

use crate::query::prefilter::Purpose;
use crate::query::select::ListQuery;
use crate::query::sql::Sql;
use crate::rollup::{Aggregator, KeyColumns, KeyView};
use crate::{EventQuery, Reader, StoreError};

impl Reader {
    /// Returns the number of events of a list.
    pub async fn count(&self, list: &EventQuery) -> Result<i64, StoreError> {
        if list.condition.needs_body() {
            return self.count_matching(list, i64::MAX).await;
        }
        let mut total = TotalAggregator(0);
        if self.count_from_rollups(list, Some(KeyColumns::default()), &[], &mut total).await? {
            return Ok(total.0);
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*)");
        self.push_from_list(&mut sql, list).await?;
        self.fetch_number(sql).await
    }

    /// Appends ` FROM ... WHERE ...` of the events of a list, with its prefilter.
    pub(crate) async fn push_from_list(&self, sql: &mut Sql, list: &EventQuery) -> Result<(), StoreError> {
        let prefilter = self.key_prefilter(list, Purpose::Count).await?;
        ListQuery { prefilter: prefilter.as_ref(), ..self.list_query(list) }.push_from_where(sql);
        Ok(())
    }
}

/// Sums up all counts.
struct TotalAggregator(i64);

impl Aggregator for TotalAggregator {
    type GroupId = ();

    fn group(&mut self, _key: KeyView<'_>) {}

    fn add(&mut self, (): (), _start: i64, events: i64, _newest: i64) {
        self.0 += events;
    }
}
