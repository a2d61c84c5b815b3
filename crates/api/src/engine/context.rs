//! The state of an operation, and typed accessors to it for resolvers: the caller, the current time, the limits, and the
//! pages and lists that the operation has read already.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, QueryPathSegment};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::error::ApiError;
use crate::schema::activity::ActivityTypeList;
use crate::schema::event::AuditEventConnection;
use crate::schema::scalar::Sequence;
use access::{AccessActivity, AccessError, AccessRecord, Caller};
use model::filter::Condition;
use model::page::{Page, PageLimits};
use model::{Event, EventId, Invalid, Timestamp};
use store::{EventQuery, Reader};

/// A value that is computed once per request.
type Once<T> = Arc<OnceCell<T>>;

/// Limits that resolvers apply.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The default and the largest page size.
    pub page: PageLimits,
}

/// The state of one operation.
#[derive(Debug)]
pub struct Session {
    /// The caller.
    pub caller: Caller,
    /// The time of the request.
    pub now: Timestamp,
    /// The record of what the operation reads, for the access log.
    pub access_record: Arc<AccessRecord>,
    /// The pages that were read, by their arguments. A list that is selected under several aliases is read once.
    pages: Mutex<Vec<(Page, EventQuery, Once<AuditEventConnection>)>>,
    /// The activity types, once a resolver has read them.
    activity_types: Mutex<Once<Arc<ActivityTypeList>>>,
    /// The cursor of the newest batch of a stream.
    resume: Mutex<Option<String>>,
    /// Whether the server itself reads the response, so that lists are values instead of encoded JSON.
    takes_values: bool,
    /// The newest position in each log, as it was at the first read. Results as of this position are consistent with each
    /// other.
    heads: Mutex<HashMap<i32, Once<i64>>>,
}

impl Session {
    /// The page of a list with these arguments, once a resolver has read it.
    pub(crate) fn page(&self, page: &Page, list: &EventQuery) -> Once<AuditEventConnection> {
        let mut pages = self.pages.lock();
        if let Some((.., connection)) =
            pages.iter().find(|(read_page, read_list, _)| read_page == page && read_list == list)
        {
            return Arc::clone(connection);
        }
        let unread = Once::default();
        pages.push((*page, list.clone(), Arc::clone(&unread)));
        unread
    }

    /// The activity types, once a resolver has read them.
    pub(crate) fn activity_types(&self) -> Once<Arc<ActivityTypeList>> {
        Arc::clone(&self.activity_types.lock())
    }

    /// Records that the stream has reached a cursor. What was read for an earlier batch may be outdated.
    pub(crate) fn advance(&self, cursor: &str) {
        *self.activity_types.lock() = Arc::default();
        *self.resume.lock() = Some(cursor.to_owned());
    }

    /// The cursor of the newest batch of the stream, or `None` before the first.
    pub fn resume(&self) -> Option<String> {
        self.resume.lock().clone()
    }

    /// The position in the log as of which to respond: the requested one, else the newest at the first read.
    ///
    /// # Errors
    ///
    /// Fails if the requested position is beyond the end of the log.
    pub(crate) async fn as_of(&self, reader: &Reader, requested: Option<Sequence>) -> Result<i64, ApiError> {
        let head = Arc::clone(self.heads.lock().entry(reader.log()).or_default());
        let head = head.get_or_try_init(async || Ok::<_, ApiError>(reader.feed_head().await?.sequence));
        let head = *head.await?;
        let as_of = match requested {
            None => head,
            Some(Sequence(requested)) if requested <= head => requested,
            Some(_) => return Err(Invalid::new(format!("`asOf` is beyond the log, which ends at {head}")).into()),
        };
        reader.note_as_of(as_of);
        Ok(as_of)
    }

    /// The state of an operation of `caller` that arrived at `now`.
    pub fn new(caller: Caller, access_record: Arc<AccessRecord>, now: Timestamp) -> Self {
        Self {
            caller,
            now,
            access_record,
            pages: Mutex::default(),
            activity_types: Mutex::default(),
            resume: Mutex::default(),
            takes_values: false,
            heads: Mutex::default(),
        }
    }

