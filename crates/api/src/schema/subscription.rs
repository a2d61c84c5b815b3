//! The subscription. The stream requests the next batch only after the previous one was sent, so a slow client uses no
//! additional memory; the timeout for stalled clients is enforced where the stream is written.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::engine::context::{ContextExt as _, Session, reader_for};
use crate::error::ApiError;
use crate::schema::event::{AuditEvent, AuditEventEdge};
use crate::schema::filter::AuditEventFilter;
use crate::schema::scalar::Sequence;
use model::filter::Condition;
use model::page::FeedCursor;
use store::{Follow, FollowBatch};

/// Newly recorded events, sent by a subscription.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditEventBatch {
    /// The events, oldest first, as edges that a client can add to the top of a list. Empty on a heartbeat.
    edges: Vec<AuditEventEdge>,
    /// The events of the edges.
    nodes: Vec<AuditEvent>,
    /// Pass this as `after` to continue with the next event.
    resume_cursor: String,
    /// The position after which this batch starts: the `safeUpTo` of the previous one. If it is greater, for example
    /// after a reconnection without `after`, the events in between were not delivered.
    scanned_from: Sequence,
    /// The position up to which, inclusive, every event has been delivered or did not match.
    safe_up_to: Sequence,
}

impl From<FollowBatch> for AuditEventBatch {
    fn from(batch: FollowBatch) -> Self {
        let edges: Vec<_> = batch.events.into_iter().map(AuditEventEdge::newest).collect();
        Self {
            nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
            edges,
            scanned_from: Sequence(batch.scanned_from),
            resume_cursor: batch.safe_up_to.encode(),
            safe_up_to: Sequence(batch.safe_up_to.sequence),
        }
    }
}

/// The root of all subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct Subscription;

/// The subscriptions.
#[Subscription]
impl Subscription {
    /// Sends the events that match the filter as soon as they are recorded, in the order of recording, in batches; if
    /// there are none, an empty batch at least every 30 seconds. With `after`, it first sends every matching event
    /// recorded since that position and then the new ones, without gaps or repetitions.
    async fn audit_events_recorded(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the events, all of which must hold.")] filter: Option<Box<AuditEventFilter>>,
        #[graphql(
            desc = "A `resumeCursor` or a feed `cursor`. Without it, only events recorded from now on. A client that \
                    reconnects passes the last `resumeCursor`."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<AuditEventBatch, ApiError>> + use<>, ApiError> {
        let after = after.map(|cursor| FeedCursor::parse(&cursor)).transpose()?;
        let condition = filter.map_or(Ok(Condition::everything()), |filter| filter.condition())?;
        let session = Arc::clone(ctx.session()?);
        let follow = reader_for(ctx, &condition).await?.follow(after, condition).await?;
        Ok(unfold(Some((follow, session)), next))
    }
}

/// The next batch and the state of the stream after it. An error ends the stream.
async fn next(
    state: Option<(Follow, Arc<Session>)>,
) -> Option<(Result<AuditEventBatch, ApiError>, Option<(Follow, Arc<Session>)>)> {
    let (mut follow, session) = state?;
    match follow.next().await {
        Ok(batch) => {
            let payload = AuditEventBatch::from(batch);
            session.advance(&payload.resume_cursor);
            session.access_record.flush_partial();
            Some((Ok(payload), Some((follow, session))))
        }
        Err(error) => Some((Err(error.into()), None)),
    }
}
