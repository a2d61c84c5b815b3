//! What one operation reads from the log, reported to the trail when the operation is over, however it ends.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::access_log::AccessLog;
use super::access_log::{AccessActivity, CANCELLED, FORBIDDEN, OK, Question, Seen, kept};
use auth::Principal;
use model::Timestamp;
use store::{DisclosureCounter, Tenant};

/// Arguments that say which part of a list is meant, and not which list.
const PAGING: [&str; 5] = ["first", "last", "after", "before", "asOf"];

/// What one operation of a caller reads.
#[derive(Debug)]
pub struct AccessRecord {
    pub(super) trail: AccessLog,
    pub(super) principal: Arc<Principal>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) address: Option<IpAddr>,
    /// What all that it reads is part of, if it is.
    pub(super) act: Option<AccessActivity>,
    pub(super) operation: String,
    pub(super) request_id: String,
    pub(super) at: Timestamp,
    pub(super) readings: Mutex<Vec<Reading>>,
}

/// Something that is read, at one key of the answer.
#[derive(Debug)]
pub(super) struct Reading {
    key: String,
    question: Question,
    shown: DisclosureCounter,
    /// How it ended.
    code: Option<String>,
    /// Whether it was reported already, and there is only more of it.
    is_told: bool,
}

impl AccessRecord {
    /// Somebody asks for a root field: what notes how much of it is shown. None if nobody wants to know.
    pub fn begin_field(
        &self,
        key: &str,
        field: &str,
        act: AccessActivity,
        arguments: impl FnOnce() -> Map<String, Value>,
    ) -> Option<DisclosureCounter> {
        if !self.trail.is_kept() {
            return None;
        }
        let mut readings = self.readings.lock();
        // A field may stand at several places, and an export reads page after page.
        if let Some(known) = readings.iter().find(|reading| reading.key == key) {
            return Some(known.shown.clone());
        }
        let mut arguments = arguments();
        // No period means more than the default period.
        let is_said = |name: &str, value: &Value| name == "period" || !value.is_null();
        arguments.retain(|name, value| !PAGING.contains(&name.as_str()) && is_said(name, value));
        let filter = arguments.remove("filter").map(|filter| kept(filter.to_string()));
        let arguments =
            Some(arguments).filter(|rest| !rest.is_empty()).map(|rest| kept(Value::Object(rest).to_string()));
        let act = self.act.unwrap_or(act);
        let question = Question { act, operation: self.operation.clone(), field: field.to_owned(), filter, arguments };
        let shown = DisclosureCounter::default();
        let (key, code) = (key.to_owned(), None);
        readings.push(Reading { key, question, shown: shown.clone(), code, is_told: false });
        Some(shown)
    }

    /// Somebody may not do what they came for.
    pub fn record_forbidden(&self, field: &str, act: AccessActivity) {
        if self.begin_field(field, field, act, Map::new).is_some() {
            self.finish(|_| FORBIDDEN);
        }
    }

    /// The operation has ended, with these codes for the keys of its answer. What is known already stands.
    pub fn finish<'a>(&self, code: impl Fn(&str) -> &'a str) {
        for reading in self.readings.lock().iter_mut() {
            if reading.code.is_none() {
                reading.code = Some(code(&reading.key).to_owned());
            }
        }
    }

    /// A part of a stream was shown, and it goes on.
    pub fn flush_partial(&self) {
        self.finish(|_| OK);
        for reading in self.readings.lock().iter_mut() {
            self.tell(reading, self.trail.now());
        }
    }

    fn tell(&self, reading: &mut Reading, at: Timestamp) {
        let (events, as_of) = reading.shown.take();
        let seen = Seen {
            principal: Arc::clone(&self.principal),
            tenant: Arc::clone(&self.tenant),
            address: self.address,
            request_id: self.request_id.clone(),
            question: reading.question.clone(),
            code: reading.code.clone().unwrap_or_else(|| CANCELLED.to_owned()),
            at,
            requests: u64::from(!reading.is_told),
            events,
            as_of,
        };
        reading.is_told = true;
        self.trail.note(seen);
    }
}

impl Drop for AccessRecord {
    fn drop(&mut self) {
        let mut readings = std::mem::take(&mut *self.readings.lock());
        for reading in readings.iter_mut().filter(|reading| !reading.is_told) {
            self.tell(reading, self.at);
        }
    }
}
