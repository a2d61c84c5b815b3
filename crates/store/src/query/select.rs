//! Builds the statements of a list: its pages and its counts.
//!
//! The SQL selects exactly the events that [`Condition::matches`] accepts after they are reduced to the scope. Only the
//! predicates of the request are written, so that every index stays usable. A page for one target or one changed
//! property is driven from that side table, whose index has the order of the page.

use crate::query::condition::{self, PredicateWriter};
use crate::query::driving_table::DrivingTable;
use crate::query::merge::{self, MergeBranches};
use crate::query::prefilter::Prefilter;
use crate::query::sql::Sql;
use crate::query::string::one_of_terms;
use crate::term::TermKind;
use model::filter::{Condition, TimeRange};
use model::page::{Order, OrderField, Position};
use model::{Scope, ServiceSet};

/// Matches every event.
static MATCHES_ALL: Condition = Condition::All(Vec::new());

/// Matches no event.
static MATCHES_NONE: Condition = Condition::Any(Vec::new());

/// The longest merged statement, in bytes.
const MERGED_BYTES_MAX: usize = 64 << 10;

/// The events of a list, before a page of it is selected.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery<'a> {
    pub(crate) tenant_id: i32,
    pub(crate) scope: &'a Scope,
    pub(crate) condition: &'a Condition,
    pub(crate) period: TimeRange,
    /// If set, only events with at most this sequence.
    pub(crate) as_of: Option<i64>,
    /// If set, only events with a greater sequence.
    pub(crate) after: Option<i64>,
    /// Keys that the events of the list have, if they were resolved.
    pub(crate) prefilter: Option<&'a Prefilter>,
}

/// A bound of a range scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanBound {
    pub(crate) position: Position,
    pub(crate) inclusive: bool,
}

/// A scan of a list between two positions, in an order, up to a number of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeScan {
    /// The order of the rows.
    pub(crate) order: Order,
    /// Where the scan starts.
    pub(crate) start: Option<ScanBound>,
    /// Where the scan ends.
    pub(crate) end: Option<ScanBound>,
    pub(crate) limit: u64,
}

