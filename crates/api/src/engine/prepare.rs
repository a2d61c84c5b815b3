//! Preparing an operation: the checks that come before execution, in one order for every transport.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Positioned, Request, Response, ServerError, Variables};
use futures_util::Stream;

use super::check::{self, DocumentLimits};
use super::context::{Limits, Session};
use super::document::{Document, DocumentCache, DocumentError};
use super::execute::Executor;
use super::operation::OperationInfo;
use super::parameters::Parameters;
use super::persisted::PersistedQueries;
use super::{flatten, inputs, variables};
use crate::error::ApiError;
use model::Invalid;

/// A document that is not in the cache and has more bytes than this is expensive to validate.
const LONG_DOCUMENT_BYTES: usize = 4 << 10;
/// An operation that costs more points than this is expensive: more than a page with all fields of its events.
const EXPENSIVE_COST: usize = 15_000;

/// Prepares and executes operations. One engine serves all transports.
#[derive(Debug)]
pub struct Engine {
    executor: Executor,
    limits: DocumentLimits,
    documents: DocumentCache,
    persisted: PersistedQueries,
}

/// Which kinds of operation a transport runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationRule {
    /// All kinds.
    Any,
    /// Queries, because a cross-site request could send anything else.
    QueriesOnly,
}

/// Why an operation is not executed.
#[derive(Debug)]
pub enum PrepareError {
    /// The transport runs queries only, and the operation is not a query.
    QueriesOnly,
    /// The document cannot be used.
    Document(DocumentError),
    /// The request is refused.
    Refused(ApiError),
}

impl PrepareError {
    /// Converts to the GraphQL errors that the client receives; at least one.
    pub fn into_server_errors(self) -> Vec<ServerError> {
        let error = match self {
            Self::QueriesOnly => ApiError::from(Invalid::new("this transport runs queries only")).into_server_error(),
            Self::Document(DocumentError::Syntax(error)) => *error,
            Self::Document(DocumentError::Invalid(errors)) => return errors,
            Self::Document(DocumentError::Refused(error)) | Self::Refused(error) => error.into_server_error(),
        };
        vec![error]
    }
}

impl From<ApiError> for PrepareError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<DocumentError> for PrepareError {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

/// An operation that passed all checks.
#[derive(Debug)]
pub struct Prepared {
    /// The names that logs and metrics report.
    pub info: Arc<OperationInfo>,
    /// Whether executing it keeps a core busy for long, so that the caller needs a permit for expensive work.
    pub is_expensive: bool,
    /// The input of [`Engine::execute`].
    pub executable: Executable,
}

impl Prepared {
    /// The kind of operation.
    pub fn kind(&self) -> OperationType {
        self.info.kind()
    }
}

/// An operation with its arguments, ready to be executed.
#[derive(Debug)]
pub struct Executable(Request);

impl Engine {
    /// Builds the schema. `limits` bound documents, variables, cost and page size.
    pub fn new(limits: DocumentLimits, persisted: PersistedQueries) -> Self {
        let executor = Executor::new(Limits { page: limits.page });
        Self { executor, limits, documents: DocumentCache::default(), persisted }
    }

    /// Whether preparing keeps a core busy for a while, whatever the outcome: the document is long and not in the cache.
    pub fn is_expensive_to_prepare(&self, parameters: &Parameters) -> bool {
        let query = parameters.query.as_deref();
        query.is_some_and(|text| text.len() > LONG_DOCUMENT_BYTES && !self.documents.contains(text))
    }

    /// Finds the document of a request and checks everything that can be checked before execution. `tenant` is the key
    /// of the caller's tenant, which owns the persisted queries.
    ///
    /// # Errors
    ///
    /// Fails if the document is unknown, malformed or too large, if the transport does not run the kind of operation,
    /// or if variables or cost exceed their limits.
    pub fn prepare(&self, parameters: Parameters, rule: OperationRule, tenant: &str) -> Result<Prepared, PrepareError> {
        let Parameters { query, document_name, operation_name, variables } = parameters;
        let name = document_name.as_ref();
        let text = self.persisted.resolve(tenant, query, name)?;
        let document = self.documents.read(&text, &self.limits)?;
        self.persisted.insert(tenant, name, &text);
        let variables = variables::from_json(variables);
        let operation = check::operation(&document, operation_name.as_deref())
            .ok_or_else(|| ApiError::NotValid(no_operation(operation_name.as_deref())))?;
        let info = OperationInfo::of(&document, operation);
        if rule == OperationRule::QueriesOnly && info.kind() != OperationType::Query {
            return Err(PrepareError::QueriesOnly);
        }
        check::variables(operation, &variables, &self.limits)?;
        let resolved = Resolved::new(&document, operation, variables)?;
        let cost = check::cost(&document, &resolved.operation, &resolved.variables, &self.limits)?;
        let executable = resolved.into_executable();
        Ok(Prepared { info: Arc::new(info), is_expensive: cost > EXPENSIVE_COST, executable })
    }

