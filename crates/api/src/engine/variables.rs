//! Conversion of variables from JSON to GraphQL values.
//!
//! Numbers keep the digits that the client wrote, and members their order: variables may contain JSON that is recorded,
//! and parsing its numbers would change it.

use async_graphql::{Name, Value, Variables};
use serde_json::Value as Json;

/// Converts the `variables` of a request.
pub(super) fn from_json(members: serde_json::Map<String, Json>) -> Variables {
    let mut variables = Variables::default();
    variables.extend(members.into_iter().map(|(name, json)| (Name::new(name), value(json))));
    variables
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => Value::Number(number),
        Json::String(string) => Value::String(string),
        Json::Array(elements) => Value::List(elements.into_iter().map(value).collect()),
        Json::Object(members) => {
            Value::Object(members.into_iter().map(|(name, json)| (Name::new(name), value(json))).collect())
        }
    }
}
