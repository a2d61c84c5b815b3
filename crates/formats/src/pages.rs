//! Splits pages, lists, tables and the envelopes around them into records.
//!
//! An object is a record if it has a known shape or is an event in this API's format. Any other object is opened if it
//! contains, at any level, a list of records: under the keys of pages always, under other keys if the object does not
//! itself name an activity, or if the records in the list have a known shape. So a page is found in any envelope, and a
//! record of an unknown shape with a list of its own stays whole. An envelope around a single record is not opened: it is
//! the record, so that nothing of it is lost.

use std::borrow::Cow;
use std::cell::Cell;

use super::embedded::embedded_record;
use super::generic;
use super::json_scanner::JsonScanner;
use super::key::KeySet;
use super::recognise::shape;
use super::table::{Table, row_as_object as as_object};
use super::truncated;
use model::json::JsonNode;
use model::json_input;

/// The members of a page that contain its records.
const PAGE_KEYS: &[&str] = &["value", "records"];
/// The members that occur in records, but not in pages.
const RECORD_KEYS: &[&str] = &[
    "activity",
    "activityDateTime",
    "activityDisplayName",
    "operation",
    "operationName",
    "creationTime",
    "createdDateTime",
    "eventTime",
    "eventName",
    "occurredAt",
    "time",
    "timestamp",
    "@timestamp",
    "timeGenerated",
    "action",
];
/// The member that may name an activity, if nothing else does.
static TYPE: KeySet = KeySet::new(&["type"]);
/// The members that contain the link to the next page.
const NEXT_LINK_KEYS: &[&str] = &["@odata.nextLink", "odata.nextLink", "@nextLink", "nextLink"];
/// The members of a response whose elements each contain pages or tables.
const RESPONSE_KEYS: &[&str] = &["tables", "responses"];
/// The warning for a page with a link to the next page.
pub(super) const NEXT_PAGE: &str =
    "the page has a link to a next page (`nextLink`), whose records are not in it: import that page, too";

/// The maximum nesting of lists, pages and envelopes, also of those in strings.
const DEPTH_MAX: usize = 8;
/// The most bytes of strings that are parsed, as a multiple of the bytes of the value: a string is parsed again on each
/// level around it.
const PARSED_FACTOR: usize = 16;
/// The bytes of strings that are parsed in a value of any size.
const PARSED_BYTES_MIN: usize = 64 << 10;
/// The number of elements of a list that are examined to detect whether it contains records.
const EXAMINED_ELEMENTS: usize = 20;

/// The records of a value.
#[derive(Debug, Default)]
pub struct SplitRecords {
    /// The records.
    pub records: Vec<JsonNode>,
    /// Remarks on pages that are not complete, safe to show.
    pub warnings: Vec<String>,
}

/// How certain it is that a list contains records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// Its elements have a time and an activity.
    Generic,
    /// Its elements have a known shape.
    KnownShape,
}

/// Returns the records in a value: those of a page, of a list, of a table or of an envelope around one, else the value
/// itself. A string that contains JSON is parsed, up to a number of levels and a total number of bytes; beyond these, it is
/// a string.
pub fn records(value: JsonNode) -> Vec<JsonNode> {
    split(value).records
}

/// Returns the records in a value as [`records`] does, and remarks on its pages.
pub fn split(value: JsonNode) -> SplitRecords {
    let strings = StringParser::for_value(&value);
    let mut found = SplitRecords::default();
    found.add(value, DEPTH_MAX, &strings);
    found
}

/// Parses the JSON in strings, up to a total number of bytes.
struct StringParser {
    bytes_left: Cell<usize>,
}

impl StringParser {
    /// Creates a parser for the strings in a value.
    fn for_value(value: &JsonNode) -> Self {
        let bytes = scalar_bytes(value).saturating_mul(PARSED_FACTOR).max(PARSED_BYTES_MIN);
        Self { bytes_left: Cell::new(bytes) }
    }

