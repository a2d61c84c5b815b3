//! One import: reads records from files, converts them to events and records these in batches.
//!
//! Valid records are recorded even if others in the same file are rejected. If a source uses one id for several
//! activities, each activity gets an event key of its own, so that no event is lost; a record is in conflict only if it
//! differs from another record with the same id and activity. A duplicate that differs in a field that not every route
//! carries is reported, and counts as a duplicate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::input::FilePosition;
use super::log::{ImportLog, OpenLog};
use super::read::{EventBuffer, ImportPart, ImportParts};
use crate::commands::output::{error_chain, printable, report_error};
use crate::commands::progress::Progress;
use model::fold::fold_activity;
use model::json::JsonNode;
use model::sensitive::SensitiveNames;
use model::{Comparison, NewEvent, Problem, Timestamp, json_input};
use store::{RecordOutcome, StoreError};

/// Delays before each retry of a transaction.
const RETRY_DELAYS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// The rules of an import.
#[derive(Debug)]
pub(super) struct Importer {
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
    /// Lines that were skipped, at least in part, after JSON that is not valid.
    pub(super) lines_skipped: u64,
    /// Whether the import ended early because the log failed. Records not counted above were not recorded.
    pub(super) is_aborted: bool,
}

/// The position of a record.
pub(super) struct RecordOrigin {
    pub(super) file: Arc<Path>,
    pub(super) line: u64,
}

/// The import cannot continue. The failure has been reported.
struct ImportAborted;

/// The state of an import.
struct ImportRun<'a> {
    importer: &'a Arc<Importer>,
    log: ImportLog,
    counts: ImportCounts,
    progress: Progress,
}

impl Importer {
    /// Imports files in order; `-` is standard input. Ends early if the log fails. Rejected and conflicting records are
    /// reported to standard error with their position.
    pub(super) async fn import(self: &Arc<Self>, files: Vec<PathBuf>, log: ImportLog) -> ImportCounts {
        let mut run = ImportRun { importer: self, log, counts: ImportCounts::default(), progress: Progress::start() };
        run.counts.is_aborted = run.import_files(files).await.is_err();
        run.counts
    }

    /// Converts a record to an event. The error is the reason for rejecting the record.
    pub(super) fn event(&self, record: &JsonNode, file: &Path) -> Result<NewEvent, String> {
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
        let event = NewEvent::parse(body, (self.clock)(), &self.rules).map_err(|problems| sentence(&problems))?;
        let comparison = if json_input::is_event(record) { Comparison::Whole } else { Comparison::Common };
        Ok(event.with_comparison(comparison).with_unmapped_if_rekeyed(recognised.unmapped_if_rekeyed))
    }

    /// Records events. Retries while the database is locked or unreachable, which is safe because an event with the
    /// same key and content is a duplicate.
    async fn record(&self, log: &OpenLog, events: &[NewEvent]) -> Result<Vec<RecordOutcome>, StoreError> {
        for delay in RETRY_DELAYS {
            match log.writer.record(events, (self.clock)()).await {
                Err(
                    StoreError::Busy(_)
                    | StoreError::SerializationFailure(_)
                    | StoreError::Unavailable(_)
                    | StoreError::OutcomeUnknown,
                ) => tokio::time::sleep(delay).await,
                decided => return decided,
            }
        }
        log.writer.record(events, (self.clock)()).await
    }
}

fn sentence(problems: &[Problem]) -> String {
    let parts: Vec<String> =
        problems.iter().map(|problem| format!("`{}` {}", problem.path.join("."), problem.message)).collect();
    parts.join("; ")
}

