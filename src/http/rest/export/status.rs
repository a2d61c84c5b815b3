//! The status of exports: the events sent so far, and whether the export is complete. A client reads it during the export and
//! afterwards.
//!
//! The status is held in memory, for the newest [`STATUSES_MAX`] exports, and shown only to the caller of the export.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::format::ExportFormat;
use crate::http::limits::CallerKey;

/// The most exports whose status is held.
const STATUSES_MAX: usize = 1_000;

/// The state of an export.
#[derive(Clone, Debug)]
enum ExportState {
    Running,
    Complete,
    /// The client disconnected.
    Cancelled,
    /// The export ended early, with this code and message.
    Failed(String, String),
}

#[derive(Debug)]
struct ExportStatus {
    id: String,
    owner: CallerKey,
    format: ExportFormat,
    as_of: i64,
    /// The number of events that were sent.
    count: u64,
    end_cursor: Option<String>,
    hash: Sha256,
    state: ExportState,
}

impl ExportStatus {
    fn to_json(&self) -> Value {
        let (state, error) = match &self.state {
            ExportState::Running => ("RUNNING", Value::Null),
            ExportState::Complete => ("COMPLETE", Value::Null),
            ExportState::Cancelled => ("CANCELLED", Value::Null),
            ExportState::Failed(code, message) => ("FAILED", json!({ "code": code, "message": message })),
        };
        json!({
            "id": self.id, "format": self.format.name(), "state": state, "error": error, "asOf": self.as_of,
            "count": self.count, "sha256": hex::encode(self.hash.clone().finalize()), "endCursor": self.end_cursor,
        })
    }
}

/// The status of each export of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct ExportStatuses(Arc<Mutex<VecDeque<Arc<Mutex<ExportStatus>>>>>);

impl ExportStatuses {
    /// Adds an export that starts.
    pub(super) fn start(&self, id: String, owner: CallerKey, format: ExportFormat, as_of: i64) -> ExportProgress {
        let (end_cursor, hash, state) = (None, Sha256::new(), ExportState::Running);
        let status = ExportStatus { id, owner, format, as_of, count: 0, end_cursor, hash, state };
        let status = Arc::new(Mutex::new(status));
        let mut statuses = self.0.lock();
        if statuses.len() == STATUSES_MAX {
            statuses.pop_front();
        }
        statuses.push_back(Arc::clone(&status));
        ExportProgress(status)
    }

    /// The status of an export of this caller, or `None` if there is none with this id.
    pub(super) fn find(&self, id: &str, owner: &CallerKey) -> Option<Value> {
        let statuses = self.0.lock();
        let mut statuses = statuses.iter().map(|status| status.lock());
        let status = statuses.find(|status| status.id == id && status.owner == *owner)?;
        let mut json = status.to_json();
        // Some of the rows that were sent before the end of an incomplete export may not have arrived.
        if !matches!(status.state, ExportState::Complete) {
            json["endCursor"] = Value::Null;
        }
        Some(json)
    }
}

/// Updates the status of one export. Dropped while the export runs, it marks the export as cancelled.
pub(super) struct ExportProgress(Arc<Mutex<ExportStatus>>);

impl ExportProgress {
    /// Adds rows; `end_cursor` is the cursor of the last one.
    pub(super) fn add_rows(&self, bytes: &[u8], count: u64, end_cursor: Option<String>) {
        let mut status = self.0.lock();
        status.hash.update(bytes);
        status.count += count;
        if end_cursor.is_some() {
            status.end_cursor = end_cursor;
        }
    }

    /// Marks the export as complete.
    pub(super) fn complete(&self) {
        self.0.lock().state = ExportState::Complete;
    }

    /// Marks the export as failed.
    pub(super) fn fail(&self, code: String, message: String) {
        self.0.lock().state = ExportState::Failed(code, message);
    }

    /// The current status.
    pub(super) fn to_json(&self) -> Value {
        self.0.lock().to_json()
    }
}

impl Drop for ExportProgress {
    fn drop(&mut self) {
        let mut status = self.0.lock();
        if matches!(status.state, ExportState::Running) {
            status.state = ExportState::Cancelled;
        }
    }
}
