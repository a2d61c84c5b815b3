//! The status of exports: the events sent so far, and whether the export is complete. A client reads it during the export and
//! afterwards.
//!
//! The status is held in memory and shown only to the caller of the export. The status of a running export is held
//! until it ends; of those that have ended, each caller has the newest [`ENDED_PER_CALLER_MAX`]. So no caller can push
//! out the status of another one, except with very many callers, and then those of its own tenant first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::format::ExportFormat;
use crate::http::limits::CallerKey;

/// The most exports of one caller that have ended and whose status is held.
const ENDED_PER_CALLER_MAX: usize = 100;
/// The most exports of all callers whose status is held, besides running ones: about 10 MB.
const STATUSES_MAX: usize = 20_000;

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
    /// The position in the order of all exports of this process.
    number: u64,
    format: ExportFormat,
    as_of: i64,
    /// The number of events that were sent.
    count: u64,
    end_cursor: Option<String>,
    hash: Sha256,
    state: ExportState,
}

impl ExportStatus {
    fn has_ended(&self) -> bool {
        !matches!(self.state, ExportState::Running)
    }

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

/// The status of an export, shared between the export and [`ExportStatuses`].
type SharedStatus = Arc<Mutex<ExportStatus>>;

/// The status of each export of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct ExportStatuses(Arc<Mutex<StatusesByCaller>>);

/// The statuses of each caller, oldest first.
#[derive(Debug, Default)]
struct StatusesByCaller {
    callers: HashMap<CallerKey, VecDeque<SharedStatus>>,
    started: u64,
    held: usize,
}

impl ExportStatuses {
    /// Adds an export that starts.
    pub(super) fn start(&self, id: String, owner: CallerKey, format: ExportFormat, as_of: i64) -> ExportProgress {
        let mut statuses = self.0.lock();
        statuses.started += 1;
        let (end_cursor, hash, state) = (None, Sha256::new(), ExportState::Running);
        let status = ExportStatus { id, number: statuses.started, format, as_of, count: 0, end_cursor, hash, state };
        let status = Arc::new(Mutex::new(status));
        statuses.add(owner, Arc::clone(&status));
        ExportProgress(status)
    }

    /// The status of an export of this caller, or `None` if there is none with this id.
    pub(super) fn find(&self, id: &str, owner: &CallerKey) -> Option<Value> {
        let statuses = self.0.lock();
        let mut statuses = statuses.callers.get(owner)?.iter().map(|status| status.lock());
        let status = statuses.find(|status| status.id == id)?;
        let mut json = status.to_json();
        // Some of the rows that were sent before the end of an incomplete export may not have arrived.
        if !matches!(status.state, ExportState::Complete) {
            json["endCursor"] = Value::Null;
        }
        Some(json)
    }
}

impl StatusesByCaller {
    fn add(&mut self, owner: CallerKey, status: SharedStatus) {
        let of_caller = self.callers.entry(owner).or_default();
        of_caller.push_back(status);
        self.held += 1;
        let ended = of_caller.iter().filter(|status| status.lock().has_ended()).count();
        if ended > ENDED_PER_CALLER_MAX
            && let Some(oldest) = of_caller.iter().position(|status| status.lock().has_ended())
        {
            of_caller.remove(oldest);
            self.held -= 1;
        }
        if self.held > STATUSES_MAX {
            self.make_room();
        }
    }

    /// Drops the oldest ended exports of the tenant that has most: a part of them, so that this is rarely necessary.
    fn make_room(&mut self) {
        let mut ended_by_tenant: HashMap<&str, Vec<u64>> = HashMap::new();
        for (owner, statuses) in &self.callers {
            let statuses = statuses.iter().map(|status| status.lock());
            let ended = statuses.filter(|status| status.has_ended()).map(|status| status.number);
            ended_by_tenant.entry(&owner.tenant).or_default().extend(ended);
        }
        let largest = ended_by_tenant.into_iter().max_by_key(|(_, ended)| ended.len());
        let Some((tenant, mut ended)) = largest else { return };
        ended.sort_unstable();
        let Some(last) = ended.get((ended.len() / 10).min(ended.len().saturating_sub(1))).copied() else { return };
        let tenant = tenant.to_owned();
        for (_, statuses) in self.callers.iter_mut().filter(|(owner, _)| owner.tenant == tenant) {
            let before = statuses.len();
            statuses.retain(|status| {
                let status = status.lock();
                !status.has_ended() || status.number > last
            });
            self.held -= before - statuses.len();
        }
        self.callers.retain(|_, statuses| !statuses.is_empty());
    }
}

/// Updates the status of one export. Dropped while the export runs, it marks the export as cancelled.
pub(super) struct ExportProgress(SharedStatus);

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

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(tenant: &str, subject: &str) -> CallerKey {
        CallerKey::named(tenant, None, subject)
    }

    #[test]
    fn caller_has_its_newest_ended_exports_and_all_running_ones() {
        let statuses = ExportStatuses::default();
        let start = |id: &str, owner: &CallerKey| statuses.start(id.to_owned(), owner.clone(), ExportFormat::Csv, 7);
        let (ada, bob) = (caller("contoso", "ada"), caller("contoso", "bob"));
        let running = start("running", &ada);
        start("of bob", &bob).complete();
        for number in 0..ENDED_PER_CALLER_MAX + 20 {
            start(&number.to_string(), &ada).complete();
        }
        assert_eq!(statuses.find("running", &ada).unwrap()["state"], "RUNNING");
        assert_eq!(statuses.find("running", &bob), None);
        assert_eq!(statuses.find("running", &CallerKey::named("contoso", Some("other issuer"), "ada")), None);
        assert_eq!(statuses.find("of bob", &bob).unwrap()["state"], "COMPLETE");
        assert_eq!(statuses.find("18", &ada), None);
        assert!(statuses.find("20", &ada).is_some());
        drop(running);
        assert_eq!(statuses.find("running", &ada).unwrap()["state"], "CANCELLED");
    }

    #[test]
    fn tenant_with_very_many_callers_loses_its_own_oldest_statuses() {
        let statuses = ExportStatuses::default();
        let start = |id: &str, owner: CallerKey| statuses.start(id.to_owned(), owner, ExportFormat::Csv, 7);
        let (ada, eve) = (caller("contoso", "ada"), caller("fabrikam", "first"));
        start("ours", ada.clone()).complete();
        let running = start("running", eve.clone());
        for number in 0..STATUSES_MAX + 10 {
            start("x", caller("fabrikam", &number.to_string())).complete();
        }
        assert!(statuses.0.lock().held <= STATUSES_MAX);
        let held: usize = statuses.0.lock().callers.values().map(VecDeque::len).sum();
        assert_eq!(statuses.0.lock().held, held);
        assert!(statuses.find("ours", &ada).is_some() && statuses.find("running", &eve).is_some());
        assert_eq!(statuses.find("x", &caller("fabrikam", "0")), None);
        assert!(statuses.find("x", &caller("fabrikam", &(STATUSES_MAX + 9).to_string())).is_some());
        drop(running);
    }
}
