//! Measures the import of `directoryAudit` records by stage, in this process: processor time per event.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use auditgraph::system;
use clap::Args;
use formats::RecordReader;
use model::NewEvent;
use model::sensitive::SensitiveNames;
use store::{PreparedRequest, Store, Tenant, Writer};

use crate::{directory_audits, fill, print_line, usage};

/// Options of `import`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportOptions {
    /// `sqlite://FILE` or `postgres://...` of an empty database.
    #[arg(long)]
    database_url: String,
    /// The number of records.
    #[arg(long, default_value_t = 50_000)]
    records: usize,
    /// The seed of the records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The file to write the records to; it stays. By default a file in the folder of temporary files, which is removed.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// Events in a transaction, as in the program.
const BATCH: usize = 500;

/// How far a record is processed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ImportStage {
    Read,
    Recognise,
    Validate,
    Prepare,
    Record,
}

pub(crate) async fn measure(options: &ImportOptions) -> anyhow::Result<()> {
    let temporary = std::env::temp_dir().join(format!("bench-import-{}.ndjson", std::process::id()));
    let file = options.file.as_ref().unwrap_or(&temporary);
    let mut out = BufWriter::new(File::create(file)?);
    directory_audits::write(&mut out, options.seed, options.records)?;
    out.flush()?;
    drop(out);
    let measured = report(options, file).await;
    if options.file.is_none() {
        std::fs::remove_file(file)?;
    }
    measured
}

#[expect(clippy::cast_precision_loss, reason = "averages")]
async fn report(options: &ImportOptions, file: &Path) -> anyhow::Result<()> {
    let store = Store::open(&fill::settings(&options.database_url), None).await?;
    store.migrate().await?;
    let tenant = store.add_tenant("import", "Import", &[], system::new_id()).await?;
    let target = ImportTarget { writer: access::operator_writer(&store, &tenant), tenant };
    let records = options.records as f64;
    let bytes = std::fs::metadata(file)?.len() as f64 / records;
    print_line(&format!("{} records of {bytes:.0} bytes; microseconds of processor time per event:", options.records));
    let mut before = 0.0;
    for (stage, name) in [
        (ImportStage::Read, "read and parse"),
        (ImportStage::Recognise, "recognise"),
        (ImportStage::Validate, "validate"),
        (ImportStage::Prepare, "prepare"),
        (ImportStage::Record, "record"),
    ] {
        let (started, clock) = (usage::cpu_seconds(std::process::id()), Instant::now());
        process(file, stage, &target).await?;
        let total = (usage::cpu_seconds(std::process::id()) - started) * 1e6 / records;
        let elapsed = clock.elapsed().as_secs_f64() * 1e6 / records;
        print_line(&format!("{name}: {:.1}; up to here {total:.1}, elapsed {elapsed:.1}", total - before));
        before = total;
    }
    Ok(())
}

/// The log that the events are recorded in.
struct ImportTarget {
    tenant: Tenant,
    writer: Writer,
}

/// Processes all records of a file up to a stage. Recording includes preparing.
async fn process(file: &Path, last: ImportStage, target: &ImportTarget) -> anyhow::Result<()> {
    let (now, rules) = (system::now(), SensitiveNames::default());
    let mut batch = Vec::new();
    for record in RecordReader::from_file(File::open(file)?) {
        let (_, record) = record?;
        if last < ImportStage::Recognise {
            continue;
        }
        let recognised = formats::recognise(&record)?;
        if last < ImportStage::Validate {
            continue;
        }
        let event = NewEvent::parse(recognised.body, now, &rules);
        let event = event.map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        if last < ImportStage::Prepare {
            continue;
        }
        batch.push(event);
        if batch.len() == BATCH {
            finish(&batch, last, target).await?;
            batch.clear();
        }
    }
    finish(&batch, last, target).await
}

/// Prepares or records the events of a batch.
async fn finish(batch: &[NewEvent], last: ImportStage, target: &ImportTarget) -> anyhow::Result<()> {
    match last {
        ImportStage::Record => _ = target.writer.record(batch, system::now()).await?,
        ImportStage::Prepare => drop(PreparedRequest::new(&target.tenant, &batch.iter().collect::<Vec<_>>())),
        _ => {}
    }
    Ok(())
}
