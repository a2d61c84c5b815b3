//! `auditgraph docs`: generates the reference pages under `docs/reference` from the code.
//!
//! Settings and commands come from the definition of the command line, metrics from the registry of a server, error
//! codes from the list of the API. A test compares the pages with the files in the repository.

mod cli;
mod configuration;
mod errors;
mod limits;
mod markdown;
mod metrics;
mod setting;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::output::print_line;
use crate::config::{DocsArgs, DocsPage};

pub(super) async fn run(args: &DocsArgs) -> anyhow::Result<ExitCode> {
    if let Some(page) = args.page {
        print_line(content(page).await?.trim_end());
    }
    if let Some(folder) = &args.write {
        write_pages(folder).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn write_pages(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for page in DocsPage::value_variants() {
        let file = folder.join(file_name(*page));
        std::fs::write(&file, content(*page).await?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn file_name(page: DocsPage) -> &'static str {
    match page {
        DocsPage::Configuration => "configuration.md",
        DocsPage::Limits => "limits.md",
        DocsPage::Cli => "cli.md",
        DocsPage::Metrics => "metrics.md",
        DocsPage::Errors => "errors.md",
    }
}

/// Returns the Markdown of a page.
async fn content(page: DocsPage) -> anyhow::Result<String> {
    Ok(match page {
        DocsPage::Configuration => configuration::page(),
        DocsPage::Limits => limits::page(),
        DocsPage::Cli => cli::page(),
        DocsPage::Metrics => metrics::page().await?,
        DocsPage::Errors => errors::page(),
    })
}
