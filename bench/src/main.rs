//! Benchmarks of auditgraph: fills a database, puts load on a server, and measures baselines. `bench/README.md`
//! explains the commands and lists the results.
//!
//! Nothing here is part of the product, and no number is asserted, because machines are noisy. Only ratios between
//! measurements of one run are meaningful.

mod template;
mod fill;
mod bytes;
mod copy;
mod shape;
mod load;
mod usage;
mod process;
mod bare;
mod pages;
mod input;
mod recording;
mod mixed;
mod directory_audits;
mod import;

use clap::{Parser, Subcommand};

/// The product's allocator, so that the baselines use the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures auditgraph next to its baselines.
#[derive(Debug, Parser)]
struct BenchCli {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Fill an empty database with realistic events of several tenants.
    Fill(fill::FillOptions),
    /// Print the bytes of an event by table and index, and in the write-ahead log of PostgreSQL.
    Bytes(bytes::BytesOptions),
    /// Serve one page with a handwritten handler: same token, same statement, same JSON, nothing else.
    Bare(bare::BareOptions),
    /// Measure pages of a filled database: auditgraph, the bare handler, the bare statement.
    Pages(pages::PagesOptions),
    /// Measure pages while events are recorded, pages of large events, and an export.
    Mixed(mixed::MixedOptions),
    /// Measure recording into a filled database: batches next to `COPY`, single events next to a handler without a
    /// database.
    Record(recording::RecordOptions),
    /// Measure an import of `directoryAudit` records into an empty database, in all and by stage.
    Import(import::ImportOptions),
}

fn main() -> anyhow::Result<()> {
    let command = BenchCli::parse().command;
    if let BenchCommand::Bare(options) = &command {
        return actix_web::rt::System::new().block_on(bare::serve(options));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &command {
            BenchCommand::Fill(options) => fill::fill(options).await,
            BenchCommand::Bytes(options) => bytes::measure(options).await,
            BenchCommand::Pages(options) => pages::measure(options).await,
            BenchCommand::Mixed(options) => mixed::measure(options).await,
            BenchCommand::Record(options) => recording::measure(options).await,
            BenchCommand::Import(options) => import::measure(options).await,
            BenchCommand::Bare(_) => Ok(()),
        }
    })
}

/// Prints a line of the report.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn print_line(line: &str) {
    println!("{line}");
}