    /// The same for an operation whose response the server itself reads.
    #[must_use]
    pub fn taking_values(self) -> Self {
        Self { takes_values: true, ..self }
    }

    /// Whether lists are values instead of encoded JSON.
    pub(crate) fn takes_values(&self) -> bool {
        self.takes_values
    }
}

/// Accessors of the data that [`super::Engine`] attaches to an operation.
pub trait ContextExt {
    /// The state of the operation.
    ///
    /// # Errors
    ///
    /// Fails if the engine attached none, which is a bug.
    fn session(&self) -> Result<&Arc<Session>, ApiError>;
    /// The limits.
    ///
    /// # Errors
    ///
    /// Fails if the schema has none, which is a bug.
    fn limits(&self) -> Result<&Limits, ApiError>;

    /// A reader of the tenant's events, within the scope of the caller. A root field is added to the access record.
    ///
    /// # Errors
    ///
    /// Fails if the caller may not read.
    fn reader(&self) -> Result<Reader, ApiError>;
}

impl ContextExt for Context<'_> {
    fn session(&self) -> Result<&Arc<Session>, ApiError> {
        self.data_opt::<Arc<Session>>().ok_or(ApiError::Bug("a request without a session"))
    }

    fn limits(&self) -> Result<&Limits, ApiError> {
        self.data_opt::<Limits>().ok_or(ApiError::Bug("a schema without limits"))
    }

    fn reader(&self) -> Result<Reader, ApiError> {
        with_access_record(self, self.session()?.caller.reader())
    }
}

/// A reader of the log that a filter refers to, within the scope of the caller.
pub(crate) async fn reader_for(ctx: &Context<'_>, condition: &Condition) -> Result<Reader, ApiError> {
    with_access_record(ctx, ctx.session()?.caller.reader_for(condition).await)
}

/// The events with these ids, from the log of events or the access log.
pub(crate) async fn events_by_id(ctx: &Context<'_>, ids: &[EventId]) -> Result<Vec<Option<Event>>, ApiError> {
    let reader = ctx.reader()?;
    let mut found = reader.events_by_id(ids).await?;
    if found.iter().any(Option::is_none)
        && let Some(accesses) = ctx.session()?.caller.access_log_reader().await?
    {
        let others = accesses.with_disclosure_counter(reader.shown()).events_by_id(ids).await?;
        found.iter_mut().zip(others).for_each(|(event, other)| *event = event.take().or(other));
    }
    Ok(found)
}

/// Records the read of a root field, or its refusal, in the access log. Nested fields inherit the authorization of their
/// root field.
fn with_access_record(ctx: &Context<'_>, reader: Result<Reader, AccessError>) -> Result<Reader, ApiError> {
    let field = ctx.field();
    let key = match ctx.path_node.as_ref() {
        Some(node) if node.parent.is_none() => match node.segment {
            QueryPathSegment::Name(key) => Some(key),
            QueryPathSegment::Index(_) => None,
        },
        _ => None,
    };
    let activity = activity_of(field.name()).or_else(|| reader.is_err().then_some(AccessActivity::Browse));
    let (Some(key), Some(activity)) = (key, activity) else { return Ok(reader?) };
    let arguments = || {
        let given = field.arguments().unwrap_or_default();
        given.into_iter().filter_map(|(name, value)| Some((name.to_string(), value.into_json().ok()?))).collect()
    };
    let shown = ctx.session()?.access_record.begin_field(key, field.name(), activity, arguments);
    let reader = reader?;
    Ok(match shown {
        Some(shown) => reader.with_disclosure_counter(&shown),
        None => reader,
    })
}

/// The activity under which the access log records a root field, or `None` if the field shows no events.
fn activity_of(field: &str) -> Option<AccessActivity> {
    Some(match field {
        "auditEvents" => AccessActivity::Query,
        "auditEvent" | "auditEventByKey" | "node" | "nodes" => AccessActivity::Read,
        "auditEventSummary" => AccessActivity::Summarize,
        "auditActors" => AccessActivity::SearchActors,
        "auditEventFeed" => AccessActivity::Poll,
        "auditEventsRecorded" => AccessActivity::Follow,
        _ => return None,
    })
}
