//! The GraphQL API: schema types, the request engine and the output.
//!
//! - [`schema`]: one file per GraphQL type. A resolver checks its arguments, takes the handle that the caller's roles
//!   allow, queries the log and wraps the result.
//! - [`engine`]: prepares and executes operations, the same for every transport.
//! - [`output`]: writes events and export columns.
//! - [`error`]: the closed list of error codes, and the masking of internal errors.
//!
//! No async-graphql extension is installed: with any, list execution takes nearly twice as long. Limits, masking and
//! logging are done around `execute` instead (see [`engine::check`] and [`error::sweep`]).

pub mod error;
pub mod engine;
pub mod schema;
pub mod output;

pub use engine::context::{Limits, Session};
pub use schema::mutation::Mutation;
pub use schema::query::Query;
pub use schema::subscription::Subscription;

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema definition, which `schema.graphql` contains.
pub fn sdl() -> String {
    let schema = Schema::build(Query, Mutation, Subscription).finish();
    let options = async_graphql::SDLExportOptions::new()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    schema.sdl_with_options(options)
}