    /// Prepares an operation whose document the server wrote itself: neither the limits of documents nor the limit of
    /// cost apply, because the transport bounds its work in another way.
    ///
    /// # Errors
    ///
    /// Fails if the variables exceed their limit or do not fit their types.
    pub fn prepare_internal(
        &self,
        document: &Document,
        variables: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Executable, PrepareError> {
        let variables = variables::from_json(variables);
        let operation =
            check::operation(document, None).ok_or(ApiError::Bug("an internal document has one operation"))?;
        check::variables(operation, &variables, &self.limits)?;
        Ok(Resolved::new(document, operation, variables)?.into_executable())
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, executable: Executable, session: Arc<Session>) -> Response {
        self.executor.execute(executable.0.data(session)).await
    }

    /// Executes an operation of any kind. A query or a mutation yields one response, a subscription one for each
    /// result.
    pub fn execute_stream(
        &self,
        executable: Executable,
        session: Arc<Session>,
    ) -> impl Stream<Item = Response> + Send + use<> {
        self.executor.execute_stream(executable.0.data(session))
    }
}

/// An operation without fragments whose arguments are resolved.
struct Resolved {
    operation: OperationDefinition,
    variables: Variables,
}

impl Resolved {
    fn new(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: Variables,
    ) -> Result<Self, ApiError> {
        let variables = inputs::variables(operation, variables)?;
        let mut operation = flatten::operation(document, operation, &variables);
        let variables = inputs::resolve(&mut operation, variables)?;
        Ok(Self { operation, variables })
    }

    fn into_executable(self) -> Executable {
        // The library uses the text only if the document is not parsed yet.
        let mut request = Request::new("").variables(self.variables);
        let operations = DocumentOperations::Single(Positioned::new(self.operation, async_graphql::Pos::default()));
        request.set_parsed_query(ExecutableDocument { operations, fragments: HashMap::new() });
        Executable(request)
    }
}

/// Why a request selects no operation.
fn no_operation(name: Option<&str>) -> Invalid {
    Invalid::new(match name {
        Some(name) => {
            let name: String = name.chars().take(100).collect();
            format!("the document has no operation with the name `{name}`")
        }
        None => "the document has several operations: select one with `operationName`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::check::tests::LIMITS;

    fn prepare(parameters: Value, rule: OperationRule) -> Result<Prepared, PrepareError> {
        let Value::Object(members) = parameters else { panic!("not an object") };
        let engine = Engine::new(LIMITS, PersistedQueries::new(None, 10));
        engine.prepare(Parameters::from_members(members).map_err(PrepareError::from)?, rule, "contoso")
    }

    #[test]
    fn queries_only_refuses_mutations_and_subscriptions() {
        let mutation = "mutation { recordAuditEvents(input: { events: [] }) { recordedCount } }";
        for query in [mutation, "subscription { auditEventsRecorded { resumeCursor } }"] {
            let prepared = prepare(json!({ "query": query }), OperationRule::QueriesOnly);
            assert!(matches!(prepared, Err(PrepareError::QueriesOnly)), "{query}");
            assert!(prepare(json!({ "query": query }), OperationRule::Any).is_ok());
        }
        assert!(prepare(json!({ "query": "{ viewer { subject } }" }), OperationRule::QueriesOnly).is_ok());
    }

    #[test]
    fn operation_is_selected_by_name() {
        let query = "query A { viewer { subject } } query B { viewer { displayName } }";
        for (name, message) in [
            (json!(null), Some("the document has several operations: select one with `operationName`")),
            (json!("C"), Some("the document has no operation with the name `C`")),
            (json!("B"), None),
        ] {
            let prepared = prepare(json!({ "query": query, "operationName": name }), OperationRule::Any);
            let error = prepared.err().map(|error| error.into_server_errors().remove(0).message);
            assert_eq!(error.as_deref(), message);
        }
    }

    #[test]
    fn info_has_names_and_expensive_operations_are_marked() {
        let query = "query Named { a: auditEvents { totalCount } viewer { subject } }";
        let prepared = prepare(json!({ "query": query }), OperationRule::Any).unwrap();
        assert_eq!((prepared.info.name(), prepared.kind()), ("Named", OperationType::Query));
        let fields: Vec<_> = prepared.info.root_fields().iter().map(|it| (&*it.name, &*it.response_key)).collect();
        assert_eq!(fields, [("auditEvents", "a"), ("viewer", "viewer")]);
        assert!(prepared.is_expensive);
        assert!(!prepare(json!({ "query": "{ viewer { subject } }" }), OperationRule::Any).unwrap().is_expensive);
    }

    #[test]
    fn long_document_is_expensive_until_it_is_known_to_be_valid() {
        let engine = Engine::new(LIMITS, PersistedQueries::new(None, 10));
        let parameters = |query: &str| Parameters { query: Some(query.to_owned()), ..Parameters::default() };
        assert!(!engine.is_expensive_to_prepare(&parameters("{ viewer { subject } }")));
        let long = format!("{{ viewer {{ subject }} }}{}", " ".repeat(LONG_DOCUMENT_BYTES));
        assert!(engine.is_expensive_to_prepare(&parameters(&long)));
    }
}
