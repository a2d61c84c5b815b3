//! Pages of a list, and how many events it has up to a limit.

use crate::query::prefilter::Purpose;
use crate::query::select::{self, Bound, Stretch};
use crate::read::row::{self, Row};
use crate::{Reader, StoreError};
use model::Timestamp;
use model::filter::{Condition, TimeRange};
use model::page::{Cursor, Order, Page, Position, Slice};

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

impl Reader {
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

    pub(crate) fn list<'a>(&'a self, list: &'a EventQuery) -> select::ListQuery<'a> {
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
}

const fn reversed(order: Order) -> Order {
    Order { descending: !order.descending, ..order }
}
