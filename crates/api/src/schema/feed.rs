//! The change feed: the log in commit order, for polling.

use std::sync::Arc;

use async_graphql::SimpleObject;

use crate::schema::event::AuditEvent;
use crate::schema::scalar::Sequence;
use store::FeedPage;

/// Events in the order of recording.
#[derive(Debug, SimpleObject)]
pub struct AuditEventFeedPage {
    /// The events, oldest first.
    events: Vec<AuditEvent>,
    /// Pass this as `after` to continue. It points at `safeUpTo`, even on a page without events.
    cursor: String,
    /// This page covers everything after this point, which is the previous page's `safeUpTo`.
    scanned_from: Sequence,
    /// Everything up to and including this point has been delivered or did not match.
    safe_up_to: Sequence,
    /// Whether this page reaches the end of the log as it was when asked. If not, ask again at once.
    is_caught_up: bool,
}

impl From<FeedPage> for AuditEventFeedPage {
    fn from(page: FeedPage) -> Self {
        Self {
            events: page.events.into_iter().map(|event| AuditEvent(Arc::new(event))).collect(),
            cursor: page.safe_up_to.encode(),
            scanned_from: Sequence(page.scanned_from),
            safe_up_to: Sequence(page.safe_up_to.sequence),
            is_caught_up: page.is_caught_up,
        }
    }
}
