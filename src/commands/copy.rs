//! `auditgraph copy`: copies all logs into another database.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output::print_line;
use super::progress::Progress;
use crate::config::{Cli, Command, CopyArgs, DatabaseSettings};
use crate::database::{self, for_whole_log};
use crate::system::new_id;
use store::{LogIds, RowProgress};

pub(super) async fn run(config: &CopyArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(config.from != config.to, "--from and --to name the same database");
    let (from, to) = (settings(&config.from)?, settings(&config.to)?);
    database::ensure_exists(&from)?;
    let source = database::open(&for_whole_log(&from)).await?;
    source.check_schema().await.context("the database to copy")?;
    let target = database::open_or_create(&for_whole_log(&to)).await.context("the database to copy to")?;
    let log_ids = if config.keep_log_ids { LogIds::Moved } else { LogIds::New };
    let rows = RowProgress::default();
    let line = || {
        let current = rows.current();
        format!("copying the table `{}`: rows {}", current.table, current.rows)
    };
    let copied = Progress::start().during(source.copy_to(&target, log_ids, new_id, &rows), line).await;
    let copied = copied.context("nothing was copied")?;
    print_line(&format!("copied tenants {}, events {}", copied.tenants, copied.events));
    print_line(match log_ids {
        LogIds::New => "the logs of the copy have new ids: feed cursors of the source are CURSOR_EXPIRED there",
        LogIds::Moved => "feed cursors continue in the copy: the logs of the source have new ids",
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns database settings with this URL and defaults for the rest.
fn settings(url: &str) -> anyhow::Result<DatabaseSettings> {
    match Cli::parse_without_environment(&["auditgraph", "migrate", "--database-url", url])?.command {
        Command::Migrate(database) => Ok(database),
        _ => anyhow::bail!("the command line for a database URL was parsed as another command"),
    }
}
