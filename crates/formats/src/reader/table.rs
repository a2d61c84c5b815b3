//! Tables (CSV) of audit records: one per row, the record itself as JSON in the column `AuditData`.
//!
//! This is how Purview exports the unified audit log, and how PowerShell writes search results. A row becomes the
//! object that a search result is in JSON, with the columns as names. Tables of other kinds are what portals show of
//! records, and are not read: what they left out would be lost.
//!
//! The parser (`csv_core`) is given bytes and keeps none, so that a quote that is never closed takes no more memory
//! than a record may have.

use std::io::Read;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::bytes::Bytes;
use super::{ReadProblem, problem};
use crate::original::{held_json, same_key};
use model::json::{Json, JsonNode};

/// The column with the record.
const RECORD: &str = "AuditData";
/// How much of a file is looked at to see whether it is a table.
const HEAD_BYTES: usize = 1 << 16;
/// How many columns there are at least in a table without records, so that no other text is taken for one.
const COLUMNS_MIN: usize = 3;
/// The line that PowerShell puts before the header.
const TYPE_LINE: &[u8] = b"#TYPE ";
const DELIMITERS: [u8; 3] = *b",;\t";

/// What a file is, by its first lines.
pub(super) enum Head {
    /// Not a table.
    Other,
    /// A table with records, of which the rows are next.
    Records(Box<Table>),
    /// A table without.
    Columns,
}

/// A table whose header has been read.
pub(super) struct Table {
    reader: Reader,
    columns: Vec<String>,
    record_bytes_max: usize,
}

/// What is left of the cells of one row.
struct Row {
    cells: Vec<Vec<u8>>,
    bytes: usize,
}

impl Head {
    /// Looks at the first lines of a file; if they are a header, it is passed over.
    pub(super) fn of<R: Read>(bytes: &mut Bytes<R>, record_bytes_max: usize) -> Self {
        if bytes.peek().is_none_or(|first| matches!(first, b'{' | b'[')) {
            return Self::Other;
        }
        let line = bytes.line;
        let head = bytes.first_bytes(HEAD_BYTES, 3);
        let typed = head.starts_with(TYPE_LINE);
        let start =
            if typed { head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1) } else { 0 };
        let end = head[start..].iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| start + end + 1);
        let (header, next) = (&head[start..end], head[end..].trim_ascii_start());
        let headers = DELIMITERS.map(|delimiter| (delimiter, cells(header, delimiter)));
        let found = headers.iter().find(|(_, columns)| columns.iter().any(|column| same_key(column, RECORD)));
        let is_record = matches!(next.first(), Some(b'{' | b'[')) || next.starts_with(b"\"{");
        let is_table = |(delimiter, columns): &(u8, Vec<String>)| {
            let is_continued = next.is_empty() || next.contains(delimiter);
            columns.len() >= COLUMNS_MIN && is_continued && columns.iter().all(|column| is_name(column))
        };
        let (this, rest) = match found {
            Some((delimiter, columns)) => {
                let reader = ReaderBuilder::new().delimiter(*delimiter).build();
                let table = Table { reader, columns: columns.clone(), record_bytes_max };
                (Self::Records(Box::new(table)), end)
            }
            None if !is_record && (typed || headers.iter().any(is_table)) => (Self::Columns, 0),
            None => (Self::Other, 0),
        };
        let passed: u64 = head[..rest].iter().map(|byte| u64::from(*byte == b'\n')).sum();
        bytes.read_again(head[rest..].to_vec(), line + passed);
        this
    }
}

/// Whether a text may be the name of a column.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@')
        && text.len() <= 100
        && !text.contains(['{', '}', ':', '=', '"'])
}

/// The cells of one line.
fn cells(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut cells = Vec::new();
    let mut rest = line;
    let mut out = vec![0; line.len() + 1];
    loop {
        let (result, read, written) = reader.read_field(rest, &mut out);
        rest = &rest[read..];
        match result {
            ReadFieldResult::Field { record_end } => {
                cells.push(String::from_utf8_lossy(&out[..written]).into_owned());
                if record_end {
                    return cells;
                }
            }
            // The line had no end.
            ReadFieldResult::InputEmpty if !rest.is_empty() => return cells,
            ReadFieldResult::InputEmpty => {
                let (result, _, more) = reader.read_field(&[], &mut out[written..]);
                if matches!(result, ReadFieldResult::Field { .. }) {
                    cells.push(String::from_utf8_lossy(&out[..written + more]).into_owned());
                }
                return cells;
            }
            ReadFieldResult::OutputFull | ReadFieldResult::End => return cells,
        }
    }
}

impl Table {
    /// The next row with the line that it begins on; none at the end.
    pub(super) fn next<R: Read>(&mut self, bytes: &mut Bytes<R>) -> Option<Result<(u64, JsonNode), ReadProblem>> {
        while matches!(bytes.peek()?, b'\r' | b'\n') {
            bytes.next();
        }
        let line = bytes.line;
        let row = self.row(bytes)?;
        if bytes.problem.is_some() {
            return None;
        }
        Some(self.node(&row).map(|node| (line, node)).map_err(|reason| problem(line, &reason)))
    }

    /// Reads a row; of one that is too large no more than may be held.
    fn row<R: Read>(&mut self, bytes: &mut Bytes<R>) -> Option<Row> {
        let mut row = Row { cells: vec![Vec::new()], bytes: 0 };
        let mut out = [0; 1 << 12];
        loop {
            let (result, read, written) = self.reader.read_field(bytes.at_hand(), &mut out);
            bytes.consume(read);
            row.bytes += written;
            if row.bytes <= self.record_bytes_max
                && let Some(cell) = row.cells.last_mut()
            {
                cell.extend_from_slice(&out[..written]);
            }
            match result {
                ReadFieldResult::Field { record_end: true } => return Some(row),
                ReadFieldResult::Field { record_end: false } => {
                    // An empty cell holds something too.
                    row.bytes += 1;
                    if row.bytes <= self.record_bytes_max {
                        row.cells.push(Vec::new());
                    }
                }
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::End => return None,
            }
        }
    }

    /// The row as an object. Cells that are empty say nothing.
    fn node(&self, row: &Row) -> Result<JsonNode, String> {
        if row.bytes > self.record_bytes_max {
            return Err(format!("the row has more than {} bytes", self.record_bytes_max));
        }
        if row.cells.len() > self.columns.len() {
            return Err(format!("the row has {} cells, and the header {}", row.cells.len(), self.columns.len()));
        }
        let mut members = Vec::new();
        let mut has_record = false;
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let text = std::str::from_utf8(cell).map_err(|cause| {
                format!("the cell `{column}` is not UTF-8 from its byte {} on", cause.valid_up_to())
            })?;
            let value = if same_key(column, RECORD) {
                has_record = true;
                held_json(text).filter(|node| matches!(node, JsonNode::Object(_))).ok_or_else(|| {
                    format!("the cell `{column}` does not contain a JSON object; a spreadsheet may have cut it off")
                })?
            } else if text.is_empty() {
                continue;
            } else {
                JsonNode::Scalar(Json::string(text).text().into())
            };
            members.push((column.clone(), value));
        }
        if has_record { Ok(JsonNode::Object(members)) } else { Err(format!("the row has no cell `{RECORD}`")) }
    }
}
