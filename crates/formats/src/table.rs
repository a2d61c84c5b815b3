//! Tables in JSON: a list of columns, and rows that are lists of cells. Query interfaces of Azure Monitor, Azure Data
//! Explorer and Splunk respond in this form.

use super::key::same_key;
use model::json::JsonNode;

/// The members that contain the columns.
const COLUMN_KEYS: &[&str] = &["columns", "fields", "headers"];
/// The member that contains the rows.
const ROWS_KEY: &str = "rows";
/// The members of a column that contain its name.
const NAME_KEYS: &[&str] = &["name", "columnName"];

/// A table.
pub(super) struct Table<'a> {
    columns: Vec<String>,
    rows: &'a [JsonNode],
}

impl<'a> Table<'a> {
    /// Returns the table that an object is.
    pub(super) fn of(node: &'a JsonNode) -> Option<Self> {
        let JsonNode::Object(members) = node else { return None };
        let (_, rows) = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(ROWS_KEY))?;
        let JsonNode::Array(rows) = rows else { return None };
        let columns = Self::columns(node, ROWS_KEY)?;
        rows.iter().all(|row| matches!(row, JsonNode::Array(_))).then_some(Self { columns, rows })
    }

    /// Returns the names of the columns of a table whose list of rows has this key.
    pub(super) fn columns(node: &JsonNode, rows_key: &str) -> Option<Vec<String>> {
        let JsonNode::Object(members) = node else { return None };
        let is_columns = |key: &str| COLUMN_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name));
        let (_, columns) = members.iter().find(|(key, _)| is_columns(key))?;
        let JsonNode::Array(columns) = columns else { return None };
        if columns.is_empty() || !rows_key.eq_ignore_ascii_case(ROWS_KEY) {
            return None;
        }
        columns.iter().map(column_name).collect()
    }

    /// Returns the rows as objects. A row with another number of cells stays a list.
    pub(super) fn records(&self) -> Vec<JsonNode> {
        let cells = |row: &JsonNode| match row {
            JsonNode::Array(cells) if cells.len() == self.columns.len() => as_members(&self.columns, cells.clone()),
            other => other.clone(),
        };
        self.rows.iter().map(cells).collect()
    }
}

/// Returns a row as an object.
pub(super) fn row_as_object(columns: &[String], cells: Vec<JsonNode>) -> Result<JsonNode, String> {
    if cells.len() != columns.len() {
        return Err(format!("the row has {} cells, and the table {} columns", cells.len(), columns.len()));
    }
    Ok(as_members(columns, cells))
}

fn as_members(columns: &[String], cells: Vec<JsonNode>) -> JsonNode {
    JsonNode::Object(columns.iter().cloned().zip(cells).collect())
}

fn column_name(column: &JsonNode) -> Option<String> {
    match column {
        JsonNode::Object(members) => {
            let name = members.iter().find(|(key, _)| NAME_KEYS.iter().any(|name| same_key(key, name)));
            name?.1.as_str().map(std::borrow::Cow::into_owned)
        }
        scalar => scalar.as_str().map(std::borrow::Cow::into_owned),
    }
}
