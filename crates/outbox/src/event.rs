//! Makes the event of a row.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::table::OutboxRow;

/// Returns the event of a row as JSON text: the row's event with its key and its time, unless it has its own. The rest
/// of the text stays as it is, so numbers keep all digits.
///
/// # Errors
///
/// A sentence about the event, if it is not a JSON object.
pub fn event_of(row: &OutboxRow) -> Result<String, String> {
    let members = member_names(&row.event).map_err(|error| format!("the event is not a JSON object: {error}"))?;
    let rest = row.event.trim_start().strip_prefix('{').unwrap_or_default();
    let mut event = String::with_capacity(row.event.len() + 100);
    event.push('{');
    for (name, value) in [("eventKey", &row.event_key), ("occurredAt", &row.at)] {
        if !members.contains(name) {
            // Writing to a `String` cannot fail.
            let _ = write!(event, "\"{name}\":{},", serde_json::Value::from(value.as_str()));
        }
    }
    if members.is_empty() {
        event.pop();
    }
    event.push_str(rest);
    Ok(event)
}

/// Returns the names of an object's members.
fn member_names(json: &str) -> Result<HashSet<String>, serde_json::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = HashSet<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut names = HashSet::new();
            while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                names.insert(name);
            }
            Ok(names)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    let names = deserializer.deserialize_map(Names)?;
    deserializer.end()?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event: &str) -> Result<String, String> {
        let (event_key, at) = ("k\"1".to_owned(), "2026-01-02T03:04:05Z".to_owned());
        event_of(&OutboxRow { id: 1, event_key, at, event: event.to_owned() })
    }

    #[test]
    fn key_and_time_of_the_row_are_added() {
        for (row, expected) in [
            (r#"{"n": 1.50e400}"#, r#"{"eventKey":"k\"1","occurredAt":"2026-01-02T03:04:05Z","n": 1.50e400}"#),
            (r"{}", r#"{"eventKey":"k\"1","occurredAt":"2026-01-02T03:04:05Z"}"#),
            (r#" {"occurredAt":"x"}"#, r#"{"eventKey":"k\"1","occurredAt":"x"}"#),
            (r#"{"eventKey":"own","occurredAt":"x"}"#, r#"{"eventKey":"own","occurredAt":"x"}"#),
        ] {
            assert_eq!(event(row).unwrap(), expected);
        }
    }

    #[test]
    fn event_that_is_no_object_is_refused() {
        for row in ["[]", "1", "", "{", "{} {}", "\"{}\""] {
            assert!(event(row).unwrap_err().starts_with("the event is not a JSON object"), "{row}");
        }
    }
}
