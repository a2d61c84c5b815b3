//! Filter and page, as SQL: which events of a tenant, in which order, from where.
//!
//! Everything here is exact: what the SQL selects is what [`Condition::matches`] accepts on the event as reduced for
//! the scope. Only predicates that were asked for are written, so that every index stays usable. A page that asks
//! for one target or one changed property is driven from that side table, whose index is in the order of the page.

use crate::query::condition::{self, Writer};
use crate::query::driving_table::Driver;
use crate::query::merge::{self, Parts};
use crate::query::prefilter::Narrow;
use crate::query::sql::Sql;
use model::filter::{Condition, TimeRange};
use model::page::{Order, OrderField, Position};
use model::{Scope, ServiceSet};

/// What no event meets.
static NOTHING: Condition = Condition::Any(Vec::new());

/// The longest statement of several walks, in bytes.
const MERGED_MAX: usize = 64 << 10;

/// A list of events: what is in it, before any page of it is taken.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery<'a> {
    pub(crate) tenant_id: i32,
    pub(crate) scope: &'a Scope,
    pub(crate) condition: &'a Condition,
    pub(crate) period: TimeRange,
    /// Only what was in the log up to here.
    pub(crate) as_of: Option<i64>,
    /// Only what came into the log after here.
    pub(crate) after: Option<i64>,
    /// What was found out about the list.
    pub(crate) narrow: Option<&'a Narrow>,
}

/// A bound of a stretch of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) position: Position,
    pub(crate) inclusive: bool,
}

/// A stretch of a list: between two places, walked in a direction, at most so many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// The order in which the rows come.
    pub(crate) order: Order,
    /// Where the walk starts.
    pub(crate) start: Option<Bound>,
    /// Where it ends.
    pub(crate) end: Option<Bound>,
    pub(crate) limit: u64,
}

