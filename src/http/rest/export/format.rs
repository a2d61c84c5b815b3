//! The formats of exported files: a JSON object per line, or CSV (RFC 4180) that is safe to open in a spreadsheet.

use async_graphql::Value;

use super::formula;
use crate::http::response::{write_string, write_value};
use api::output::column::{Columns, value_at};

/// The format of an exported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http::rest) enum ExportFormat {
    /// A JSON object per line; the last line has the status of the export.
    Ndjson,
    /// Comma-separated values; the first line has the column names.
    Csv,
}

impl ExportFormat {
    /// The format of this name, or `None` if there is none.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The name of the format, which is also the file extension.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The content type.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// The bytes before the first row.
    pub(super) fn header(self, columns: &Columns) -> Vec<u8> {
        let mut out = Vec::new();
        if self == Self::Csv {
            write_record(&mut out, columns.names().iter());
        }
        out
    }

    /// Writes the row of an event.
    pub(super) fn row(self, out: &mut Vec<u8>, columns: &Columns, event: &Value) {
        match self {
            Self::Ndjson => write_line(out, columns, event),
            Self::Csv => write_record(out, columns.names().iter().map(|name| cell(&value_at(event, name)))),
        }
    }
}

/// Writes the columns of an event as a JSON object on one line.
fn write_line(out: &mut Vec<u8>, columns: &Columns, event: &Value) {
    let start = out.len();
    for (i, name) in columns.names().iter().enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        write_string(out, name);
        out.push(b':');
        write_value(out, &value_at(event, name));
    }
    out.push(b'}');
    // Recorded JSON may contain line breaks between its tokens; in strings they are escaped.
    out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    out.push(b'\n');
}

/// Writes a record of CSV, quoted where necessary.
fn write_record(out: &mut Vec<u8>, cells: impl IntoIterator<Item: AsRef<[u8]>>) {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    // Writing to a vector does not fail, and one record has no length to differ from.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

/// Returns a value as a cell: strings as they are, lists and objects as JSON, and neither with anything that a
/// spreadsheet would take for a formula.
fn cell(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(plain) => formula::without_formulas(plain).into_owned().into_bytes(),
        Value::Enum(name) => name.as_bytes().to_vec(),
        number @ Value::Number(_) => written(number),
        other => {
            let json = String::from_utf8(written(other)).unwrap_or_default();
            formula::json_without_formulas(&json).into_owned().into_bytes()
        }
    }
}

fn written(value: &Value) -> Vec<u8> {
    let mut json = Vec::new();
    write_value(&mut json, value);
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(value: &Value) -> String {
        let mut out = Vec::new();
        write_record(&mut out, [cell(value), b"next".to_vec()]);
        String::from_utf8(out).unwrap().strip_suffix(",next\r\n").unwrap().to_owned()
    }

    #[test]
    fn cell_is_quoted_if_necessary_and_is_never_a_formula() {
        assert_eq!(csv(&Value::from("plain")), "plain");
        assert_eq!(csv(&Value::from("a,\"b\"\r\nc")), "\"a,\"\"b\"\"\r\nc\"");
        for start in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "＝1"] {
            assert!(csv(&Value::from(start)).starts_with('\''), "{start}");
        }
        assert_eq!(csv(&Value::from("\rx")), "\"'\rx\"");
        assert_eq!(csv(&Value::from("note;=1+1")), "note;'=1+1");
        assert_eq!(csv(&Value::from(-5)), "-5");
        assert_eq!(csv(&Value::Null), "");
        assert_eq!(csv(&Value::List(vec![Value::from("=a"), Value::Null])), "\"[\"\"=a\"\",null]\"");
        assert_eq!(csv(&Value::Binary("{ \"a\": 1 }".to_owned().into())), "\"{ \"\"a\"\": 1 }\"");
    }
}
