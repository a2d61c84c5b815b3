//! Tables (CSV) of audit records: one per row, the record itself as JSON in the column `AuditData`.
//!
//! Purview exports the unified audit log in this format, and PowerShell writes search results in it. A row becomes the
//! same object as a search result in JSON, with the columns as keys. Other tables are refused: they contain only what a
//! portal shows of the records, so data would be lost.
//!
//! The parser (`csv_core`) keeps no bytes, so an unclosed quote needs no more memory than the largest record.

use std::io::Read;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::byte_reader::ByteReader;
use super::error::{RecordReadError, file_error};
use crate::embedded::embedded_json;
use crate::key::same_key;
use model::json::{Json, JsonNode};

/// The column that contains the record.
const RECORD: &str = "AuditData";
/// The number of bytes that are read to detect a table.
const HEAD_BYTES: usize = 1 << 16;
/// The minimum number of columns of a table without records, so that other text is not mistaken for a table.
const COLUMNS_MIN: usize = 3;
/// The start of the line that PowerShell writes before the header.
const TYPE_LINE: &[u8] = b"#TYPE ";
const DELIMITERS: [u8; 3] = *b",;\t";

/// The format of a file, detected from its first lines.
pub(super) enum FileHead {
    /// Not a table.
    Other,
    /// A table with records. The header was read.
    WithRecords(Box<CsvTable>),
    /// A table without records.
    Columns,
}

/// A table whose header has been read.
pub(super) struct CsvTable {
    reader: Reader,
    columns: Vec<String>,
    record_bytes_max: usize,
}

/// The cells of one row.
struct CsvRow {
    cells: Vec<Vec<u8>>,
    bytes: usize,
}

impl FileHead {
    /// Detects the format from the first lines, and skips the header of a table with records.
    pub(super) fn of<R: Read>(bytes: &mut ByteReader<R>, record_bytes_max: usize) -> Self {
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
                let table = CsvTable { reader, columns: columns.clone(), record_bytes_max };
                (Self::WithRecords(Box::new(table)), end)
            }
            None if !is_record && (typed || headers.iter().any(is_table)) => (Self::Columns, 0),
            None => (Self::Other, 0),
        };
        let passed: u64 = head[..rest].iter().map(|byte| u64::from(*byte == b'\n')).sum();
        bytes.push_back(head[rest..].to_vec(), line + passed);
        this
    }
}

/// Whether a string can be the name of a column.
fn is_name(string: &str) -> bool {
    let string = string.trim();
    string.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@')
        && string.len() <= 100
        && !string.contains(['{', '}', ':', '=', '"'])
}

/// Parses one line.
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
            // The line has no end.
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

impl CsvTable {
    /// Returns the next row with the line on which it starts, or `None` at the end.
    pub(super) fn next<R: Read>(
        &mut self,
        bytes: &mut ByteReader<R>,
    ) -> Option<Result<(u64, JsonNode), RecordReadError>> {
        while matches!(bytes.peek()?, b'\r' | b'\n') {
            bytes.next();
        }
        let line = bytes.line;
        let row = self.row(bytes)?;
        if bytes.error.is_some() {
            return None;
        }
        Some(self.node(&row).map(|node| (line, node)).map_err(|reason| file_error(line, &reason)))
    }

    /// Reads a row. Keeps at most `record_bytes_max` bytes of a larger one.
    fn row<R: Read>(&mut self, bytes: &mut ByteReader<R>) -> Option<CsvRow> {
        let mut row = CsvRow { cells: vec![Vec::new()], bytes: 0 };
        let mut out = [0; 1 << 12];
        loop {
            let (result, read, written) = self.reader.read_field(bytes.buffered(), &mut out);
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
                    // An empty cell needs memory, too.
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

    /// Returns the row as an object, without empty cells.
    fn node(&self, row: &CsvRow) -> Result<JsonNode, String> {
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
                embedded_json(text).filter(|node| matches!(node, JsonNode::Object(_))).ok_or_else(|| {
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
