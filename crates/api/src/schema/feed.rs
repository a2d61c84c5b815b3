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
    nodes: Vec<AuditEvent>,
    /// Pass this as `after` to continue. It points at `safeUpTo`, even on a page without events.
    cursor: String,
    /// The position after which this page starts, which is the previous page's `safeUpTo`.
    scanned_from: Sequence,
    /// The position up to which, inclusive, every event has been delivered or did not match.
    safe_up_to: Sequence,
    /// Whether this page reaches the end of the log. If not, request the next page immediately.
    is_caught_up: bool,
}

impl From<FeedPage> for AuditEventFeedPage {
    fn from(page: FeedPage) -> Self {
        Self {
            nodes: page.events.into_iter().map(|event| AuditEvent(Arc::new(event))).collect(),
            cursor: page.safe_up_to.encode(),
            scanned_from: Sequence(page.scanned_from),
            safe_up_to: Sequence(page.safe_up_to.sequence),
            is_caught_up: page.is_caught_up,
        }
    }
}
