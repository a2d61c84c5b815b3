//! Predicates on strings: on columns that contain the string, the number of its term, or a hash of it.

use std::collections::BTreeSet;

use crate::query::sql::{Sql, like, one_of};
use crate::term::{TermKind, key_hash};
use model::filter::{Condition, EventString, StringCondition};
use model::fold::after_prefix;

/// A column of events, and how it contains a string.
#[derive(Clone, Copy)]
enum StringColumn {
    /// The number of a term of this kind.
    Term(&'static str, TermKind),
    /// The result of [`key_hash`].
    Hash(&'static str),
}

const fn event_column(string: EventString) -> StringColumn {
    use StringColumn::{Hash, Term};
    match string {
        EventString::Service => Term("e.service", TermKind::Service),
        EventString::Category => Term("e.category", TermKind::Category),
        EventString::Activity => Term("e.activity_key", TermKind::Activity),
        EventString::ActivityName => Term("e.activity_name", TermKind::ActivityName),
        EventString::Component => Term("e.component", TermKind::Component),
        EventString::Correlation => Hash("e.correlation_hash"),
        EventString::EventKey => Hash("e.event_key_hash"),
        EventString::RecordedBy => Term("e.recorded_by", TermKind::Recorder),
    }
}

/// Appends a predicate on a string of the event. On a hashed string, the predicate may select other events as well.
pub(crate) fn event_string(sql: &mut Sql, string: EventString, condition: &StringCondition) {
    match event_column(string) {
        StringColumn::Term(column, kind) => term_predicate(sql, column, kind, condition),
        StringColumn::Hash(column) => hash_predicate(sql, column, condition),
    }
}

/// Appends: the event has one of the keys of a condition on the actor or on a term of the event. An index may return the
/// events of one key after another.
pub(crate) fn event_keys(sql: &mut Sql, condition: &Condition) {
    match condition {
        Condition::Actor(actor) => each_term(sql, "e.actor_key", TermKind::Actor, some(actor.keys.as_ref())),
        Condition::String(string, condition) => match event_column(*string) {
            StringColumn::Term(column, kind) => {
                each_term(sql, column, kind, some(condition.one_of.as_ref()));
                push_presence(sql, column, kind);
            }
            StringColumn::Hash(_) => event_string(sql, *string, condition),
        },
        _ => drop(sql.push("TRUE")),
    }
}

/// Returns the keys of a condition, or an empty set.
fn some(keys: Option<&BTreeSet<String>>) -> &BTreeSet<String> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    keys.unwrap_or(&NONE)
}

/// Appends the number of a term, or -1 if there is no such term, which no column contains.
fn term_id(sql: &mut Sql, kind: TermKind, key: &str) {
    let code = kind.code();
    sql.push(&format!("COALESCE((SELECT k.id FROM term k WHERE k.tenant_id = $1 AND k.kind = {code} AND k.key = "));
    sql.bind(key).push("), -1)");
}

/// Appends a statement for the numbers of terms, without the condition on their keys.
fn select_terms(sql: &mut Sql, kind: TermKind) {
    sql.push(&format!("SELECT k.id FROM term k WHERE k.tenant_id = $1 AND k.kind = {}", kind.code()));
}

/// Appends: the column is one of these terms. With one key, an index on the column returns the rows in its order. With
/// more, rows that must come in order are checked one by one.
pub(crate) fn one_of_terms(sql: &mut Sql, column: &str, kind: TermKind, keys: &BTreeSet<String>) {
    if keys.len() < 2 {
        return each_term(sql, column, kind, keys);
    }
    sql.in_select(column, |sql| {
        select_terms(sql, kind);
        sql.push(" AND k.key IN ").list(keys.iter().map(String::as_str));
    });
}

/// Appends: the column is one of these terms. An index on the column may return the rows of one term after another.
pub(crate) fn each_term(sql: &mut Sql, column: &str, kind: TermKind, keys: &BTreeSet<String>) {
    match keys.first() {
        None => drop(sql.push("FALSE")),
        Some(key) if keys.len() == 1 => term_id(sql.push(&format!("{column} = ")), kind, key),
        Some(_) => {
            select_terms(sql.push(&format!("{column} IN (")), kind);
            sql.push(" AND k.key IN ").list(keys.iter().map(String::as_str)).push(")");
        }
    }
}

/// Appends ` AND ...`: the column is none of these terms.
pub(crate) fn none_of_terms(sql: &mut Sql, column: &str, kind: TermKind, keys: &BTreeSet<String>) {
    if !keys.is_empty() {
        sql.push(" AND NOT (");
        one_of_terms(sql, column, kind, keys);
        sql.push(")");
    }
}

/// Appends ` AND ...`: the string is present, which a term implies. Written out so that the planner can use the partial
/// indexes over present strings.
fn push_presence(sql: &mut Sql, column: &str, kind: TermKind) {
    if matches!(kind, TermKind::ActivityName | TermKind::Application) {
        sql.push(&format!(" AND {column} <> 0"));
    }
}

/// Appends a predicate on a column with the numbers of terms.
pub(crate) fn term_predicate(sql: &mut Sql, column: &str, kind: TermKind, condition: &StringCondition) {
    sql.push("(TRUE");
    if let Some(keys) = &condition.one_of {
        one_of_terms(sql.push(" AND "), column, kind, keys);
        push_presence(sql, column, kind);
    }
    if !condition.none_of.is_empty() {
        sql.push(&format!(" AND {column} <> 0"));
        none_of_terms(sql, column, kind, &condition.none_of);
    }
    let start = condition.starts_with.as_deref().filter(|start| !start.is_empty());
    let part = condition.contains.as_deref().filter(|part| !part.is_empty());
    if start.is_some() || part.is_some() {
        any_term(sql.push(" AND "), column, kind, |sql| {
            if let Some(start) = start {
                prefix(sql, "k.key", start);
            }
            if let Some(part) = part {
                like(sql.push(" AND "), "k.key", part);
            }
        });
    }
    presence(sql, column, condition, "0");
    sql.push(")");
}

/// Appends: the column is a term whose key matches. `write` appends ` AND ...` with conditions on `k.key`.
pub(crate) fn any_term(sql: &mut Sql, column: &str, kind: TermKind, write: impl FnOnce(&mut Sql)) {
    sql.in_select(column, |sql| {
        select_terms(sql, kind);
        write(sql);
    });
}

/// Appends a predicate on a column with hashes, which selects at least the strings that match the condition.
fn hash_predicate(sql: &mut Sql, column: &str, condition: &StringCondition) {
    sql.push("(TRUE");
    match condition.one_of.as_ref().map(|keys| keys.iter().collect::<Vec<_>>()).as_deref() {
        None => {}
        Some([]) => drop(sql.push(" AND FALSE")),
        Some([key]) => {
            sql.push(&format!(" AND {column} = ")).bind(key_hash(key));
            sql.push(&format!(" AND {column} <> 0"));
        }
        Some(keys) => {
            sql.push(&format!(" AND {column} IN ")).list(keys.iter().map(|key| key_hash(key)));
            sql.push(&format!(" AND {column} <> 0"));
        }
    }
    presence(sql, column, condition, "0");
    sql.push(")");
}

/// Appends a predicate on a column with the string itself.
pub(crate) fn string_predicate(sql: &mut Sql, column: &str, condition: &StringCondition) {
    sql.push("(TRUE");
    if let Some(strings) = &condition.one_of {
        one_of(sql.push(" AND "), column, strings);
        sql.push(&format!(" AND {column} <> ''"));
    }
    if !condition.none_of.is_empty() {
        sql.push(&format!(" AND {column} <> '' AND {column} NOT IN "));
        sql.list(condition.none_of.iter().map(String::as_str));
    }
    if let Some(start) = &condition.starts_with {
        prefix(sql, column, start);
    }
    if let Some(part) = &condition.contains {
        like(sql.push(" AND "), column, part);
    }
    presence(sql, column, condition, "''");
    sql.push(")");
}

/// Appends ` AND ...`: the string starts with a prefix.
fn prefix(sql: &mut Sql, column: &str, start: &str) {
    sql.push(&format!(" AND {column} >= ")).bind(start);
    if let Some(end) = after_prefix(start) {
        sql.push(&format!(" AND {column} < ")).bind(end);
    }
}

/// Appends ` AND ...`: whether the column is present, which it is not if it equals `absent`.
fn presence(sql: &mut Sql, column: &str, condition: &StringCondition, absent: &str) {
    if let Some(is_set) = condition.is_set {
        sql.push(&format!(" AND {column} {} {absent}", if is_set { "<>" } else { "=" }));
    }
}