impl ListQuery<'_> {
    /// Returns `SELECT columns` of a scan of the list.
    pub(crate) fn scan(&self, columns: &str, scan: &RangeScan) -> Sql {
        let branches = match self.prefilter {
            Some(Prefilter::SingleKeys(none)) if none.is_empty() => {
                return ListQuery { condition: &MATCHES_NONE, prefilter: None, ..self.clone() }.scan(columns, scan);
            }
            Some(Prefilter::SingleKeys(each)) => Some(merge::branches_for_keys(self.condition, self.scope, each)),
            Some(Prefilter::KeySets(all)) => return self.by_keys(columns, scan, all),
            None => merge::branches(self.condition, self.scope, scan.order),
        };
        if let Some(merged_scan) = branches.and_then(|branches| self.merged_scan(columns, scan, &branches)) {
            return merged_scan;
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(columns);
        let driving_table = self.write_scan(&mut sql, scan);
        order_and_limit(&mut sql, &format!("{}.", driving_table.alias()), scan);
        sql
    }

    /// Returns the scan as a merge of several scans: the positions first, then their rows. Each scan has an `ORDER BY`
    /// of its own, because PostgreSQL merges only sorted inputs.
    ///
    /// Returns `None` if the statement would exceed `MERGED_BYTES_MAX`, because every branch repeats the whole
    /// predicate.
    fn merged_scan(&self, columns: &str, scan: &RangeScan, branches: &MergeBranches) -> Option<Sql> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(columns).push(" FROM (SELECT * FROM (");
        for (i, (condition, scope)) in branches.branches.iter().enumerate() {
            let operator = if branches.may_overlap { " UNION " } else { " UNION ALL " };
            let alias = DrivingTable::of(condition, scan.order).alias();
            sql.push(if i > 0 { operator } else { "" });
            sql.push(&format!(
                "SELECT * FROM (SELECT {alias}.occurred_at AS occurred_at, {alias}.sequence AS sequence"
            ));
            ListQuery { scope, condition, prefilter: None, ..self.clone() }.write_scan(&mut sql, scan);
            // Each scan has its own limit: the merge removes duplicates, and PostgreSQL chooses an index scan only if
            // it knows that few rows are needed.
            order_and_limit(&mut sql, &format!("{alias}."), scan);
            sql.push(&format!(") w{i}"));
            if sql.len() > MERGED_BYTES_MAX {
                return None;
            }
        }
        sql.push(") u");
        order_and_limit(&mut sql, "", scan);
        sql.push(") m CROSS JOIN audit_event e WHERE e.tenant_id = $1 AND e.sequence = m.sequence");
        sql.push(&order_by("m.", scan.order));
        Some(sql)
    }

    /// Returns the scan over the events that have one of many keys: their positions are sorted, then each event is
    /// checked until there are enough.
    fn by_keys(&self, columns: &str, scan: &RangeScan, keys: &[Condition]) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        // An event may have several of the targets, and one of the actors as well.
        sql.push(columns).push(" FROM (SELECT DISTINCT * FROM ");
        self.for_each_key_kind(&mut sql, keys, |list, sql, driving_table| {
            let alias = driving_table.alias();
            sql.push(&format!("SELECT {alias}.occurred_at AS occurred_at, {alias}.sequence AS sequence"));
            list.write_scan_from(sql, driving_table, scan);
        });
        sql.push(" u").push(&order_by("u.", scan.order)).push(") m CROSS JOIN audit_event e");
        self.filter_clause(&mut sql);
        order_and_limit(&mut sql, "m.", scan);
        sql
    }

    /// Appends one statement per kind of key, for the events within the list's period and scope.
    fn for_each_key_kind(
        &self,
        sql: &mut Sql,
        keys: &[Condition],
        write: impl Fn(&ListQuery<'_>, &mut Sql, &DrivingTable),
    ) {
        sql.joined(keys, " UNION ALL ", "", |sql, keys| {
            let targets = if let Condition::Target(target) = keys { target.keys.clone() } else { None };
            let driving_table =
                targets.map_or_else(|| DrivingTable::EventKeys(Box::new(keys.clone())), DrivingTable::Target);
            write(&ListQuery { condition: &MATCHES_ALL, prefilter: None, ..self.clone() }, sql, &driving_table);
        });
    }

    /// Appends the `WHERE` clause that joins the collected sequences `m` with the events `e` and checks the condition.
    fn filter_clause(&self, sql: &mut Sql) {
        sql.push(" WHERE e.tenant_id = $1 AND e.sequence = m.sequence AND ");
        PredicateWriter { scope: self.scope, driving_table: &DrivingTable::Event, stops_early: true }
            .condition(sql, self.condition);
    }

    /// Appends `FROM` and `WHERE` of a scan. Returns its driving table.
    fn write_scan(&self, sql: &mut Sql, scan: &RangeScan) -> DrivingTable {
        let driving_table = DrivingTable::of(self.condition, scan.order);
        self.write_scan_from(sql, &driving_table, scan);
        driving_table
    }

    fn write_scan_from(&self, sql: &mut Sql, driving_table: &DrivingTable, scan: &RangeScan) {
        self.where_clause(sql, driving_table, Some(scan.order), true);
        let descending = scan.order.descending;
        for (bound, is_less) in [(scan.start, descending), (scan.end, !descending)] {
            if let Some(bound) = bound {
                keyset(sql, driving_table.alias(), scan.order.field, bound, is_less);
            }
        }
    }

    /// Returns `SELECT COUNT(*)` of the list, up to a limit.
    pub(crate) fn count_up_to(&self, limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*) FROM (SELECT 1 AS one");
        self.where_clause(&mut sql, &DrivingTable::of(self.condition, Order::NEWEST), None, true);
        sql.push(" LIMIT ").bind(limit).push(") counted");
        sql
    }

    /// Counts the rows of some keys, up to a limit, and the events of the list among them.
    pub(crate) fn count_by_keys(&self, keys: &[Condition], limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "WITH m AS (SELECT * FROM ");
        self.for_each_key_kind(&mut sql, keys, |list, sql, driving_table| {
            sql.push(&format!("SELECT {}.sequence AS sequence", driving_table.alias()));
            list.where_clause(sql, driving_table, None, true);
        });
        sql.push(" u LIMIT ").bind(limit);
        sql.push(") SELECT (SELECT COUNT(*) FROM m), COUNT(DISTINCT e.sequence) FROM m CROSS JOIN audit_event e");
        self.filter_clause(&mut sql);
        sql
    }

    /// Counts the events with a prefilter's keys in the whole log, up to a limit. An event with several of the keys
    /// may be counted several times.
    pub(crate) fn count_prefiltered(&self, prefilter: &Prefilter, limit: i64) -> Sql {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT COUNT(*) FROM (SELECT * FROM ");
        key_sequences(&mut sql, prefilter);
        sql.push(" u LIMIT ").bind(limit).push(") counted");
        sql
    }

    fn is_unfiltered(&self) -> bool {
        matches!(self.condition, Condition::All(conditions) if conditions.is_empty())
    }

    /// Returns whether the first rows of a scan by sequence belong to the list, because the period is open at that end
    /// of the log. Without this hint, SQLite reads the whole period by time and sorts it.
    fn is_index_ordered(&self, order: Order) -> bool {
        let open = if order.descending { self.period.to } else { self.period.from }.is_none();
        open && order.field == OrderField::Sequence && self.is_unfiltered() && self.scope.visible == ServiceSet::All
    }

    /// Appends ` FROM ... WHERE ...` of the list, in no particular order.
    pub(crate) fn push_from_where(&self, sql: &mut Sql) {
        self.where_clause(sql, &DrivingTable::of(self.condition, Order::NEWEST), None, false);
        if let Some(prefilter) = self.prefilter {
            key_sequences(sql.push(" AND e.sequence IN "), prefilter);
        }
    }

    /// Appends ` FROM ... WHERE ...`. `stops_early` is whether the statement has a limit.
    fn where_clause(&self, sql: &mut Sql, driving_table: &DrivingTable, order: Option<Order>, stops_early: bool) {
        driving_table.write_from(sql);
        sql.set_unordered(order.is_none());
        visible_services(sql, &self.scope.visible, "e.service");
        let alias = driving_table.alias();
        // A unary plus keeps SQLite and PostgreSQL from using the index over time.
        let by_sequence = self.after.is_some() || order.is_some_and(|order| self.is_index_ordered(order));
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
            // The bound of a scan by sequence. In any other scan it excludes few rows, so it must not be used as an
            // index condition.
            let is_range_bound = self.after.is_some() || order.is_some_and(|order| order.field == OrderField::Sequence);
            let plus = if is_range_bound { "" } else { "+" };
            sql.push(&format!(" AND {plus}{alias}.sequence <= ")).bind(as_of);
        }
        if !self.is_unfiltered() {
            sql.push(" AND ");
            PredicateWriter { scope: self.scope, driving_table, stops_early }.condition(sql, self.condition);
        }
    }
}

