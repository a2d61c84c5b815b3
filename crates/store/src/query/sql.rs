//! SQL text with its values.
//!
//! The statements over events are written out rather than assembled by the ORM, because what decides whether they
//! walk an index is their exact text: row comparisons, which table comes first, which predicates are there at all.
//! Placeholders are `$1`, `$2`, ... on both databases, and `$1` is always the tenant. A text that is used several times
//! has one placeholder: their number is limited, and a filter repeats its texts for each column and each walk.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};

/// A statement under construction.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    sql: String,
    values: Vec<Value>,
    /// The placeholders of texts.
    string_placeholders: HashMap<String, usize>,
}

impl Sql {
    /// A statement about one tenant, which is `$1`.
    pub(crate) fn for_tenant(tenant_id: i32, sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: vec![tenant_id.into()], string_placeholders: HashMap::new() }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends a placeholder for a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let next = self.values.len() + 1;
        let placeholder = match &value {
            Value::String(Some(string)) => *self.string_placeholders.entry(string.clone()).or_insert(next),
            _ => next,
        };
        if placeholder == next {
            self.values.push(value);
        }
        // Writing to a String does not fail.
        let _ = write!(self.sql, "${placeholder}");
        self
    }

    /// How long the statement is so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.sql.len()
    }

    /// Appends `(a, b, c)` of values; there must be at least one.
    pub(crate) fn list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        let mut separator = "(";
        for value in values {
            self.push(separator).bind(value);
            separator = ", ";
        }
        self.push(")")
    }

    /// Appends parts with a word between them, in parentheses; `empty` if there is none.
    pub(crate) fn joined<T>(
        &mut self,
        parts: &[T],
        infix: &str,
        empty: &str,
        mut write: impl FnMut(&mut Self, &T),
    ) -> &mut Self {
        if parts.is_empty() {
            return self.push(empty);
        }
        let mut separator = "(";
        for part in parts {
            self.push(separator);
            write(self, part);
            separator = infix;
        }
        self.push(")")
    }

    /// The finished statement.
    pub(crate) fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.sql, self.values)
    }
}

pub(crate) fn one_of(sql: &mut Sql, column: &str, strings: &BTreeSet<String>) {
    match strings.len() {
        0 => drop(sql.push("FALSE")),
        1 => drop(sql.push(&format!("{column} = ")).bind(strings.first().map(String::as_str))),
        _ => drop(sql.push(&format!("{column} IN ")).list(strings.iter().map(String::as_str))),
    }
}

pub(crate) fn like(sql: &mut Sql, column: &str, part: &str) {
    // LIKE of SQLite takes these characters for one and the same.
    if part.contains(['\u{fffd}', '\u{fffe}', '\u{ffff}']) {
        sql.push(&format!("replace({column}, ")).bind(part).push(&format!(", '') <> {column}"));
        return;
    }
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    sql.push(&format!("{column} LIKE ")).bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
}
