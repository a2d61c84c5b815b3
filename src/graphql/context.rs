//! What a request carries, by typed accessors: who calls, what the clock says, how much may be asked.

use std::sync::Arc;

use async_graphql::Context;
use tokio::sync::OnceCell;

use super::activity::Listing;
use super::error::ApiError;
use crate::access::Caller;
use crate::audit::Timestamp;
use crate::audit::page::PageLimits;
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
    /// The activity types, once somebody asked for them.
    pub(super) listing: OnceCell<Arc<Listing>>,
}

impl Session {
    /// A request of a caller at a moment.
    pub fn new(caller: Caller, now: Timestamp) -> Self {
        Self { caller, now, listing: OnceCell::new() }
    }
}

/// Accessors of what the HTTP layer attached.
pub trait ContextExt {
    /// Who calls; nothing is answered to anybody unknown.
    fn session(&self) -> Result<&Session, ApiError>;
    /// How much may be asked for.
    fn limits(&self) -> Result<&Limits, ApiError>;

    /// The log as the caller may see it.
    fn reader(&self) -> Result<Reader, ApiError> {
        Ok(self.session()?.caller.reader()?)
    }
}

impl ContextExt for Context<'_> {
    fn session(&self) -> Result<&Session, ApiError> {
        self.data_opt::<Arc<Session>>().map(AsRef::as_ref).ok_or(ApiError::Bug("a request without a session"))
    }

    fn limits(&self) -> Result<&Limits, ApiError> {
        self.data_opt::<Limits>().ok_or(ApiError::Bug("a schema without limits"))
    }
}
