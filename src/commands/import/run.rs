//! One import: reads records from files, converts them to events and records these in batches.
//!
//! Valid records are recorded even if others in the same file are rejected. If a source uses one id for several
//! activities, each activity gets an event key of its own, so that no event is lost; a record is in conflict only if it
//! differs from another record with the same id and activity. A duplicate that differs in a field that not every route
//! carries is reported, and counts as a duplicate.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::commands::output::{error_chain, printable, report_error};
use formats::{self, RecordReader};
use model::fold::{bounded_key, fold_activity};
use model::json::{Json, JsonNode};
use model::sensitive::SensitiveNames;
use model::{Comparison, EventBody, NewEvent, Problem, Timestamp, json_input};
use store::{Reader, RecordOutcome, StoreError, Writer};

/// The most events in one transaction.
const BATCH_EVENTS_MAX: usize = 500;
/// The size, in bytes of event bodies, at which a batch is recorded.
const BATCH_BYTES: usize = 8 << 20;

/// Delays before each retry of a transaction.
const RETRY_DELAYS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// The target and the rules of an import.
#[derive(Debug)]
pub(super) struct Importer {
    pub(super) writer: Writer,
    /// Reads the same log, to find the event that has a key already.
    pub(super) reader: Reader,
    /// The name of the operator, recorded with every event.
    pub(super) operator: String,
    /// The only source tenant that records may name. Records that name no tenant are accepted.
    pub(super) expect_tenant: Option<String>,
    pub(super) rules: SensitiveNames,
    pub(super) clock: fn() -> Timestamp,
}

/// The number of records by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ImportCounts {
    /// Records whose event was recorded now.
    pub(super) recorded: u64,
    /// Records whose event had been recorded before.
    pub(super) duplicates: u64,
    /// Records that differ from the event that has their key.
    pub(super) conflicts: u64,
    /// Records that are not valid events, and files that cannot be read.
    pub(super) rejected: u64,
    /// Whether the import ended early because the log failed. Records not counted above were not recorded.
    pub(super) is_aborted: bool,
}

/// The position of a record, and what replaces its `unmapped` if the event gets another key.
struct RecordOrigin {
    file: Arc<Path>,
    line: u64,
    unmapped_if_rekeyed: Option<Json>,
}

/// Events to record in the next transaction, each with the origin of its record.
#[derive(Default)]
struct EventBuffer {
    events: Vec<NewEvent>,
    origins: Vec<RecordOrigin>,
    bytes: usize,
}

/// The log failed. The failure has been reported with the position of the record.
struct ImportAborted;

/// The state of an import.
struct ImportRun<'a> {
    importer: &'a Importer,
    buffer: EventBuffer,
    counts: ImportCounts,
}

impl Importer {
    /// Imports files in order; `-` is standard input. Ends early if the log fails. Rejected and conflicting records are
    /// reported to standard error with their position.
    pub(super) async fn import(&self, files: &[PathBuf]) -> ImportCounts {
        let mut run = ImportRun { importer: self, buffer: EventBuffer::default(), counts: ImportCounts::default() };
        run.counts.is_aborted = run.import_files(files).await.is_err();
        run.counts
    }

    /// Converts a record to an event. Also returns what replaces `unmapped` if the event gets another key. The error is
    /// the reason for rejecting the record.
    fn event(&self, record: &JsonNode, file: &Path) -> Result<(NewEvent, Option<Json>), String> {
        let recognised = formats::recognise(record).map_err(|refused| refused.0)?;
        let mut body = recognised.body;
        if let (Some(expected), Some(named)) = (&self.expect_tenant, &body.recording.source_tenant_id)
            && !expected.eq_ignore_ascii_case(named)
        {
            return Err(format!("the record belongs to tenant `{named}`"));
        }
        self.operator.clone_into(&mut body.recording.recorded_by);
        let name = file.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
        body.recording.source = Some(format!("{} {name}", recognised.format.name()));
        let event = self.parse(body)?;
        let comparison = if json_input::is_event(record) { Comparison::Whole } else { Comparison::Common };
        Ok((event.with_comparison(comparison), recognised.unmapped_if_rekeyed))
    }

    /// Records events. Retries while the database is locked or unreachable, which is safe because an event with the
    /// same key and content is a duplicate.
    async fn record(&self, events: &[NewEvent]) -> Result<Vec<RecordOutcome>, StoreError> {
        for delay in RETRY_DELAYS {
            match self.writer.record(events, (self.clock)()).await {
                Err(
                    StoreError::Busy(_)
                    | StoreError::SerializationFailure(_)
                    | StoreError::Unavailable(_)
                    | StoreError::OutcomeUnknown,
                ) => tokio::time::sleep(delay).await,
                decided => return decided,
            }
        }
        self.writer.record(events, (self.clock)()).await
    }

    fn parse(&self, body: EventBody) -> Result<NewEvent, String> {
        NewEvent::parse(body, (self.clock)(), &self.rules).map_err(|problems| sentence(&problems))
    }

    /// Returns the event with a key that includes its activity.
    fn keyed_by_activity(&self, event: &NewEvent, origin: &RecordOrigin) -> Result<NewEvent, String> {
        let mut body = event.body().clone();
        body.event_key = bounded_key(format!("{}#{}", body.event_key, fold_activity(&body.activity)));
        if let Some(unmapped) = &origin.unmapped_if_rekeyed {
            body.unmapped = Some(unmapped.clone());
        }
        Ok(self.parse(body)?.with_comparison(event.comparison()))
    }
}

