//! Predicates on columns with a closed set of values.

use crate::query::sql::Sql;
use model::Status;
use model::filter::SetCondition;

/// Appends: the column has one of the values of a set, by their names.
pub(super) fn named_set<T: Copy>(sql: &mut Sql, column: &str, set: &SetCondition<T>, name: fn(T) -> &'static str) {
    sql.push("(TRUE");
    match set.one_of.as_deref() {
        None => {}
        Some([]) => drop(sql.push(" AND FALSE")),
        Some(values) => drop(sql.push(&format!(" AND {column} IN ")).list(values.iter().map(|value| name(*value)))),
    }
    if !set.none_of.is_empty() {
        sql.push(&format!(" AND {column} NOT IN ")).list(set.none_of.iter().map(|value| name(*value)));
    }
    sql.push(")");
}

/// Appends: the status is in the set.
pub(super) fn status(sql: &mut Sql, set: &SetCondition<Status>) {
    sql.push("(");
    let excludes_success = set.none_of.contains(&Status::Success)
        || set.one_of.as_ref().is_some_and(|values| !values.contains(&Status::Success));
    if excludes_success {
        // Written out so that the planner can use the partial index over events that did not succeed.
        sql.push("e.status <> 'SUCCESS' AND ");
    }
    named_set(sql, "e.status", set, Status::name);
    sql.push(")");
}
