//! What a request carries, by typed accessors: who calls, what the clock says, how much may be asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use tokio::sync::OnceCell;

use super::activity::Listing;
use super::error::ApiError;
use super::event::AuditEventConnection;
use super::scalar::Sequence;
use crate::access::Caller;
use crate::audit::page::PageLimits;
use crate::audit::{Invalid, Timestamp};
use crate::store::Reader;

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
    /// Pages that were read, by what was asked. The library executes a field once for each place at which it stands
    /// under one name, and puts the answers together; all of them have to be of one reading.
    pub(super) pages: Mutex<HashMap<String, Arc<OnceCell<AuditEventConnection>>>>,
    /// The activity types, once somebody asked for them.
    listing: Mutex<Arc<OnceCell<Arc<Listing>>>>,
    /// How far a stream has come.
    resume: Mutex<Option<String>>,
    /// The newest place in the log, as it was when it was first needed. What is answered as of it agrees with each other.
    head: OnceCell<i64>,
}

impl Session {
    /// The page that was asked for in these words, if it has been read.
    pub(super) fn page(&self, asked: String) -> Arc<OnceCell<AuditEventConnection>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pages.entry(asked).or_default())
    }

    /// The activity types, if somebody asked for them.
    pub(super) fn listing(&self) -> Arc<OnceCell<Arc<Listing>>> {
        Arc::clone(&self.listing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The stream has come to this cursor; what was read for an earlier batch may be old.
    pub(super) fn advance(&self, cursor: &str) {
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        *self.resume.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.to_owned());
    }

    /// The cursor of the newest batch of the stream, if there was one.
    pub fn resume(&self) -> Option<String> {
        self.resume.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The place in the log to answer as of: the one that was asked for, else the newest of this request.
    pub(super) async fn as_of(&self, reader: &Reader, asked: Option<Sequence>) -> Result<i64, ApiError> {
        let head = self.head.get_or_try_init(async || Ok::<_, ApiError>(reader.feed_head().await?.sequence));
        let head = *head.await?;
        match asked {
            None => Ok(head),
            Some(Sequence(asked)) if asked <= head => Ok(asked),
            Some(_) => Err(Invalid::new(format!("`asOf` is beyond the log, which ends at {head}")).into()),
        }
    }

    /// A request of a caller at a moment.
    pub fn new(caller: Caller, now: Timestamp) -> Self {
        Self {
            caller,
            now,
            pages: Mutex::default(),
            listing: Mutex::default(),
            resume: Mutex::default(),
            head: OnceCell::new(),
        }
    }
}

/// Accessors of what the HTTP layer attached.
pub trait ContextExt {
    /// Who calls; nothing is answered to anybody unknown.
    fn session(&self) -> Result<&Arc<Session>, ApiError>;
    /// How much may be asked for.
    fn limits(&self) -> Result<&Limits, ApiError>;

    /// The log as the caller may see it.
    fn reader(&self) -> Result<Reader, ApiError> {
        Ok(self.session()?.caller.reader()?)
    }
}

impl ContextExt for Context<'_> {
    fn session(&self) -> Result<&Arc<Session>, ApiError> {
        self.data_opt::<Arc<Session>>().ok_or(ApiError::Bug("a request without a session"))
    }

    fn limits(&self) -> Result<&Limits, ApiError> {
        self.data_opt::<Limits>().ok_or(ApiError::Bug("a schema without limits"))
    }
}
