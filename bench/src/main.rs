//! Measuring auditgraph: filling a log with many events, putting load on a server, and running other programs for
//! comparison. `bench/README.md` explains how, and has the results.
//!
//! Nothing here is part of the product, and no number is asserted anywhere: machines are noisy. What counts are the
//! ratios between things measured in one run.

mod template;
mod fill;
mod copy;
mod shape;
mod load;
mod usage;
mod process;
mod bare;
mod pages;
mod given;
mod recording;
mod mixed;

use clap::{Parser, Subcommand};

/// The product's, so that what it is compared with has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures auditgraph next to what it is compared with.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fill an empty database with realistic events of several tenants.
    Fill(fill::Options),
    /// Serve one page by hand: the same token, the same statement, the same JSON, nothing else.
    Bare(bare::Options),
    /// Measure pages of a filled database: auditgraph, the bare handler, the bare statement.
    Pages(pages::Options),
    /// Measure pages while events are recorded, pages of large events, and an export.
    Mixed(mixed::Options),
    /// Measure recording into a filled database: batches compared with `COPY`, single events with no database.
    Record(recording::Options),
}

fn main() -> anyhow::Result<()> {
    let command = Cli::parse().command;
    if let Command::Bare(options) = &command {
        return actix_web::rt::System::new().block_on(bare::serve(options));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &command {
            Command::Fill(options) => fill::fill(options).await,
            Command::Pages(options) => pages::measure(options).await,
            Command::Mixed(options) => mixed::measure(options).await,
            Command::Record(options) => recording::measure(options).await,
            Command::Bare(_) => Ok(()),
        }
    })
}

/// A line of the report.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn say(line: &str) {
    println!("{line}");
}
