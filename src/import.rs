//! Files of other systems become recorded events, with a report of what became of each record.
//!
//! What is good is recorded even where something else in the file is not. A source that uses one id for several
//! activities gets a key per activity, so that nothing is lost; only a record that differs under a key of its own
//! activity is a conflict.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::audit::fold::fold_activity;
use crate::audit::json::Node;
use crate::audit::sensitive::SensitiveNames;
use crate::audit::{NewEvent, Problem, Timestamp};
use crate::foreign::{self, Records};
use crate::store::{Outcome, StoreError, Writer};

/// How many events are recorded in one transaction.
const BATCH: usize = 500;
/// The most bytes of events that wait for a transaction.
const BATCH_BYTES: usize = 16 << 20;

/// How an import goes about it.
#[derive(Debug)]
pub struct Importer {
    /// Where to.
    pub writer: Writer,
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
    /// Different from what holds their key.
    pub conflicts: u64,
    /// Not to be recorded.
    pub rejected: u64,
}

/// Told of every record that is rejected or in conflict: the file, the line and the reason.
pub type Complain<'a> = &'a mut dyn FnMut(&Path, u64, &str);

/// An event that waits to be recorded.
struct Waiting {
    file: PathBuf,
    line: u64,
    event: NewEvent,
}

/// One run over some files.
struct Run<'a, 'b> {
    importer: &'a Importer,
    complain: Complain<'b>,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    report: Report,
}

impl Importer {
    /// Imports files; `-` is standard input.
    pub async fn import(&self, files: &[PathBuf], complain: Complain<'_>) -> Result<Report, StoreError> {
        let mut run =
            Run { importer: self, complain, waiting: Vec::new(), waiting_bytes: 0, report: Report::default() };
        for file in files {
            let input: Box<dyn Read> = if file.as_os_str() == "-" {
                Box::new(io::stdin())
            } else {
                match File::open(file) {
                    Ok(opened) => Box::new(opened),
                    Err(error) => {
                        run.reject(file, 0, &format!("the file cannot be opened: {error}"));
                        continue;
                    }
                }
            };
            run.read(file, input).await?;
        }
        run.flush().await?;
        Ok(run.report)
    }

    /// The event of a record, or why there is none.
    fn event(&self, record: &Node, file: &Path) -> Result<NewEvent, String> {
        let recognised = foreign::recognise(record).map_err(|refused| refused.0)?;
        let mut body = recognised.body;
        if let (Some(expected), Some(named)) = (&self.expect_tenant, &body.recording.source_tenant_id)
            && !expected.eq_ignore_ascii_case(named)
        {
            return Err(format!("the record is of tenant `{named}`"));
        }
        self.operator.clone_into(&mut body.recording.recorded_by);
        let name = file.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
        body.recording.source = Some(format!("{} {name}", recognised.shape.name()));
        NewEvent::parse(body, (self.clock)(), &self.rules).map_err(|problems| sentence(&problems))
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

    async fn read(&mut self, file: &Path, input: impl Read) -> Result<(), StoreError> {
        for record in Records::new(input) {
            let (line, record) = match record {
                Ok(record) => record,
                Err(problem) => {
                    self.reject(file, problem.line, &problem.reason);
                    continue;
                }
            };
            match self.importer.event(&record, file) {
                Err(reason) => self.reject(file, line, &reason),
                Ok(event) => {
                    self.waiting_bytes += event.json().len();
                    self.waiting.push(Waiting { file: file.to_owned(), line, event });
                }
            }
            if self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Records what waits. What is in conflict is tried once more under a key of its activity.
    async fn flush(&mut self) -> Result<(), StoreError> {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let again: Vec<Waiting> = self.record(waiting).await?.into_iter().map(Waiting::keyed_by_activity).collect();
        let conflicts = self.record(again).await?;
        for conflict in conflicts {
            self.report.conflicts += 1;
            let reason = format!("another event holds the key `{}`", conflict.event.body().event_key);
            (self.complain)(&conflict.file, conflict.line, &reason);
        }
        Ok(())
    }

    /// Records events and returns those in conflict.
    async fn record(&mut self, waiting: Vec<Waiting>) -> Result<Vec<Waiting>, StoreError> {
        let events: Vec<NewEvent> = waiting.iter().map(|waiting| waiting.event.clone()).collect();
        let outcomes = self.importer.writer.record(&events, (self.importer.clock)()).await?;
        let mut conflicts = Vec::new();
        for (waiting, outcome) in waiting.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Recorded(_) => self.report.recorded += 1,
                Outcome::Duplicate => self.report.duplicates += 1,
                Outcome::Conflict => conflicts.push(waiting),
            }
        }
        Ok(conflicts)
    }
}

impl Waiting {
    fn keyed_by_activity(self) -> Self {
        let body = self.event.body();
        let key = format!("{}#{}", body.event_key, fold_activity(&body.activity));
        Self { event: self.event.with_key(crate::audit::fold::bounded_key(key)), ..self }
    }
}