impl ImportRun<'_> {
    async fn import_files(&mut self, files: Vec<PathBuf>) -> Result<(), ImportAborted> {
        let started = ImportParts::start(Arc::clone(self.importer), files);
        let mut parts = started.map_err(|error| self.end(&format!("the files cannot be read: {error}")))?;
        while let Some(part) = parts.next().await {
            self.take(part).await?;
        }
        if parts.join() { Ok(()) } else { Err(self.end("the rest of the files was not read: reading failed")) }
    }

    /// Reports what was found in a part, and records its events.
    async fn take(&mut self, part: ImportPart) -> Result<(), ImportAborted> {
        self.counts.rejected += part.rejected;
        self.counts.lines_skipped += part.lines_skipped;
        part.reports.iter().for_each(|line| self.report(line));
        self.record_all(part.events).await?;
        if let Some((file, position)) = part.progress {
            self.show_progress(&file, &position);
        }
        Ok(())
    }

    /// Records events. Retries an event in conflict once, under a key that includes its activity.
    async fn record_all(&mut self, events: EventBuffer) -> Result<(), ImportAborted> {
        let conflicts = self.record(events).await?;
        let mut rekeyed = EventBuffer::default();
        for (event, origin) in conflicts {
            if self.has_activity_of_stored_event(&event, &origin).await? {
                self.report_conflict(&event, &origin);
                continue;
            }
            match event.keyed_by_activity(&self.importer.rules) {
                Ok(event) => rekeyed.push(event, origin),
                Err(problems) => self.reject(&origin.file, origin.line, &sentence(&problems)),
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
        let stored = match self.log.open().await {
            Ok(log) => log.reader.event(event.id()).await.map_err(|error| error_chain(&error)),
            Err(error) => Err(error_chain(&*error)),
        };
        match stored {
            Ok(stored) => {
                let activity = fold_activity(&event.body().activity);
                Ok(stored.is_some_and(|stored| fold_activity(&stored.body.activity) == activity))
            }
            Err(error) => Err(self.abort(origin, &error)),
        }
    }

    /// Records events and returns those in conflict.
    async fn record(&mut self, buffer: EventBuffer) -> Result<Vec<(NewEvent, RecordOrigin)>, ImportAborted> {
        let Some(first) = buffer.origins.first() else { return Ok(Vec::new()) };
        let recorded = match self.log.open().await {
            Ok(log) => self.importer.record(log, &buffer.events).await.map_err(|error| error_chain(&error)),
            Err(error) => Err(error_chain(&*error)),
        };
        let outcomes = match recorded {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(self.abort(first, &error)),
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
                    self.report(&format!("{}:{}: {reason}", origin.file.display(), origin.line));
                }
                RecordOutcome::Conflict => conflicts.push((event, origin)),
            }
        }
        Ok(conflicts)
    }

    fn reject(&mut self, file: &Path, line: u64, reason: &str) {
        self.counts.rejected += 1;
        self.report(&format!("{}:{line}: {reason}", file.display()));
    }

    fn report_conflict(&mut self, event: &NewEvent, origin: &RecordOrigin) {
        self.counts.conflicts += 1;
        let key = &event.body().event_key;
        self.report(&format!("{}:{}: another event holds the key `{key}`", origin.file.display(), origin.line));
    }

    /// Reports that the log failed at a record.
    fn abort(&mut self, origin: &RecordOrigin, error: &str) -> ImportAborted {
        self.end(&format!(
            "{}:{}: the import ends because the log failed; neither this record nor those after it were recorded: {error}",
            origin.file.display(),
            origin.line
        ))
    }

    /// Reports why the import ends.
    fn end(&mut self, reason: &str) -> ImportAborted {
        self.report(reason);
        ImportAborted
    }

    fn report(&mut self, line: &str) {
        self.progress.clear();
        report_error(&printable(line));
    }

    fn show_progress(&mut self, file: &Path, position: &FilePosition) {
        let ImportCounts { recorded, duplicates, conflicts, rejected, .. } = self.counts;
        self.progress.update(|| {
            format!(
                "{}: {position}, recorded {recorded}, duplicates {duplicates}, conflicts {conflicts}, rejected {rejected}",
                printable(&file.display().to_string())
            )
        });
    }
}
