//! Predicates on columns with a closed set of values, which contain the numbers of the values.

use crate::query::sql::Sql;
use model::Status;
use model::filter::SetCondition;

/// Appends: the column has one of the values of a set, by their numbers.
pub(super) fn coded_set<T: Copy>(sql: &mut Sql, column: &str, set: &SetCondition<T>, code: fn(T) -> i16) {
    sql.push("(TRUE");
    match set.one_of.as_deref() {
        None => {}
        Some([]) => drop(sql.push(" AND FALSE")),
        Some([value]) => drop(sql.push(&format!(" AND {column} = {}", code(*value)))),
        Some(values) => drop(sql.push(&format!(" AND {column} IN ({})", codes(values, code)))),
    }
    if !set.none_of.is_empty() {
        sql.push(&format!(" AND {column} NOT IN ({})", codes(&set.none_of, code)));
    }
    sql.push(")");
}

/// Returns the numbers of values. They are part of the statement, so that the planner knows how frequent each is.
fn codes<T: Copy>(values: &[T], code: fn(T) -> i16) -> String {
    values.iter().map(|value| code(*value).to_string()).collect::<Vec<_>>().join(", ")
}

/// Appends: the status is in the set.
pub(super) fn status(sql: &mut Sql, set: &SetCondition<Status>) {
    sql.push("(");
    let excludes_success = set.none_of.contains(&Status::Success)
        || set.one_of.as_ref().is_some_and(|values| !values.contains(&Status::Success));
    if excludes_success {
        // Written out so that the planner can use the partial index over events that did not succeed.
        sql.push(&format!("e.status <> {} AND ", Status::Success.code()));
    }
    coded_set(sql, "e.status", set, Status::code);
    sql.push(")");
}