fn sentence(problems: &[Problem]) -> String {
    let parts: Vec<String> =
        problems.iter().map(|problem| format!("`{}` {}", problem.path.join("."), problem.message)).collect();
    parts.join("; ")
}

fn report(file: &Path, line: u64, reason: &str) {
    report_error(&format!("{}:{line}: {}", file.display(), printable(reason)));
}

impl ImportRun<'_> {
    async fn import_files(&mut self, files: &[PathBuf]) -> Result<(), ImportAborted> {
        for file in files {
            let input: Box<dyn Read> = if file.as_os_str() == "-" {
                Box::new(io::stdin())
            } else {
                match File::open(file) {
                    Ok(opened) => Box::new(opened),
                    Err(error) => {
                        self.reject(file, 0, &format!("the file cannot be opened: {error}"));
                        continue;
                    }
                }
            };
            self.import_file(file, input).await?;
        }
        self.flush().await
    }

    async fn import_file(&mut self, file: &Path, input: impl Read) -> Result<(), ImportAborted> {
        let shared: Arc<Path> = file.into();
        for record in RecordReader::from_file(input) {
            let (line, record) = match record {
                Ok(record) => record,
                Err(problem) => {
                    self.reject(file, problem.line, &problem.reason);
                    continue;
                }
            };
            match self.importer.event(&record, file) {
                Err(reason) => self.reject(file, line, &reason),
                Ok((event, unmapped_if_rekeyed)) => {
                    self.buffer.push(event, RecordOrigin { file: Arc::clone(&shared), line, unmapped_if_rekeyed });
                }
            }
            if self.buffer.events.len() >= BATCH_EVENTS_MAX || self.buffer.bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Records the buffered events. Retries an event in conflict once, under a key that includes its activity.
    async fn flush(&mut self) -> Result<(), ImportAborted> {
        let buffer = std::mem::take(&mut self.buffer);
        let conflicts = self.record(buffer).await?;
        let mut rekeyed = EventBuffer::default();
        for (event, origin) in conflicts {
            if self.has_activity_of_stored_event(&event, &origin).await? {
                self.report_conflict(&event, &origin);
                continue;
            }
            match self.importer.keyed_by_activity(&event, &origin) {
                Ok(event) => rekeyed.push(event, origin),
                Err(reason) => self.reject(&origin.file, origin.line, &reason),
            }
        }
        for (event, origin) in self.record(rekeyed).await? {
            self.report_conflict(&event, &origin);
        }
        Ok(())
    }

    /// Whether the stored event with the same key has the same activity, so that the new one is another version of it.
    async fn has_activity_of_stored_event(
        &mut self,
        event: &NewEvent,
        origin: &RecordOrigin,
    ) -> Result<bool, ImportAborted> {
        match self.importer.reader.event(event.id()).await {
            Ok(stored) => {
                let activity = fold_activity(&event.body().activity);
                Ok(stored.is_some_and(|stored| fold_activity(&stored.body.activity) == activity))
            }
            Err(error) => Err(abort(origin, &error)),
        }
    }

    /// Records events and returns those in conflict.
    async fn record(&mut self, buffer: EventBuffer) -> Result<Vec<(NewEvent, RecordOrigin)>, ImportAborted> {
        let outcomes = match self.importer.record(&buffer.events).await {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(buffer.origins.first().map_or(ImportAborted, |origin| abort(origin, &error))),
        };
        let mut conflicts = Vec::new();
        for ((event, origin), outcome) in buffer.events.into_iter().zip(buffer.origins).zip(outcomes) {
            match outcome {
                RecordOutcome::Recorded(_) => self.counts.recorded += 1,
                RecordOutcome::Duplicate => self.counts.duplicates += 1,
                RecordOutcome::DifferingDuplicate(fields) => {
                    self.counts.duplicates += 1;
                    let key = &event.body().event_key;
                    let fields = fields.join("`, `");
                    let reason = format!("duplicate of the event with the key `{key}`, which differs in `{fields}`");
                    report(&origin.file, origin.line, &reason);
                }
                RecordOutcome::Conflict => conflicts.push((event, origin)),
            }
        }
        Ok(conflicts)
    }

    fn reject(&mut self, file: &Path, line: u64, reason: &str) {
        self.counts.rejected += 1;
        report(file, line, reason);
    }

    fn report_conflict(&mut self, event: &NewEvent, origin: &RecordOrigin) {
        self.counts.conflicts += 1;
        let reason = format!("another event holds the key `{}`", event.body().event_key);
        report(&origin.file, origin.line, &reason);
    }
}

/// Reports that the log failed at a record.
fn abort(origin: &RecordOrigin, error: &StoreError) -> ImportAborted {
    let reason = format!(
        "the import ends because the log failed; neither this record nor those after it were recorded: {}",
        error_chain(error)
    );
    report(&origin.file, origin.line, &reason);
    ImportAborted
}

impl EventBuffer {
    fn push(&mut self, event: NewEvent, origin: RecordOrigin) {
        self.bytes += event.json().len() + origin.unmapped_if_rekeyed.as_ref().map_or(0, |json| json.text().len());
        self.events.push(event);
        self.origins.push(origin);
    }
}
