//! `auditgraph outbox`: prints the table in which an application leaves events for `auditgraph relay`.

use std::process::ExitCode;

use super::output::print_line;
use crate::config::{OutboxAction, OutboxArgs};
use outbox::ddl::OutboxDatabase;

pub(super) fn run(config: OutboxArgs) -> ExitCode {
    let OutboxAction::Sql { sqlite, postgres: _ } = config.action;
    let database = if sqlite { OutboxDatabase::Sqlite } else { OutboxDatabase::Postgres };
    print_line(database.statements().trim_end());
    ExitCode::SUCCESS
}
