//! `auditgraph schema`: prints the GraphQL schema, which `schema.graphql` in the repository repeats.

use std::process::ExitCode;

use super::output::print_line;

pub(super) fn run() -> ExitCode {
    print_line(api::sdl().trim_end());
    ExitCode::SUCCESS
}
