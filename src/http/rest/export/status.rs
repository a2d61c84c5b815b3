//! Receipts of exports: what was sent and whether that was everything, to be read during the export and afterwards.
//!
//! They are kept in this process, only the newest ones, and only for the caller who made the export.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::row::ExportFormat;
use auth::Principal;

/// How many receipts are kept.
const KEPT: usize = 1_000;

/// How an export stands.
#[derive(Clone, Debug)]
enum ExportState {
    GaugeGuard,
    Complete,
    /// The client went away.
    Cancelled,
    /// It ended early: code and sentence.
    Failed(String, String),
}

#[derive(Debug)]
struct ExportStatus {
    id: String,
    /// Tenant and subject of the caller who made it.
    owner: [String; 2],
    format: ExportFormat,
    as_of: i64,
    count: u64,
    end_cursor: Option<String>,
    hash: Sha256,
    state: ExportState,
}

impl ExportStatus {
    fn to_json(&self) -> Value {
        let (state, error) = match &self.state {
            ExportState::GaugeGuard => ("RUNNING", Value::Null),
            ExportState::Complete => ("COMPLETE", Value::Null),
            ExportState::Cancelled => ("CANCELLED", Value::Null),
            ExportState::Failed(code, message) => ("FAILED", json!({ "code": code, "message": message })),
        };
        let sha256 =
            self.hash.clone().finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        json!({
            "id": self.id, "format": self.format.name(), "state": state, "error": error, "asOf": self.as_of,
            "count": self.count, "sha256": sha256, "endCursor": self.end_cursor,
        })
    }
}

/// The receipts of a process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct ExportStatuses(Arc<Mutex<VecDeque<Arc<Mutex<ExportStatus>>>>>);

fn owner(principal: &Principal) -> [String; 2] {
    [principal.tenant.clone(), principal.subject.clone()]
}

impl ExportStatuses {
    /// Begins the receipt of an export.
    pub(super) fn begin(&self, id: String, principal: &Principal, format: ExportFormat, as_of: i64) -> ExportProgress {
        let receipt = ExportStatus {
            id,
            owner: owner(principal),
            format,
            as_of,
            count: 0,
            end_cursor: None,
            hash: Sha256::new(),
            state: ExportState::GaugeGuard,
        };
        let receipt = Arc::new(Mutex::new(receipt));
        let mut kept = self.0.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&receipt));
        ExportProgress(receipt)
    }

    /// The receipt of an export that somebody made.
    pub(super) fn find(&self, id: &str, principal: &Principal) -> Option<Value> {
        let kept = self.0.lock();
        let statuses = kept.iter().map(|receipt| receipt.lock());
        statuses.into_iter().find(|receipt| receipt.id == id && receipt.owner == owner(principal)).map(|found| {
            let mut receipt = found.to_json();
            // Of what was sent before it was broken off, some may never have arrived.
            if !matches!(found.state, ExportState::Complete) {
                receipt["endCursor"] = Value::Null;
            }
            receipt
        })
    }
}

/// What an export has sent so far. Dropped before its end, it was cancelled.
pub(super) struct ExportProgress(Arc<Mutex<ExportStatus>>);

impl ExportProgress {
    fn with<T>(&self, act: impl FnOnce(&mut ExportStatus) -> T) -> T {
        act(&mut self.0.lock())
    }

    /// These rows go out; the last of them stands at a cursor.
    pub(super) fn rows(&self, bytes: &[u8], count: u64, end_cursor: Option<String>) {
        self.with(|receipt| {
            receipt.hash.update(bytes);
            receipt.count += count;
            if end_cursor.is_some() {
                receipt.end_cursor = end_cursor;
            }
        });
    }

    /// That was all.
    pub(super) fn complete(&self) {
        self.with(|receipt| receipt.state = ExportState::Complete);
    }

    /// It ends here.
    pub(super) fn fail(&self, code: String, message: String) {
        self.with(|receipt| receipt.state = ExportState::Failed(code, message));
    }

    /// The receipt in its present state.
    pub(super) fn to_json(&self) -> Value {
        self.with(|receipt| receipt.to_json())
    }
}

impl Drop for ExportProgress {
    fn drop(&mut self) {
        self.with(|receipt| {
            if matches!(receipt.state, ExportState::GaugeGuard) {
                receipt.state = ExportState::Cancelled;
            }
        });
    }
}
