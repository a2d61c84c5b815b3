//! Variables as they were sent: every number as it was written, and members in their order. They may contain JSON that
//! is recorded, and parsing its numbers would change it.

use async_graphql::{Name, Value, Variables};
use serde_json::Value as Given;

/// The variables that a request gives.
pub(in crate::http) fn of(given: serde_json::Map<String, Given>) -> Variables {
    let mut variables = Variables::default();
    variables.extend(given.into_iter().map(|(name, given)| (Name::new(name), value(given))));
    variables
}

fn value(given: Given) -> Value {
    match given {
        Given::Null => Value::Null,
        Given::Bool(flag) => Value::Boolean(flag),
        Given::Number(number) => Value::Number(number),
        Given::String(text) => Value::String(text),
        Given::Array(elements) => Value::List(elements.into_iter().map(value).collect()),
        Given::Object(members) => {
            Value::Object(members.into_iter().map(|(name, given)| (Name::new(name), value(given))).collect())
        }
    }
}
