//! The API in GraphQL's words: types, inputs and resolvers, and nothing that decides.
//!
//! A resolver checks what was given, takes the handle that the caller's roles allow, queries the log and wraps the
//! result. No extension is installed: with any, lists take nearly twice as long, so limits, masking and logging are
//! done around `execute` (see [`check`] and [`error::sweep`]). What is not built is absent from the schema.

pub mod check;
pub mod defaults;
pub mod document;
pub mod execute;
pub mod cost;
pub mod context;
pub mod error;
pub mod query;
pub mod mutation;
pub mod subscription;
pub mod record;
pub mod event;
pub mod feed;
pub mod summary;
pub mod column;
pub mod party;
pub mod node;
pub mod activity;
pub mod viewer;
pub mod filter;
pub mod condition;
pub mod scalar;
pub mod vocabulary;
mod plan;
mod write;

pub use context::{Limits, Session};
pub use execute::Executor;
pub use mutation::Mutation;
pub use query::Query;
pub use subscription::Subscription;

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
