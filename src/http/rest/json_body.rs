//! Cuts the body of a recording request into JSON values.
//!
//! This is strict where the importer of files is lenient: a JSON body is exactly one value, and an NDJSON body has one
//! value per line. An API client can correct its requests; a file cannot be corrected. A value that contains a list of
//! records, such as a page of another system's API (`{"value": [...]}`), stands for the records in it, as for `import`.

use actix_web::HttpRequest;
use actix_web::http::header;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::response::HttpError;
use api::error::ApiError;
use model::Invalid;
use model::json::{JsonNode, has_more_values_than};

/// The most events in one request.
const EVENTS_MAX: usize = 1_000;
/// The most JSON values in one event: a tree of millions would take a multiple of the memory of its text.
const EVENT_VALUES_MAX: usize = 100_000;

/// How a body contains its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFormat {
    /// One JSON value: an event or a list of events.
    Json,
    /// One JSON value per line, which may follow a record separator (a JSON text sequence).
    Ndjson,
}

impl BodyFormat {
    /// The format by the content type, or `None` if the content type is another.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        match content_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/json" | "application/cloudevents+json" | "application/cloudevents-batch+json" => {
                Some(Self::Json)
            }
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/json-seq" => {
                Some(Self::Ndjson)
            }
            _ => None,
        }
    }
}

/// Cuts a body and passes each value to `take`: an event, or the problem that prevents reading it. Only one value is
/// held at a time, because a value takes a multiple of the memory of its text.
///
/// # Errors
///
/// Fails if a JSON body is not JSON, if the body is empty, or if it has more than 1,000 events.
pub(super) fn cut(
    body: &[u8],
    format: BodyFormat,
    take: impl FnMut(Result<JsonNode, String>),
) -> Result<(), HttpError> {
    let mut cutter = BodyCutter { count: 0, take };
    match format {
        BodyFormat::Json => cutter.cut_json(body)?,
        BodyFormat::Ndjson => cutter.cut_lines(body)?,
    }
    if cutter.count == 0 {
        return Err(Invalid::new("the body contains no event").into());
    }
    Ok(())
}

/// Counts the values of a body and passes them on.
struct BodyCutter<F> {
    count: usize,
    take: F,
}

impl<F: FnMut(Result<JsonNode, String>)> BodyCutter<F> {
    fn cut_json(&mut self, body: &[u8]) -> Result<(), HttpError> {
        let text = str::from_utf8(body).map_err(|_not_utf8| Invalid::new("the body is not UTF-8"))?;
        let start = text.trim_ascii_start();
        if start.is_empty() {
            return Ok(());
        }
        let mut elements = Vec::new();
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = if start.starts_with('[') {
            JsonElements(&mut elements).deserialize(&mut reader)
        } else {
            <&RawValue as serde::Deserialize>::deserialize(&mut reader).map(|value| elements.push(value))
        };
        if elements.len() > EVENTS_MAX {
            return Err(too_many());
        }
        if let Err(error) = read.and_then(|()| reader.end()) {
            let (reason, line) = (error.to_string(), error.line());
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let sentence =
                format!("event {}, counted from 0, is not valid JSON: line {line}: {reason}", elements.len());
            return Err(Invalid::new(sentence).into());
        }
        for element in elements {
            let offset = element.get().as_ptr().addr() - text.as_ptr().addr();
            let line = || 1 + text[..offset].matches('\n').count();
            self.push(element.get(), line)?;
        }
        Ok(())
    }

    fn cut_lines(&mut self, body: &[u8]) -> Result<(), HttpError> {
        for (i, line) in body.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            // The record separator of JSON text sequences, RFC 7464.
            match str::from_utf8(line.strip_prefix(b"\x1e").unwrap_or(line)) {
                Ok("") => {}
                Ok(text) => self.push(text, || i + 1)?,
                Err(_not_utf8) => self.add(Err(format!("line {}: the record is not UTF-8", i + 1)))?,
            }
        }
        Ok(())
    }

    /// Reads the value of a text and passes on the records in it, or its problem.
    fn push(&mut self, text: &str, line: impl Fn() -> usize) -> Result<(), HttpError> {
        if has_more_values_than(text, EVENT_VALUES_MAX) {
            let problem = format!("line {}: the record has more than {EVENT_VALUES_MAX} values", line());
            return self.add(Err(problem));
        }
        match JsonNode::read(text) {
            Ok(node) => formats::records(node).into_iter().try_for_each(|record| self.add(Ok(record))),
            Err(reason) => self.add(Err(format!("line {}: the record {reason}", line()))),
        }
    }

    fn add(&mut self, value: Result<JsonNode, String>) -> Result<(), HttpError> {
        self.count += 1;
        if self.count > EVENTS_MAX {
            return Err(too_many());
        }
        (self.take)(value);
        Ok(())
    }
}