    /// Returns the object or the list in a string. `None` also if too many bytes were parsed before.
    fn embedded(&self, text: &str) -> Option<JsonNode> {
        if !text.trim_start().starts_with(['{', '[', '"']) {
            return None;
        }
        self.bytes_left.set(self.bytes_left.get().checked_sub(text.len())?);
        embedded_record(text)
    }

    /// Returns the object or the list in a value, if that is a string.
    fn embedded_in(&self, value: &JsonNode) -> Option<JsonNode> {
        self.embedded(&value.as_str()?)
    }
}

/// The bytes of the scalars in a value.
fn scalar_bytes(value: &JsonNode) -> usize {
    match value {
        JsonNode::Object(members) => members.iter().map(|(_, value)| scalar_bytes(value)).sum(),
        JsonNode::Array(elements) => elements.iter().map(scalar_bytes).sum(),
        JsonNode::Scalar(raw) => raw.len(),
    }
}

impl SplitRecords {
    fn add(&mut self, value: JsonNode, depth: usize, strings: &StringParser) {
        if let Some(embedded) = strings.embedded_in(&value) {
            return self.add(embedded, depth, strings);
        }
        let members = match value {
            JsonNode::Array(elements) if depth > 0 => {
                return elements.into_iter().for_each(|element| self.add(element, depth - 1, strings));
            }
            JsonNode::Object(members) if depth > 0 => members,
            other => return self.records.push(other),
        };
        if is_page(&members, strings) {
            self.warn(&members);
            let lists = members.into_iter().filter(|(key, _)| is_page_key(key)).map(|(_, value)| value);
            lists.filter(|value| matches!(value, JsonNode::Array(_))).for_each(|list| self.add(list, depth, strings));
            return;
        }
        let node = JsonNode::Object(members);
        if is_record(&node) {
            return self.records.push(node);
        }
        if let Some(table) = Table::of(&node) {
            return self.records.extend(table.records());
        }
        let JsonNode::Object(members) = node else { return };
        let least = if names_activity(&members, strings) { Evidence::KnownShape } else { Evidence::Generic };
        let is_opened: Vec<bool> = members
            .iter()
            .map(|(_, value)| list_evidence(value, depth - 1, strings).is_some_and(|it| it >= least))
            .collect();
        if !is_opened.contains(&true) {
            return self.records.push(JsonNode::Object(members));
        }
        self.warn(&members);
        for ((_, value), _) in members.into_iter().zip(is_opened).filter(|(_, is_opened)| *is_opened) {
            self.add(value, depth - 1, strings);
        }
    }

    /// Adds the remarks on a page with these members.
    fn warn(&mut self, members: &[(String, JsonNode)]) {
        if has_next_link(members) {
            self.warnings.push(NEXT_PAGE.to_owned());
        }
        let error = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("error"));
        if let Some(quoted) = error.and_then(|(_, error)| truncated::quoted_error(error)) {
            self.warnings.push(format!("the page reports an error, so it may not be complete: {quoted}"));
        }
    }
}

/// Whether an object is a record that is not opened.
fn is_record(node: &JsonNode) -> bool {
    json_input::is_event(node) || shape(node).is_some()
}

/// Whether an object names an activity, or describes one in a sentence.
fn names_activity(members: &[(String, JsonNode)], strings: &StringParser) -> bool {
    let is_text =
        |value: &JsonNode| value.as_str().is_some_and(|text| !text.is_empty() && strings.embedded(&text).is_none());
    let has_text = |keys: &KeySet| members.iter().any(|(key, value)| keys.contains(key) && is_text(value));
    has_text(&generic::ACTIVITIES) || has_text(&TYPE) || is_timed(members) && has_text(&generic::SENTENCES)
}

/// Whether an object has a time.
fn is_timed(members: &[(String, JsonNode)]) -> bool {
    members.iter().any(|(key, _)| generic::TIMES.contains(key))
}