/// Appends a statement for the sequences of the events with a prefilter's keys.
fn key_sequences(sql: &mut Sql, prefilter: &Prefilter) {
    sql.joined(prefilter.conditions(), " UNION ALL ", "(SELECT 0 WHERE FALSE)", condition::select_by_key);
}

/// Returns the `ORDER BY` clause. `of` is the table's alias with its dot, or empty.
fn order_by(of: &str, order: Order) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    match order.field {
        OrderField::OccurredAt => format!(" ORDER BY {of}occurred_at {direction}, {of}sequence {direction}"),
        OrderField::Sequence => format!(" ORDER BY {of}sequence {direction}"),
    }
}

/// Appends `ORDER BY` and `LIMIT` of a scan.
fn order_and_limit(sql: &mut Sql, of: &str, scan: &RangeScan) {
    sql.push(&order_by(of, scan.order)).push(" LIMIT ").bind(i64::try_from(scan.limit).unwrap_or(i64::MAX));
}

/// Appends ` AND ...` for the services that a scope shows. `column` contains the term of the service.
pub(crate) fn visible_services(sql: &mut Sql, services: &ServiceSet, column: &str) {
    if let ServiceSet::Only(keys) = services {
        one_of_terms(sql.push(" AND "), column, TermKind::Service, keys);
    }
}

fn keyset(sql: &mut Sql, alias: &str, field: OrderField, bound: ScanBound, less: bool) {
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
