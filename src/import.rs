//! Files of other systems become recorded events, with a report of what became of each record.
//!
//! Good records are recorded even if others in the file are not. If a source uses one id for several activities, each
//! activity gets its own key, so that nothing is lost; a record is a conflict only if it differs from another one with
//! the same id and activity.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use formats::{self, RecordReader};
use model::fold::{bounded_key, fold_activity};
use model::json::{Json, Node};
use model::sensitive::SensitiveNames;
use model::{EventBody, NewEvent, Problem, Timestamp};
use store::{Reader, RecordOutcome, StoreError, Writer};

/// How many events are recorded in one transaction.
const BATCH: usize = 500;
/// The most bytes of events that wait for a transaction.
const BATCH_BYTES: usize = 8 << 20;

/// How long an import waits before it tries again to record.
const RETRIES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// How an import goes about it.
#[derive(Debug)]
pub struct Importer {
    /// Where to.
    pub writer: Writer,
    /// The same log, to see what holds a key.
    pub reader: Reader,
    /// Who imports.
    pub operator: String,
    /// The tenant that records have to name, if they name one.
    pub expect_tenant: Option<String>,
    /// Which values are sensitive.
    pub rules: SensitiveNames,
    /// What the time is.
    pub clock: fn() -> Timestamp,
}

/// What became of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Recorded now.
    pub recorded: u64,
    /// Recorded earlier.
    pub duplicates: u64,
    /// Different from the event that has their key.
    pub conflicts: u64,
    /// Not to be recorded.
    pub rejected: u64,
    /// Whether the log failed before the end; nothing that is not counted above was recorded.
    pub is_cut_short: bool,
}

/// Told of every record that is rejected or in conflict, and where the log failed: the file, the line and the reason.
pub type Complain<'a> = &'a mut dyn FnMut(&Path, u64, &str);

/// Where a record stands, and what of it is unmapped if its event gets another key.
struct Place {
    file: Arc<Path>,
    line: u64,
    unmapped_if_rekeyed: Option<Json>,
}

/// Events that wait to be recorded, each with its place.
#[derive(Default)]
struct Waiting {
    events: Vec<NewEvent>,
    places: Vec<Place>,
    bytes: usize,
}

/// The log failed; the place was reported already.
struct Failed;

/// One run over some files.
struct Run<'a, 'b> {
    importer: &'a Importer,
    complain: Complain<'b>,
    waiting: Waiting,
    report: Report,
}

impl Importer {
    /// Imports files; `-` is standard input. Where the log fails the import ends.
    pub async fn import(&self, files: &[PathBuf], complain: Complain<'_>) -> Report {
        let mut run = Run { importer: self, complain, waiting: Waiting::default(), report: Report::default() };
        run.report.is_cut_short = run.read_all(files).await.is_err();
        run.report
    }

    /// The event of a record, and what of it is unmapped if it gets another key; or why there is none.
    fn event(&self, record: &Node, file: &Path) -> Result<(NewEvent, Option<Json>), String> {
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
        Ok((self.parse(body)?, recognised.unmapped_if_rekeyed))
    }

    /// Records events; if the database is locked or unreachable for a moment, it tries again, which is safe because the
    /// same event is never recorded twice.
    async fn record(&self, events: &[NewEvent]) -> Result<Vec<RecordOutcome>, StoreError> {
        for patience in RETRIES {
            match self.writer.record(events, (self.clock)()).await {
                Err(
                    StoreError::Busy(_)
                    | StoreError::SerializationFailure(_)
                    | StoreError::Unavailable(_)
                    | StoreError::OutcomeUnknown,
                ) => tokio::time::sleep(patience).await,
                decided => return decided,
            }
        }
        self.writer.record(events, (self.clock)()).await
    }

    fn parse(&self, body: EventBody) -> Result<NewEvent, String> {
        NewEvent::parse(body, (self.clock)(), &self.rules).map_err(|problems| sentence(&problems))
    }

