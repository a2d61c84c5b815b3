//! Reads the files of an import in a thread of its own, so that the next records are read and converted while others are
//! recorded.
//!
//! The thread sends what it reads in parts, in order. It is at most two parts ahead of the recording: one that waits and
//! one that it is filling.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::input::{FilePosition, InputFile};
use super::run::{Importer, RecordOrigin};
use formats::{ReadWarning, RecordReader};
use model::NewEvent;

/// The most events in one transaction.
const BATCH_EVENTS_MAX: usize = 500;
/// The size, in bytes of event bodies, at which a batch is recorded.
const BATCH_BYTES: usize = 8 << 20;
/// The number of reports at which a part is sent, whatever else it contains.
const REPORTS_MAX: usize = 500;

/// Events to record in one transaction, each with the origin of its record.
#[derive(Default)]
pub(super) struct EventBuffer {
    pub(super) events: Vec<NewEvent>,
    pub(super) origins: Vec<RecordOrigin>,
    bytes: usize,
}

/// A part of an import: what was reported while it was read, and then events to record.
#[derive(Default)]
pub(super) struct ImportPart {
    /// Rejected records, files that cannot be opened, and warnings.
    pub(super) reports: Vec<String>,
    /// Records that are not valid events, and files that cannot be read.
    pub(super) rejected: u64,
    /// Lines that were skipped, at least in part, after JSON that is not valid.
    pub(super) lines_skipped: u64,
    pub(super) events: EventBuffer,
    /// The file that was being read at the end of the part, with the position in it.
    pub(super) progress: Option<(Arc<Path>, FilePosition)>,
}

/// The parts of an import, in order.
pub(super) struct ImportParts {
    receiver: Receiver<ImportPart>,
    thread: JoinHandle<()>,
}

/// The import has ended early.
struct ReadingStopped;

/// The state of the thread that reads.
struct PartReader {
    importer: Arc<Importer>,
    part: ImportPart,
    sender: Sender<ImportPart>,
}

impl ImportParts {
    /// Starts to read files in order; `-` is standard input. The thread ends when the parts are dropped, unless it waits
    /// for its input.
    pub(super) fn start(importer: Arc<Importer>, files: Vec<PathBuf>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        let mut reader = PartReader { importer, part: ImportPart::default(), sender };
        // The error means that nothing waits for the parts any more.
        let read = move || reader.read_files(&files).unwrap_or(());
        let thread = thread::Builder::new().name("import".to_owned()).spawn(read)?;
        Ok(Self { receiver, thread })
    }

    /// Returns the next part, or `None` if there is no other.
    pub(super) async fn next(&mut self) -> Option<ImportPart> {
        self.receiver.recv().await
    }

    /// Waits for the end of the thread, which has sent its last part. Returns whether it read all files.
    pub(super) fn join(self) -> bool {
        self.thread.join().is_ok()
    }
}

impl PartReader {
    fn read_files(&mut self, files: &[PathBuf]) -> Result<(), ReadingStopped> {
        for file in files {
            match InputFile::open(file) {
                Ok(input) => self.read_file(file, input)?,
                Err(error) => {
                    self.part.rejected += 1;
                    self.report(format!("{}: the file cannot be opened: {error}", file.display()))?;
                }
            }
        }
        self.send()
    }

    fn read_file(&mut self, file: &Path, input: InputFile) -> Result<(), ReadingStopped> {
        let shared: Arc<Path> = file.into();
        self.part.progress = Some((Arc::clone(&shared), input.position()));
        let mut warned = BTreeSet::new();
        let mut records = RecordReader::from_file(input);
        while let Some(record) = records.next() {
            self.warn(file, records.take_warnings(), &mut warned)?;
            match record {
                Err(problem) => {
                    self.part.lines_skipped += problem.lines_skipped;
                    self.reject(file, problem.line, &problem.reason)?;
                }
                Ok((line, record)) => match self.importer.event(&record, file) {
                    Err(reason) => self.reject(file, line, &reason)?,
                    Ok(event) => self.part.events.push(event, RecordOrigin { file: Arc::clone(&shared), line }),
                },
            }
            if self.part.events.is_full() {
                self.send()?;
            }
        }
        self.warn(file, records.take_warnings(), &mut warned)
    }

    /// Reports the warnings of a file, each kind once.
    fn warn(
        &mut self,
        file: &Path,
        warnings: Vec<ReadWarning>,
        warned: &mut BTreeSet<String>,
    ) -> Result<(), ReadingStopped> {
        for warning in warnings {
            if warned.insert(warning.text.clone()) {
                self.report(format!("{}:{}: warning: {}", file.display(), warning.line, warning.text))?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, file: &Path, line: u64, reason: &str) -> Result<(), ReadingStopped> {
        self.part.rejected += 1;
        self.report(format!("{}:{line}: {reason}", file.display()))
    }

    /// Adds a report. It is shown at once unless earlier parts are still being recorded.
    fn report(&mut self, line: String) -> Result<(), ReadingStopped> {
        self.part.reports.push(line);
        if self.part.reports.len() >= REPORTS_MAX {
            return self.send();
        }
        let next = self.next_part();
        let events = std::mem::take(&mut self.part.events);
        match self.sender.try_send(std::mem::replace(&mut self.part, next)) {
            Ok(()) => {}
            Err(TrySendError::Full(part)) => self.part = part,
            Err(TrySendError::Closed(_)) => return Err(ReadingStopped),
        }
        self.part.events = events;
        Ok(())
    }

    /// Sends what was read, after the earlier parts have been taken.
    fn send(&mut self) -> Result<(), ReadingStopped> {
        let next = self.next_part();
        self.sender.blocking_send(std::mem::replace(&mut self.part, next)).map_err(|_closed| ReadingStopped)
    }

    /// Returns an empty part at the current position.
    fn next_part(&self) -> ImportPart {
        ImportPart { progress: self.part.progress.clone(), ..ImportPart::default() }
    }
}

impl EventBuffer {
    /// Adds an event.
    pub(super) fn push(&mut self, event: NewEvent, origin: RecordOrigin) {
        self.bytes += event.json().len();
        self.events.push(event);
        self.origins.push(origin);
    }

    /// Whether the events are to be recorded before others are added.
    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS_MAX || self.bytes >= BATCH_BYTES
    }
}