/// Returns the evidence that a value is a list of records, or contains one.
fn list_evidence(value: &JsonNode, depth: usize, strings: &StringParser) -> Option<Evidence> {
    if depth == 0 {
        return None;
    }
    match &*unwrapped(value, strings)? {
        JsonNode::Array(elements) => evidence_of_elements(elements, depth - 1, strings),
        node @ JsonNode::Object(members) => {
            if is_record(node) {
                return None;
            }
            if is_page(members, strings)
                && members.iter().all(|(_, value)| !matches!(value, JsonNode::Array(list) if !list.is_empty()))
            {
                return Some(Evidence::Generic);
            }
            if Table::of(node).is_some() {
                return Some(Evidence::KnownShape);
            }
            members.iter().filter_map(|(_, value)| list_evidence(value, depth - 1, strings)).max()
        }
        JsonNode::Scalar(_) => None,
    }
}

/// Returns the evidence that the first elements of a list are records, or contain records.
fn evidence_of_elements(elements: &[JsonNode], depth: usize, strings: &StringParser) -> Option<Evidence> {
    elements.iter().take(EXAMINED_ELEMENTS).filter_map(|element| record_evidence(element, depth, strings)).max()
}

/// Returns the evidence that a value is a record, or contains records.
fn record_evidence(value: &JsonNode, depth: usize, strings: &StringParser) -> Option<Evidence> {
    if depth == 0 {
        return None;
    }
    match &*unwrapped(value, strings)? {
        JsonNode::Array(elements) => evidence_of_elements(elements, depth - 1, strings),
        node @ JsonNode::Object(members) => {
            if shape(node).is_some() || Table::of(node).is_some() {
                return Some(Evidence::KnownShape);
            }
            let within = members.iter().filter_map(|(_, value)| record_evidence(value, depth - 1, strings)).max();
            within.max((json_input::is_event(node) || is_generic(members, strings)).then_some(Evidence::Generic))
        }
        JsonNode::Scalar(_) => None,
    }
}

/// Returns a container, or the container in a string.
fn unwrapped<'a>(value: &'a JsonNode, strings: &StringParser) -> Option<Cow<'a, JsonNode>> {
    match value {
        JsonNode::Scalar(_) => strings.embedded_in(value).map(Cow::Owned),
        container => Some(Cow::Borrowed(container)),
    }
}

/// Whether an object has a time and an activity.
fn is_generic(members: &[(String, JsonNode)], strings: &StringParser) -> bool {
    is_timed(members) && names_activity(members, strings)
}

fn is_page(members: &[(String, JsonNode)], strings: &StringParser) -> bool {
    let is_list = |node: &JsonNode| matches!(node, JsonNode::Array(elements) if elements.iter().all(|element| may_be_record(element, strings)));
    !members.iter().any(|(key, _)| is_record_key(key))
        && members.iter().any(|(key, value)| is_page_key(key) && is_list(value))
}

/// Whether an element of a page may be a record: an object, a list of them, or a string that contains or replaces one.
fn may_be_record(node: &JsonNode, strings: &StringParser) -> bool {
    match node {
        JsonNode::Object(_) => true,
        JsonNode::Array(elements) => {
            !elements.is_empty() && elements.iter().all(|element| may_be_record(element, strings))
        }
        JsonNode::Scalar(_) => {
            node.as_str().is_some_and(|text| strings.embedded(&text).is_some() || truncated::is_object_text(&text))
        }
    }
}

fn has_next_link(members: &[(String, JsonNode)]) -> bool {
    members.iter().any(|(key, value)| is_next_link_key(key) && value.as_str().is_some_and(|link| !link.is_empty()))
}

