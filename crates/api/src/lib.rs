//! The API in GraphQL's words: types, inputs and resolvers, and nothing that decides.
//!
//! A resolver checks what was given, takes the handle that the caller's roles allow, queries the log and wraps the
//! result. No extension is installed: with any, lists take nearly twice as long, so limits, masking and logging are
//! done around `execute` (see [`engine::check`] and [`error::sweep`]). What is not built is absent from the schema.

pub mod error;
pub mod engine;
pub mod schema;
pub mod output;

pub use engine::context::{Limits, Session};
pub use engine::execute::Executor;
pub use schema::mutation::Mutation;
pub use schema::query::Query;
pub use schema::subscription::Subscription;

/// The schema that is served.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema as text, which is `schema.graphql`.
pub fn sdl() -> String {
    let schema = Schema::build(Query, Mutation, Subscription).finish();
    let options = async_graphql::SDLExportOptions::new()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    schema.sdl_with_options(options)
}
