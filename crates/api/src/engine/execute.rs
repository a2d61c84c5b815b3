//! Execution of operations, without validating a document again that is known to be valid.
//!
//! The library validates a document each time it is executed. The result depends only on the document, as long as its
//! variables are plain: built-in scalars, with values of the right kind. So a query that was found valid once goes to a
//! schema without validation from then on; all others are validated each time. The library does not validate values in
//! which a variable is omitted, nor operations that are not run: in those cases it has not validated the whole
//! document, and the result does not apply to the next request.

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Request, Response, ValidationMode, Value, Variables};
use futures_util::Stream;

use crate::engine::check;
use crate::engine::document::Document;
use crate::schema::description;
use crate::schema::mutation::Mutation;
use crate::schema::query::Query;
use crate::schema::subscription::Subscription;
use crate::{Limits, Schema};

/// Executes operations; validates a document unless it is known to be valid.
#[derive(Clone)]
pub struct Executor {
    validating: Schema,
    pre_validated: Schema,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl Executor {
    /// Builds the schema.
    pub fn new(limits: Limits) -> Self {
        let schema = || Schema::build(Query, Mutation, Subscription).data(limits).disable_suggestions();
        Self { validating: schema().finish(), pre_validated: schema().validation_mode(ValidationMode::Fast).finish() }
    }

    /// Executes an operation of any kind, with validation.
    pub fn execute_stream(&self, request: Request) -> impl Stream<Item = Response> + Send + use<> {
        self.validating.execute_stream(request)
    }

    /// Executes a query or a mutation. `request` must have `document` as its parsed document.
    pub async fn execute(&self, request: Request, document: &Document) -> Response {
        let mut response = self.execute_document(request, document).await;
        if description::selects_schema(document) {
            description::replace(&mut response.data);
        }
        response
    }

    async fn execute_document(&self, request: Request, document: &Document) -> Response {
        let operation = check::operation(document, request.operation_name.as_deref());
        let is_plain = operation.is_some_and(|operation| is_plain(operation, &request.variables));
        if is_plain && document.is_valid() {
            return self.pre_validated.execute(request).await;
        }
        let is_whole = validates_whole(document, &request.variables);
        let response = self.validating.execute(request).await;
        // A validation error has no path in the response.
        if is_whole && response.errors.iter().all(|error| !error.path.is_empty()) {
            document.set_valid();
        }
        response
    }
}

/// Whether validation with these variables checks every part of the document.
fn validates_whole(document: &ExecutableDocument, variables: &Variables) -> bool {
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else { return false };
    let mut open: Vec<&SelectionSet> = vec![&operation.node.selection_set.node];
    open.extend(document.fragments.values().map(|fragment| &fragment.node.selection_set.node));
    while let Some(set) = open.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let given = |name: Name| variables.get(&name).cloned().ok_or(());
                    for (_, value) in &field.node.arguments {
                        // A variable alone is validated by its type. Only a variable is printed with a leading `$`.
                        let is_known = value.node.clone().into_const_with(given).is_ok();
                        if !is_known && !value.node.to_string().starts_with('$') {
                            return false;
                        }
                    }
                    open.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => open.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    true
}

/// Whether an operation is a query whose variables cannot make it invalid.
fn is_plain(operation: &OperationDefinition, variables: &Variables) -> bool {
    operation.ty == OperationType::Query
        && operation.variable_definitions.iter().all(|definition| {
            let definition = &definition.node;
            let BaseType::Named(kind) = &definition.var_type.node.base else { return false };
            match (kind.as_str(), variables.get(&definition.name.node)) {
                ("Int" | "String" | "ID" | "Boolean", None)
                | ("String" | "ID", Some(Value::String(_)))
                | ("Boolean", Some(Value::Boolean(_))) => true,
                ("Int", Some(Value::Number(number))) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn partly_validated_document_is_not_known_valid() {
        let whole = |query: &str, variables: &str| {
            let variables = Variables::from_json(serde_json::from_str(variables).unwrap());
            validates_whole(&parse_query(query).unwrap(), &variables)
        };
        let query = "query Named($a: String, $c: String) { ...F }
            fragment F on Query { viewer { x: auditEvents(after: $a, filter: { category: { eq: $c } }) { asOf } } }";
        assert!(whole(query, r#"{"c": "x"}"#), "a variable alone may be left out");
        assert!(!whole(query, r#"{"a": "x"}"#), "not so one inside a value");
        assert!(!whole("query A { viewer { subject } } query B { viewer { subject } }", "{}"));
    }

    #[test]
    fn plain_variables_have_built_in_scalar_types() {
        let plain = |query: &str, variables: serde_json::Value| {
            let document = parse_query(query).unwrap();
            is_plain(check::operation(&document, None).unwrap(), &Variables::from_json(variables))
        };
        let query = "query($n: Int!, $t: [ID!], $s: String = \"a\", $b: Boolean, $i: ID) { viewer { subject } }";
        let scalars = "query($n: Int!, $s: String = \"a\", $b: Boolean, $i: ID) { viewer { subject } }";
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(plain(scalars, json(r#"{"n": 1}"#)));
        assert!(plain(scalars, json(r#"{"n": -2147483648, "s": "x", "b": true, "i": "1", "other": [1]}"#)));
        for wrong in
            [r#"{"n": 2147483648}"#, r#"{"n": 1.0}"#, r#"{"n": "1"}"#, r#"{"n": 1, "s": null}"#, r#"{"n": 1, "i": 1}"#]
        {
            assert!(!plain(scalars, json(wrong)), "{wrong}");
        }
        assert!(!plain(query, json(r#"{"n": 1}"#)), "a list");
        assert!(!plain("query($f: AuditEventFilter) { viewer { subject } }", json("{}")));
        assert!(!plain("mutation($n: Int) { viewer { subject } }", json("{}")));
    }
}