pub(super) fn is_page_key(key: &str) -> bool {
    PAGE_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

pub(super) fn is_record_key(key: &str) -> bool {
    RECORD_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

pub(super) fn is_next_link_key(key: &str) -> bool {
    NEXT_LINK_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// Returns a row of a table as an object.
pub(super) fn row_as_object(columns: &[String], row: JsonNode) -> Result<JsonNode, String> {
    match row {
        JsonNode::Array(cells) => as_object(columns, cells),
        _ => Err("the row is not a list".to_owned()),
    }
}

/// The members before a list in a value of which only the beginning was read.
pub(super) struct ListContext {
    /// The objects around the list, the innermost last.
    objects: Vec<JsonNode>,
    key: String,
}

impl ListContext {
    /// Parses the beginning of a value up to the opening bracket of a list, after which the scanner has this state.
    pub(super) fn parse(beginning: &[u8], scanner: &JsonScanner) -> Option<Self> {
        let beginning = std::str::from_utf8(beginning).ok()?;
        let mut node = JsonNode::parse(&(beginning.to_owned() + &scanner.closing_brackets()))?;
        let (mut objects, mut key) = (Vec::new(), String::new());
        loop {
            match node {
                JsonNode::Object(mut members) => {
                    let (name, value) = members.pop()?;
                    objects.push(JsonNode::Object(members));
                    (key, node) = (name, value);
                }
                JsonNode::Array(elements) if elements.is_empty() => return Some(Self { objects, key }),
                _ => return None,
            }
        }
    }

    /// The key of the list.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the members before the list have a link to the next page.
    pub(super) fn has_next_page(&self) -> bool {
        self.objects.iter().any(|node| matches!(node, JsonNode::Object(members) if has_next_link(members)))
    }

    /// Returns the names of the columns if the elements of the list are rows of a table.
    pub(super) fn columns(&self) -> Option<Vec<String>> {
        Table::columns(self.objects.last()?, &self.key)
    }

    /// Whether the list contains records. Calls `first` for its first element. If the members after the list may still
    /// show that the value is a record itself (`is_open_ended`), only records of known shapes count.
    pub(super) fn contains_records(&self, is_open_ended: bool, first: impl FnOnce() -> Option<JsonNode>) -> bool {
        if self.objects.iter().any(is_record) {
            return false;
        }
        if self.columns().is_some() || RESPONSE_KEYS.iter().any(|name| self.key.eq_ignore_ascii_case(name)) {
            return true;
        }
        let names_activity = |node: &JsonNode| matches!(node, JsonNode::Object(members) if names_activity(members, &StringParser::for_value(node)));
        let needs_shape = is_open_ended || self.objects.iter().any(names_activity);
        let least = if needs_shape { Evidence::KnownShape } else { Evidence::Generic };
        let evidence = |element: JsonNode| record_evidence(&element, DEPTH_MAX, &StringParser::for_value(&element));
        first().and_then(evidence).is_some_and(|evidence| evidence >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Json;

    fn string(text: &str) -> String {
        Json::string(text).text().to_owned()
    }

    /// A record as a string in a list in a string, and so on, on this number of levels.
    fn nested(levels: usize) -> JsonNode {
        let record = r#"{"action":"x","time":"2026-05-04T08:15:30Z"}"#.to_owned();
        let text = (0..levels).fold(record, |inner, _| format!("[{}]", string(&inner)));
        JsonNode::parse(&text).unwrap()
    }

    #[test]
    fn strings_are_unwrapped_to_a_depth() {
        let first = |levels: usize| records(nested(levels)).remove(0);
        assert!(matches!(first(1), JsonNode::Object(_)));
        assert!(matches!(first(DEPTH_MAX), JsonNode::Object(_)));
        assert!(matches!(first(DEPTH_MAX + 1), JsonNode::Array(_)));
    }

    #[test]
    fn bytes_of_parsed_strings_are_bounded() {
        for elements in [10, PARSED_BYTES_MIN] {
            let text = format!("[{}1]", "1,".repeat(elements));
            let strings = StringParser::for_value(&Json::string(&text).node());
            let parsed = std::iter::from_fn(|| strings.embedded(&text)).take(PARSED_BYTES_MIN).count();
            let most = (PARSED_FACTOR * (text.len() + 2)).max(PARSED_BYTES_MIN);
            assert!(parsed >= PARSED_FACTOR && parsed * text.len() <= most, "{parsed}");
            assert!(strings.embedded("no JSON").is_none());
        }
    }

    #[test]
    fn string_beyond_the_byte_limit_is_kept() {
        let strings = StringParser { bytes_left: Cell::new(0) };
        let mut found = SplitRecords::default();
        let value = JsonNode::parse(r#"{"value":["{\"action\":\"x\"}"]}"#).unwrap();
        found.add(value.clone(), DEPTH_MAX, &strings);
        assert_eq!(found.records, [value]);
    }
}
