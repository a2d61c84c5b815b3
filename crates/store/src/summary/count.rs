//! How many events a list has.

use crate::query::prefilter::Purpose;
use crate::query::select::ListQuery;
use crate::query::sql::Sql;
use crate::rollup::{Key, Needs, Tally};
use crate::{EventQuery, Reader, StoreError};

impl Reader {
    /// How many events a list has.
    pub async fn count(&self, list: &EventQuery) -> Result<i64, StoreError> {
        let mut total = Total(0);
        if self.rolled(list, Some(Needs::default()), &[], &mut total).await? {
            return Ok(total.0);
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*)");
        self.scanned(&mut sql, list).await?;
        self.number(sql).await
    }

    /// ` FROM ... WHERE ...` of the events of a list.
    pub(crate) async fn scanned(&self, sql: &mut Sql, list: &EventQuery) -> Result<(), StoreError> {
        let narrow = self.narrow(list, Purpose::Count).await?;
        ListQuery { narrow: narrow.as_ref(), ..self.list(list) }.unordered(sql);
        Ok(())
    }
}

/// All events together.
struct Total(i64);

impl Tally for Total {
    type Group = ();

    fn group(&mut self, _key: &Key) {}

    fn add(&mut self, (): (), _moment: i64, events: i64, _newest: i64) {
        self.0 += events;
    }
}
