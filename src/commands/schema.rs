//! `auditgraph schema`: prints the GraphQL schema, which `schema.graphql` in the repository repeats.

use std::process::ExitCode;

use super::output::print_line;

pub(super) fn run() -> ExitCode {
    print_line(api::schema_definition().trim_end());
    ExitCode::SUCCESS
}