    /// The same event under a key of its activity; its id is then unmapped.
    fn keyed_by_activity(&self, event: &NewEvent, place: &Place) -> Result<NewEvent, String> {
        let mut body = event.body().clone();
        body.event_key = bounded_key(format!("{}#{}", body.event_key, fold_activity(&body.activity)));
        if let Some(unmapped) = &place.unmapped_if_rekeyed {
            body.unmapped = Some(unmapped.clone());
        }
        self.parse(body)
    }
}

fn sentence(problems: &[Problem]) -> String {
    let parts: Vec<String> =
        problems.iter().map(|problem| format!("`{}` {}", problem.path.join("."), problem.message)).collect();
    parts.join("; ")
}

impl Run<'_, '_> {
    fn reject(&mut self, file: &Path, line: u64, reason: &str) {
        self.report.rejected += 1;
        (self.complain)(file, line, reason);
    }

    async fn read_all(&mut self, files: &[PathBuf]) -> Result<(), Failed> {
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
            self.read(file, input).await?;
        }
        self.flush().await
    }

    async fn read(&mut self, file: &Path, input: impl Read) -> Result<(), Failed> {
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
                    self.waiting.push(event, Place { file: Arc::clone(&shared), line, unmapped_if_rekeyed });
                }
            }
            if self.waiting.events.len() >= BATCH || self.waiting.bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Records what waits. What is in conflict is tried once more under a key of its activity.
    async fn flush(&mut self) -> Result<(), Failed> {
        let waiting = std::mem::take(&mut self.waiting);
        let conflicts = self.record(waiting).await?;
        let mut again = Waiting::default();
        for (event, place) in conflicts {
            if self.is_held_by_its_activity(&event, &place).await? {
                self.conflict(&event, &place);
                continue;
            }
            match self.importer.keyed_by_activity(&event, &place) {
                Ok(event) => again.push(event, place),
                Err(reason) => self.reject(&place.file, place.line, &reason),
            }
        }
        for (event, place) in self.record(again).await? {
            self.conflict(&event, &place);
        }
        Ok(())
    }

    fn conflict(&mut self, event: &NewEvent, place: &Place) {
        self.report.conflicts += 1;
        let reason = format!("another event holds the key `{}`", event.body().event_key);
        (self.complain)(&place.file, place.line, &reason);
    }

    /// Whether the event that holds a key is of the same activity, so that this one is another version of it.
    async fn is_held_by_its_activity(&mut self, event: &NewEvent, place: &Place) -> Result<bool, Failed> {
        match self.importer.reader.event(event.id()).await {
            Ok(held) => {
                Ok(held.is_some_and(|held| fold_activity(&held.body.activity) == fold_activity(&event.body().activity)))
            }
            Err(error) => Err(self.fail(place, &error)),
        }
    }

    fn fail(&mut self, place: &Place, error: &StoreError) -> Failed {
        let reason = format!("the log failed, so neither this record nor what follows was recorded: {}", chain(error));
        (self.complain)(&place.file, place.line, &reason);
        Failed
    }

    /// Records events and returns those in conflict.
    async fn record(&mut self, waiting: Waiting) -> Result<Vec<(NewEvent, Place)>, Failed> {
        let outcomes = match self.importer.record(&waiting.events).await {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(waiting.places.first().map_or(Failed, |place| self.fail(place, &error))),
        };
        let mut conflicts = Vec::new();
        for ((event, place), outcome) in waiting.events.into_iter().zip(waiting.places).zip(outcomes) {
            match outcome {
                RecordOutcome::Recorded(_) => self.report.recorded += 1,
                RecordOutcome::Duplicate => self.report.duplicates += 1,
                RecordOutcome::Conflict => conflicts.push((event, place)),
            }
        }
        Ok(conflicts)
    }
}

/// An error with its causes. What the text ends with already is not said again.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

impl Waiting {
    fn push(&mut self, event: NewEvent, place: Place) {
        self.bytes += event.json().len() + place.unmapped_if_rekeyed.as_ref().map_or(0, |json| json.text().len());
        self.events.push(event);
        self.places.push(place);
    }
}
