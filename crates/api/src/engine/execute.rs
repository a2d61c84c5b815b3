//! Execution of operations by the library, without its validation: [`super::validate`] has validated the document.

use async_graphql::{Request, Response, ValidationMode};
use futures_util::Stream;

use crate::schema::mutation::Mutation;
use crate::schema::query::Query;
use crate::schema::subscription::Subscription;
use crate::{Limits, Schema};

/// Executes operations that were prepared.
#[derive(Clone)]
pub(super) struct Executor(Schema);

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl Executor {
    /// Builds the schema.
    pub(super) fn new(limits: Limits) -> Self {
        let schema = Schema::build(Query, Mutation, Subscription).data(limits).disable_suggestions();
        Self(schema.validation_mode(ValidationMode::Fast).finish())
    }

    /// Executes an operation of any kind.
    pub(super) fn execute_stream(&self, request: Request) -> impl Stream<Item = Response> + Send + use<> {
        self.0.execute_stream(request)
    }

    /// Executes a query or a mutation.
    pub(super) async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }
}
