//! The access record of one operation: collects what the operation reads, field by field, and reports it to the access
//! log when the operation ends, for whatever reason.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::access_log::{Access, AccessActivity, AccessLog, AccessedField, CANCELLED, FORBIDDEN, OK, truncated};
use auth::Principal;
use model::Timestamp;
use store::{DisclosureCounter, Tenant};

/// Arguments that select a page of a list. The access log omits them.
const PAGING: [&str; 5] = ["first", "last", "after", "before", "asOf"];

/// The events that one operation of a caller reads, by root field. Dropping it reports the fields that were not reported yet.
#[derive(Debug)]
pub struct AccessRecord {
    pub(super) access_log: AccessLog,
    pub(super) principal: Arc<Principal>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) client_address: Option<IpAddr>,
    /// Overrides the activity of all fields.
    pub(super) activity: Option<AccessActivity>,
    pub(super) operation: String,
    pub(super) request_id: String,
    pub(super) at: Timestamp,
    pub(super) fields: Mutex<Vec<FieldAccess>>,
}

/// The access to one root field, identified by its key in the response.
#[derive(Debug)]
pub(super) struct FieldAccess {
    key: String,
    field: AccessedField,
    disclosed: DisclosureCounter,
    /// The outcome, once it is known.
    code: Option<String>,
    /// Whether the request was reported already, so that further reports only add events.
    is_reported: bool,
}

impl AccessRecord {
    /// Starts tracking a root field. Returns the counter of events shown, or `None` if access logging is off.
    pub fn begin_field(
        &self,
        key: &str,
        field: &str,
        activity: AccessActivity,
        arguments: impl FnOnce() -> Map<String, Value>,
    ) -> Option<DisclosureCounter> {
        if !self.access_log.is_enabled() {
            return None;
        }
        let mut fields = self.fields.lock();
        // A key can be selected several times, and an export reads one page after the other.
        if let Some(tracked) = fields.iter().find(|tracked| tracked.key == key) {
            return Some(tracked.disclosed.clone());
        }
        let mut arguments = arguments();
        arguments.retain(|name, value| !PAGING.contains(&name.as_str()) && !value.is_null());
        let filter = arguments.remove("filter").map(|filter| truncated(filter.to_string()));
        let arguments =
            Some(arguments).filter(|rest| !rest.is_empty()).map(|rest| truncated(Value::Object(rest).to_string()));
        let field = AccessedField {
            activity: self.activity.unwrap_or(activity),
            operation: self.operation.clone(),
            name: field.to_owned(),
            filter,
            arguments,
        };
        let disclosed = DisclosureCounter::default();
        let access =
            FieldAccess { key: key.to_owned(), field, disclosed: disclosed.clone(), code: None, is_reported: false };
        fields.push(access);
        Some(disclosed)
    }

    /// The id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Records that the caller was refused a field or route.
    pub fn record_forbidden(&self, field: &str, activity: AccessActivity) {
        if self.begin_field(field, field, activity, Map::new).is_some() {
            self.finish(|_| FORBIDDEN);
        }
    }

    /// Sets the outcome of all fields that have none yet. `code` maps a key of the response to its outcome.
    pub fn finish<'a>(&self, code: impl Fn(&str) -> &'a str) {
        for field in self.fields.lock().iter_mut() {
            if field.code.is_none() {
                field.code = Some(code(&field.key).to_owned());
            }
        }
    }

    /// Reports the events that a stream has shown since the last report; the stream continues.
    pub fn flush_partial(&self) {
        self.finish(|_| OK);
        for field in self.fields.lock().iter_mut() {
            self.report(field, self.access_log.now());
        }
    }

    fn report(&self, field: &mut FieldAccess, at: Timestamp) {
        let (events, as_of) = field.disclosed.take();
        let access = Access {
            principal: Arc::clone(&self.principal),
            tenant: Arc::clone(&self.tenant),
            client_address: self.client_address,
            request_id: self.request_id.clone(),
            field: field.field.clone(),
            code: field.code.clone().unwrap_or_else(|| CANCELLED.to_owned()),
            at,
            requests: u64::from(!field.is_reported),
            events,
            as_of,
        };
        field.is_reported = true;
        self.access_log.add(access);
    }
}

impl Drop for AccessRecord {
    fn drop(&mut self) {
        let mut fields = std::mem::take(&mut *self.fields.lock());
        for field in fields.iter_mut().filter(|field| !field.is_reported) {
            self.report(field, self.at);
        }
    }
}
