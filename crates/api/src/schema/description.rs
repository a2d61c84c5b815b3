//! The description of the schema in introspection. The library has a constant one.

use async_graphql::Value;
use async_graphql::parser::types::{ExecutableDocument, Selection};

use crate::DESCRIPTION;

/// Whether a document selects `__schema`.
pub(crate) fn selects_schema(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    let mut pending: Vec<_> = operations.chain(fragments).collect();
    while let Some(set) = pending.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if field.node.name.node == "__schema" => return true,
                Selection::InlineFragment(fragment) => pending.push(&fragment.node.selection_set.node),
                Selection::Field(_) | Selection::FragmentSpread(_) => {}
            }
        }
    }
    false
}

/// Replaces the library's description in the objects of a response's root fields.
pub(crate) fn replace(data: &mut Value) {
    let Value::Object(roots) = data else { return };
    for root in roots.values_mut() {
        let Value::Object(members) = root else { continue };
        for value in members.values_mut().filter(|value| is_of_library(value)) {
            *value = Value::String(DESCRIPTION.to_owned());
        }
    }
}

fn is_of_library(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.starts_with("A GraphQL Schema defines the capabilities"))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::{Mutation, Query, Schema, Subscription};

    #[test]
    fn document_that_selects_the_schema_is_found() {
        let selects = |query: &str| selects_schema(&parse_query(query).unwrap());
        assert!(selects("{ a: __schema { description } }"));
        assert!(selects("{ ...F } fragment F on Query { ... { __schema { description } } }"));
        assert!(!selects("{ __type(name: \"Query\") { name } viewer { subject } }"));
    }

    #[tokio::test]
    async fn introspection_has_the_description_of_the_schema() {
        let schema = Schema::build(Query, Mutation, Subscription).finish();
        let mut response = schema.execute("{ a: __schema { b: description queryType { name } } }").await;
        replace(&mut response.data);
        let Value::Object(roots) = response.data else { panic!("no data") };
        let Value::Object(members) = &roots["a"] else { panic!("no schema") };
        assert_eq!(members["b"], Value::String(DESCRIPTION.to_owned()));
    }
}
