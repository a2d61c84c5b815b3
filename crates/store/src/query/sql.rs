//! A SQL statement and its values.
//!
//! Statements over events are written as SQL and not built by the ORM, because their exact text decides whether they
//! scan an index: row comparisons, the order of the tables, and which predicates are present. Placeholders are `$1`,
//! `$2`, ... on both databases, and `$1` is always the tenant. A string that occurs several times has one placeholder:
//! the number of placeholders is limited, and a filter repeats its strings for each column and each scan.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};

/// A statement under construction.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    buffer: String,
    values: Vec<Value>,
    /// The placeholder of each string that was bound.
    string_placeholders: HashMap<String, usize>,
    /// Whether the rows may come in any order.
    is_unordered: bool,
}

impl Sql {
    /// Starts a statement about one tenant, whose id is `$1`.
    pub(crate) fn for_tenant(tenant_id: i32, sql: &str) -> Self {
        let (values, string_placeholders) = (vec![tenant_id.into()], HashMap::new());
        Self { buffer: sql.to_owned(), values, string_placeholders, is_unordered: false }
    }

    /// Appends SQL.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.buffer.push_str(sql);
        self
    }

    /// Appends a placeholder and binds a value to it.
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
        // Writing to a `String` cannot fail.
        let _ = write!(self.buffer, "${placeholder}");
        self
    }

    /// Sets whether the rows of the part that follows may come in any order.
    pub(crate) fn set_unordered(&mut self, is_unordered: bool) {
        self.is_unordered = is_unordered;
    }

    /// Appends a subselect predicate, `column IN (SELECT ...)`. If the rows must come in order, PostgreSQL is kept from
    /// turning it into a join, which has none.
    pub(crate) fn in_select(&mut self, column: &str, write: impl FnOnce(&mut Self)) {
        let [begin, end] = if self.is_unordered { ["", ")"] } else { ["(", ")) IS TRUE"] };
        self.push(begin).push(column).push(" IN (");
        write(self);
        self.push(end);
    }

    /// Returns the length of the SQL so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Appends `(a, b, c)`. There must be at least one value.
    pub(crate) fn list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        let mut separator = "(";
        for value in values {
            self.push(separator).bind(value);
            separator = ", ";
        }
        self.push(")")
    }

    /// Appends `(part infix part)`, or `empty` if there are no parts.
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

    /// Returns the finished statement.
    pub(crate) fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.buffer, self.values)
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
    // SQLite's `LIKE` treats these characters as equal.
    if part.contains(['\u{fffd}', '\u{fffe}', '\u{ffff}']) {
        sql.push(&format!("replace({column}, ")).bind(part).push(&format!(", '') <> {column}"));
        return;
    }
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    sql.push(&format!("{column} LIKE ")).bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
}