impl ListQuery<'_> {
    /// `SELECT columns` of a stretch of the list.
    pub(crate) fn stretch(&self, columns: &str, stretch: &Stretch) -> Sql {
        let parts = match self.narrow {
            Some(Narrow::Keys(none)) if none.is_empty() => {
                return ListQuery { condition: &NOTHING, narrow: None, ..self.clone() }.stretch(columns, stretch);
            }
            Some(Narrow::Keys(each)) => Some(merge::narrowed(self.condition, self.scope, each)),
            Some(Narrow::Events(all)) => return self.gathered(columns, stretch, all),
            None => merge::parts(self.condition, self.scope, stretch.order),
        };
        if let Some(merged) = parts.and_then(|parts| self.merged(columns, stretch, &parts)) {
            return merged;
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(columns);
        let driver = self.walk(&mut sql, stretch);
        limited(&mut sql, &format!("{}.", driver.alias()), stretch);
        sql
    }

    /// The same from several walks: the places of the rows first, then the rows. Each walk says its order, because
    /// PostgreSQL merges only what comes in order by itself. None if that is more to read and plan than it is worth:
    /// each walk says the whole condition.
    fn merged(&self, columns: &str, stretch: &Stretch, parts: &Parts) -> Option<Sql> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(columns).push(" FROM (SELECT * FROM (");
        for (i, (condition, scope)) in parts.lists.iter().enumerate() {
            let word = if parts.overlap { " UNION " } else { " UNION ALL " };
            let alias = Driver::of(condition, stretch.order).alias();
            sql.push(if i > 0 { word } else { "" });
            sql.push(&format!(
                "SELECT * FROM (SELECT {alias}.occurred_at AS occurred_at, {alias}.sequence AS sequence"
            ));
            ListQuery { scope, condition, narrow: None, ..self.clone() }.walk(&mut sql, stretch);
            // Each walk has its own limit: duplicates are removed when all are merged, and PostgreSQL walks an index
            // only if it knows that few rows are wanted.
            limited(&mut sql, &format!("{alias}."), stretch);
            sql.push(&format!(") w{i}"));
            if sql.len() > MERGED_MAX {
                return None;
            }
        }
        sql.push(") u");
        limited(&mut sql, "", stretch);
        sql.push(") m CROSS JOIN audit_event e WHERE e.tenant_id = $1 AND e.sequence = m.sequence");
        sql.push(&ordered("m.", stretch.order));
        Some(sql)
    }

    /// The same of the events that have one of many keys: their places are put in order, and then it is looked at each
    /// event until there are enough.
    fn gathered(&self, columns: &str, stretch: &Stretch, having: &[Condition]) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        // An event may be on several of the targets, and by one of the actors besides.
        sql.push(columns).push(" FROM (SELECT DISTINCT * FROM ");
        self.each_having(&mut sql, having, |list, sql, driver| {
            let alias = driver.alias();
            sql.push(&format!("SELECT {alias}.occurred_at AS occurred_at, {alias}.sequence AS sequence"));
            list.walk_from(sql, driver, stretch);
        });
        sql.push(" u").push(&ordered("u.", stretch.order)).push(") m CROSS JOIN audit_event e");
        self.looked_at(&mut sql);
        limited(&mut sql, "m.", stretch);
        sql
    }

    /// Statements for the events that have one of some keys, as far as the list's period and scope go.
    fn each_having(&self, sql: &mut Sql, having: &[Condition], write: impl Fn(&ListQuery<'_>, &mut Sql, &Driver)) {
        sql.joined(having, " UNION ALL ", "", |sql, having| {
            let driver = match having {
                Condition::Target(target) => Driver::Target(target.keys.clone().unwrap_or_default()),
                _ => Driver::Event,
            };
            write(&ListQuery { condition: having, narrow: None, ..self.clone() }, sql, &driver);
        });
    }

    /// ` WHERE ...` of events that were found at places, and belong to the list's period and scope.
    fn looked_at(&self, sql: &mut Sql) {
        sql.push(" WHERE e.tenant_id = $1 AND e.sequence = m.sequence AND ");
        Writer { scope: self.scope, driver: &Driver::Event, stops: true }.condition(sql, self.condition);
    }

    /// `FROM` and `WHERE` of a stretch. Returns what drives it.
    fn walk(&self, sql: &mut Sql, stretch: &Stretch) -> Driver {
        let driver = Driver::of(self.condition, stretch.order);
        self.walk_from(sql, &driver, stretch);
        driver
    }

    fn walk_from(&self, sql: &mut Sql, driver: &Driver, stretch: &Stretch) {
        self.filtered(sql, driver, Some(stretch.order), true);
        let descending = stretch.order.descending;
        for (bound, beyond) in [(stretch.start, descending), (stretch.end, !descending)] {
            if let Some(bound) = bound {
                keyset(sql, driver.alias(), stretch.order.field, bound, beyond);
            }
        }
    }

    /// `SELECT COUNT(*)` of the list, stopping at a limit.
    pub(crate) fn count_up_to(&self, limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*) FROM (SELECT 1 AS one");
        self.filtered(&mut sql, &Driver::of(self.condition, Order::NEWEST), None, true);
        sql.push(" LIMIT ").bind(limit).push(") counted");
        sql
    }

    /// How many places of events with some keys are looked at, stopping at a limit, and how many events of the list are
    /// there.
    pub(crate) fn count_having(&self, having: &[Condition], limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "WITH m AS (SELECT * FROM ");
        self.each_having(&mut sql, having, |list, sql, driver| {
            sql.push(&format!("SELECT {}.sequence AS sequence", driver.alias()));
            list.filtered(sql, driver, None, true);
        });
        sql.push(" u LIMIT ").bind(limit);
        sql.push(") SELECT (SELECT COUNT(*) FROM m), COUNT(DISTINCT e.sequence) FROM m CROSS JOIN audit_event e");
        self.looked_at(&mut sql);
        sql
    }

    /// How many events have the keys that were found, in whichever list, stopping at a limit. An event with several of
    /// them may be counted several times.
    pub(crate) fn count_narrowed(&self, limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*) FROM (SELECT * FROM ");
        self.places(&mut sql);
        sql.push(" u LIMIT ").bind(limit).push(") counted");
        sql
    }

    /// The places of the events that have the keys that were found out.
    fn places(&self, sql: &mut Sql) {
        let having = self.narrow.map(Narrow::conditions).unwrap_or_default();
        sql.joined(having, " UNION ALL ", "(SELECT 0 WHERE FALSE)", condition::with_key);
    }

    fn is_unfiltered(&self) -> bool {
        matches!(self.condition, Condition::All(conditions) if conditions.is_empty())
    }

    /// Whether a walk by sequence meets the list from its first rows on, because the period is open at that end of the
    /// log. Without statistics SQLite would rather read the whole period by time and sort it.
    fn is_met_at_once(&self, order: Order) -> bool {
        let open = if order.descending { self.period.to } else { self.period.from }.is_none();
        open && order.field == OrderField::Sequence && self.is_unfiltered() && self.scope.visible == ServiceSet::All
    }

    /// ` FROM ... WHERE ...` of the list, walked from the table that fits it best where no order is asked for.
    pub(crate) fn unordered(&self, sql: &mut Sql) {
        self.filtered(sql, &Driver::of(self.condition, Order::NEWEST), None, false);
        if self.narrow.is_some() {
            self.places(sql.push(" AND e.sequence IN "));
        }
    }

    /// `stops` says whether the database stops as soon as there are enough events.
    fn filtered(&self, sql: &mut Sql, driver: &Driver, order: Option<Order>, stops: bool) {
        driver.write_from(sql);
        visible(sql, &self.scope.visible, "e.service");
        let alias = driver.alias();
        // A plus keeps the index over time out of the choice.
        let by_sequence = self.after.is_some() || order.is_some_and(|order| self.is_met_at_once(order));
        let plus = if by_sequence { "+" } else { "" };
        if let Some(from) = self.period.from {
            sql.push(&format!(" AND {plus}{alias}.occurred_at >= ")).bind(from.0);
        }
        if let Some(to) = self.period.to {
            sql.push(&format!(" AND {plus}{alias}.occurred_at < ")).bind(to.0);
        }
        if let Some(after) = self.after {
            sql.push(&format!(" AND {alias}.sequence > ")).bind(after);
        }
        if let Some(as_of) = self.as_of {
            // A bound of the walk where it goes by sequence; elsewhere it leaves out few, and is no way in.
            let walked = self.after.is_some() || order.is_some_and(|order| order.field == OrderField::Sequence);
            let plus = if walked { "" } else { "+" };
            sql.push(&format!(" AND {plus}{alias}.sequence <= ")).bind(as_of);
        }
        if !self.is_unfiltered() {
            sql.push(" AND ");
            Writer { scope: self.scope, driver, stops }.condition(sql, self.condition);
        }
    }
}