fn too_many() -> HttpError {
    HttpError::PayloadTooLarge(ApiError::Limit { what: "events", asked: EVENTS_MAX + 1, limit: EVENTS_MAX })
}

/// Collects the elements of a JSON list without parsing them; at most one more than [`EVENTS_MAX`].
struct JsonElements<'v, 'a>(&'v mut Vec<&'a RawValue>);

impl<'a> DeserializeSeed<'a> for JsonElements<'_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for JsonElements<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        while self.0.len() <= EVENTS_MAX {
            match elements.next_element()? {
                Some(element) => self.0.push(element),
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(body: &[u8], format: BodyFormat) -> Option<Vec<Result<JsonNode, String>>> {
        let mut values = Vec::new();
        cut(body, format, |value| values.push(value)).ok()?;
        Some(values)
    }

    fn count(body: &str, format: BodyFormat) -> Option<(usize, usize)> {
        let values = values(body.as_bytes(), format)?;
        Some((values.len(), values.iter().filter(|value| value.is_err()).count()))
    }

    #[test]
    fn json_body_is_one_value() {
        let json = |body: &str| count(body, BodyFormat::Json);
        assert_eq!(json(r#" {"a": 1} "#), Some((1, 0)));
        assert_eq!(json(r#"[{"a": 1}, [2], 3]"#), Some((3, 0)));
        assert_eq!(json(r#"[{"a": "\ud800"}, {"a": 2}]"#), Some((2, 1)), "half of a surrogate pair");
        for body in ["", " ", "[]", "{", "[", "[1,]", "{}{}", "[1] [2]", "{\"a\": 1}\n{\"a\": 2}", "\u{feff}{}", "nul"]
        {
            assert_eq!(json(body), None, "{body:?}");
        }
        assert!(values(b"[\"\xff\"]", BodyFormat::Json).is_none());
    }

    #[test]
    fn ndjson_body_has_one_value_per_line() {
        let ndjson = |body: &str| count(body, BodyFormat::Ndjson);
        assert_eq!(ndjson("{\"a\": 1}\r\n\n{\"a\": 2}\n"), Some((2, 0)));
        assert_eq!(ndjson("{\"a\": 1}\nnot json\n{}{}\n[1, 2]"), Some((5, 2)), "a list is cut");
        assert_eq!(
            ndjson("{\"a\": 1}\n[{\"a\": 2},{\"a\" 3}]\n{\"a\": 4}"),
            Some((3, 1)),
            "a broken list is one problem"
        );
        assert_eq!(ndjson("\u{1e}{\"a\": 1}\n\u{1e}{\"a\": 2}\n"), Some((2, 0)));
        assert_eq!(ndjson(" \n"), None);
        let values = values(b"{}\n{\"a\": \"\\ud800\"}", BodyFormat::Ndjson).unwrap();
        assert_eq!(values[1].as_ref().unwrap_err(), "line 2: the record has half of a surrogate pair in a string");
    }

    #[test]
    fn problem_has_the_line_of_its_event() {
        let values = values(b"[\n{},\n{\"a\": \"\\ud800\"}]", BodyFormat::Json).unwrap();
        assert!(values[1].as_ref().unwrap_err().starts_with("line 3: "), "{values:?}");
    }

    #[test]
    fn events_are_limited_in_number_and_values() {
        let list = |events: usize| format!("[{}1]", "1,".repeat(events - 1));
        assert_eq!(count(&list(EVENTS_MAX), BodyFormat::Json), Some((EVENTS_MAX, 0)));
        assert_eq!(count(&list(EVENTS_MAX + 1), BodyFormat::Json), None);
        let page = format!("{{\"value\": [{}{{}}]}}", "{\"id\":1},".repeat(EVENTS_MAX));
        assert_eq!(count(&page, BodyFormat::Json), None);
        assert_eq!(count(&"1\n".repeat(EVENTS_MAX + 1), BodyFormat::Ndjson), None);
        let large = format!("{{\"a\": {}}}", list(EVENT_VALUES_MAX + 1));
        assert_eq!(count(&large, BodyFormat::Json), Some((1, 1)));
    }
}
