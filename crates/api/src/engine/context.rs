//! What a request carries, by typed accessors: the caller, the current time, the limits.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, QueryPathSegment};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::error::ApiError;
use crate::schema::activity::Listing;
use crate::schema::event::AuditEventConnection;
use crate::schema::scalar::Sequence;
use access::{AccessActivity, AccessError, AccessRecord, Caller};
use model::filter::Condition;
use model::page::{Page, PageLimits};
use model::{Event, EventId, Invalid, Timestamp};
use store::{EventQuery, Reader};

/// What is found out once.
type Once<T> = Arc<OnceCell<T>>;

/// How much may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many events a page may have.
    pub page: PageLimits,
}

/// One request.
#[derive(Debug)]
pub struct Session {
    /// Who calls.
    pub caller: Caller,
    /// When the request came.
    pub now: Timestamp,
    /// What it reads.
    pub visit: Arc<AccessRecord>,
    /// Pages that were read, by what was asked. The library executes a field once for each place at which it stands
    /// under one name, and puts the answers together; all of them have to be of one reading.
    pages: Mutex<Vec<(Page, EventQuery, Once<AuditEventConnection>)>>,
    /// The activity types, once somebody asked for them.
    listing: Mutex<Once<Arc<Listing>>>,
    /// How far a stream has come.
    resume: Mutex<Option<String>>,
    /// Whether the answer is read by this program, so that lists are to be values instead of written JSON.
    takes_values: bool,
    /// The newest place in each log, as it was when it was first needed. What is answered as of it agrees with each
    /// other.
    heads: Mutex<HashMap<i32, Once<i64>>>,
}

impl Session {
    /// A page of a list, if it has been read.
    pub(crate) fn page(&self, page: &Page, list: &EventQuery) -> Once<AuditEventConnection> {
        let mut pages = self.pages.lock();
        if let Some((.., known)) = pages.iter().find(|(of, from, _)| of == page && from == list) {
            return Arc::clone(known);
        }
        let unread = Once::default();
        pages.push((*page, list.clone(), Arc::clone(&unread)));
        unread
    }

    /// The activity types, if somebody asked for them.
    pub(crate) fn listing(&self) -> Once<Arc<Listing>> {
        Arc::clone(&self.listing.lock())
    }

    /// The stream has come to this cursor; what was read for an earlier batch may be old.
    pub(crate) fn advance(&self, cursor: &str) {
        *self.listing.lock() = Arc::default();
        *self.resume.lock() = Some(cursor.to_owned());
    }

    /// The cursor of the newest batch of the stream, if there was one.
    pub fn resume(&self) -> Option<String> {
        self.resume.lock().clone()
    }

    /// The place in the log to answer as of: the one that was asked for, else the newest of this request.
    pub(crate) async fn as_of(&self, reader: &Reader, asked: Option<Sequence>) -> Result<i64, ApiError> {
        let head = Arc::clone(self.heads.lock().entry(reader.log()).or_default());
        let head = head.get_or_try_init(async || Ok::<_, ApiError>(reader.feed_head().await?.sequence));
        let head = *head.await?;
        let as_of = match asked {
            None => head,
            Some(Sequence(asked)) if asked <= head => asked,
            Some(_) => return Err(Invalid::new(format!("`asOf` is beyond the log, which ends at {head}")).into()),
        };
        reader.note_as_of(as_of);
        Ok(as_of)
    }

    /// A request of a caller at a moment.
    pub fn new(caller: Caller, visit: Arc<AccessRecord>, now: Timestamp) -> Self {
        Self {
            caller,
            now,
            visit,
            pages: Mutex::default(),
            listing: Mutex::default(),
            resume: Mutex::default(),
            takes_values: false,
            heads: Mutex::default(),
        }
    }

    /// The same for a request whose answer this program reads itself.
    #[must_use]
    pub fn taking_values(self) -> Self {
        Self { takes_values: true, ..self }
    }

    /// Whether lists are to be values instead of written JSON.
    pub(crate) fn takes_values(&self) -> bool {
        self.takes_values
    }
}

/// Accessors of what the HTTP layer attached.
pub trait ContextExt {
    /// Who calls; nothing is answered to anybody unknown.
    fn session(&self) -> Result<&Arc<Session>, ApiError>;
    /// How much may be asked for.
    fn limits(&self) -> Result<&Limits, ApiError>;

    /// The log as the caller may see it.
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
        noted(self, self.session()?.caller.reader())
    }
}

/// The log that a filter means, as the caller may see it.
pub(crate) async fn reader_of(ctx: &Context<'_>, condition: &Condition) -> Result<Reader, ApiError> {
    noted(ctx, ctx.session()?.caller.reader_for(condition).await)
}

/// The events with these ids, in whichever log of the caller's they stand.
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

/// Notes what is read, or that it was refused. Below the root nobody is let in who was not let in at the root.
fn noted(ctx: &Context<'_>, reader: Result<Reader, AccessError>) -> Result<Reader, ApiError> {
    let field = ctx.field();
    let key = match ctx.path_node.as_ref() {
        Some(node) if node.parent.is_none() => match node.segment {
            QueryPathSegment::Name(key) => Some(key),
            QueryPathSegment::Index(_) => None,
        },
        _ => None,
    };
    let act = act(field.name()).or_else(|| reader.is_err().then_some(AccessActivity::Browse));
    let (Some(key), Some(act)) = (key, act) else { return Ok(reader?) };
    let arguments = || {
        let given = field.arguments().unwrap_or_default();
        given.into_iter().filter_map(|(name, value)| Some((name.to_string(), value.into_json().ok()?))).collect()
    };
    let shown = ctx.session()?.visit.begin_field(key, field.name(), act, arguments);
    let reader = reader?;
    Ok(match shown {
        Some(shown) => reader.with_disclosure_counter(&shown),
        None => reader,
    })
}

/// What asking for a root field is; none for those that show nothing of the events.
fn act(field: &str) -> Option<AccessActivity> {
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
