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
pub use engine::execute::Executor;
pub use schema::mutation::Mutation;
pub use schema::query::Query;
pub use schema::subscription::Subscription;

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The description of the schema.
pub(crate) const DESCRIPTION: &str = "\
The audit log of a tenant: recorded events with their actors, targets and changes, counts of them, and the catalogue of
activities. Null is as omitted in every argument and input field, except below `not` and `or`, where it is an error.";

/// The definitions of the schema.
pub fn sdl() -> String {
    let schema = Schema::build(Query, Mutation, Subscription).finish();
    let options = async_graphql::SDLExportOptions::new()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    schema.sdl_with_options(options)
}

/// The schema definition with the description of the schema, which `schema.graphql` contains. The library's parser does
/// not read the latter.
pub fn schema_definition() -> String {
    sdl().replace("\nschema {", &format!("\n\"\"\"\n{DESCRIPTION}\n\"\"\"\nschema {{"))
}