/// `ORDER BY`; `of` names the table, with its dot.
fn ordered(of: &str, order: Order) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    match order.field {
        OrderField::OccurredAt => format!(" ORDER BY {of}occurred_at {direction}, {of}sequence {direction}"),
        OrderField::Sequence => format!(" ORDER BY {of}sequence {direction}"),
    }
}

/// The end of a walk.
fn limited(sql: &mut Sql, of: &str, stretch: &Stretch) {
    sql.push(&ordered(of, stretch.order)).push(" LIMIT ").bind(i64::try_from(stretch.limit).unwrap_or(i64::MAX));
}

/// `AND column IN (...)` for a set of services.
pub(crate) fn visible(sql: &mut Sql, services: &ServiceSet, column: &str) {
    match services {
        ServiceSet::All => {}
        ServiceSet::Only(keys) if keys.is_empty() => drop(sql.push(" AND FALSE")),
        ServiceSet::Only(keys) => drop(sql.push(&format!(" AND {column} IN ")).list(keys.iter().map(String::as_str))),
    }
}

fn keyset(sql: &mut Sql, alias: &str, field: OrderField, bound: Bound, less: bool) {
    let operator = match (less, bound.inclusive) {
        (true, false) => "<",
        (true, true) => "<=",
        (false, false) => ">",
        (false, true) => ">=",
    };
    match field {
        OrderField::OccurredAt => sql
            .push(&format!(" AND ({alias}.occurred_at, {alias}.sequence) {operator} ("))
            .bind(bound.position.occurred_at.0)
            .push(", ")
            .bind(bound.position.sequence)
            .push(")"),
        OrderField::Sequence => sql.push(&format!(" AND {alias}.sequence {operator} ")).bind(bound.position.sequence),
    };
}
