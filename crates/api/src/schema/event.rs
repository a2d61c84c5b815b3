//! Events and pages of events.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::engine::context::ContextExt as _;
use crate::error::ApiError;
use crate::output::write::{self, PrerenderedList};
use crate::schema::activity::{ActivityTypeList, AuditActivityType};
use crate::schema::enums::{ActivityStatus, GroupSource, OperationType, RecordingRoute, RedactionReason, ResourceType};
use crate::schema::party::{Actor, Target, text};
use crate::schema::scalar::{Count, DateTime, JsonScalar, Sequence};
use model::Invalid;
use model::page::{Cursor, Order, Position, Slice};
use store::{EventQuery, EventRow, Reader};

/// The default of the limit of `countUpTo`.
const COUNT_LIMIT: i32 = 10_000;

/// An event, redacted for the caller.
#[derive(Clone, Debug)]
pub struct AuditEvent(pub Arc<model::Event>);

/// A recorded activity: its actor, its targets, its time and its outcome.
#[Object]
impl AuditEvent {
    /// The event's global id.
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id().to_global())
    }
    /// The time of the activity.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.0.body.occurred_at)
    }
    /// The time at which this server recorded the event.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }
    /// The position of the event in its tenant's log: numbered without gaps, in commit order.
    async fn sequence(&self) -> Sequence {
        Sequence(self.0.sequence)
    }
    /// The key under which the event was recorded, unique within its service.
    async fn event_key(&self) -> &str {
        &self.0.body.event_key
    }
    /// The key of the activity, for example `Patch DeviceConfiguration`.
    async fn activity(&self) -> &str {
        &self.0.body.activity
    }
    /// The display name of the activity.
    async fn activity_display_name(&self) -> &str {
        &self.0.body.activity_display_name
    }
    /// The catalogue entry of the activity; null if it has none.
    async fn activity_type(&self, ctx: &Context<'_>) -> Option<Result<AuditActivityType, ApiError>> {
        ActivityTypeList::of(ctx).await.map(|list| list.entry(&self.0.body)).transpose()
    }
    /// The key of the event's category.
    async fn category(&self) -> &str {
        &self.0.body.category
    }
    /// The key of the service (workload) that logged the event.
    async fn service(&self) -> &str {
        &self.0.body.service
    }
    /// The part of the service that logged the event, for example `DeviceConfiguration` of Intune.
    async fn component(&self) -> Option<&str> {
        self.0.body.component.as_deref()
    }
    /// The kind of operation.
    async fn operation_type(&self) -> OperationType {
        self.0.body.operation_type.into()
    }
    /// The type of resource that the activity acted on.
    async fn resource_type(&self) -> ResourceType {
        self.0.body.resource_type.into()
    }
    /// The source of the group, for activities on groups.
    async fn group_source(&self) -> Option<GroupSource> {
        self.0.body.group_source.map(Into::into)
    }
    /// The outcome of the activity.
    async fn status(&self) -> ActivityStatus {
        self.0.body.status.into()
    }
    /// The reason for the outcome, if reported.
    async fn status_reason(&self) -> Option<&str> {
        self.0.body.status_reason.as_deref()
    }
    /// An id shared by the events of one request.
    async fn correlation_id(&self) -> Option<&str> {
        self.0.body.correlation_id.as_deref()
    }
    /// The initiator of the activity, as recorded at the time.
    async fn actor(&self) -> Actor {
        Actor::new(self.0.body.actor.clone())
    }
    /// The objects that the activity acted on, as recorded at the time.
    async fn targets(&self) -> Vec<Target> {
        Target::all(&self.0)
    }
    /// Further details as key and value, in the order recorded.
    async fn additional_details(&self) -> Vec<AuditDetail> {
        self.0.body.additional_details.iter().map(AuditDetail::from).collect()
    }
    /// The parts of an imported record that have no field of their own, unchanged. Null if there are none, or if the
    /// event is redacted.
    async fn unmapped(&self) -> Option<JsonScalar> {
        self.0.body.unmapped.clone().map(JsonScalar)
    }
    /// The provenance of the event: how it was recorded, and by which client.
    async fn recording(&self) -> Recording {
        self.0.body.recording.clone().into()
    }
    /// Whether any part of the event is withheld from the caller.
    async fn is_redacted(&self) -> bool {
        self.0.is_redacted
    }
    /// The whole event as stored. Null if the event is redacted for the caller.
    async fn raw(&self) -> Option<JsonScalar> {
        self.0.raw.clone().map(JsonScalar)
    }
}

/// The provenance of an event. `actor` is what the recorder claims; this is the recorder itself.
#[derive(Clone, Debug, SimpleObject)]
pub struct Recording {
    /// How the event was recorded.
    route: RecordingRoute,
    /// The subject of the recorder's token, or the operator's account for an import.
    recorded_by: String,
    /// The client application of the recorder's token.
    client_id: Option<String>,
    /// The source of an imported record: its format and file name.
    source: Option<String>,
    /// The tenant that an imported record itself names.
    source_tenant_id: Option<String>,
}

impl From<model::Recording> for Recording {
    fn from(recording: model::Recording) -> Self {
        Self {
            route: recording.route.into(),
            recorded_by: recording.recorded_by,
            client_id: recording.client_id,
            source: recording.source,
            source_tenant_id: recording.source_tenant_id,
        }
    }
}

/// A further detail of an event.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditDetail {
    /// The name of the detail. Keys may repeat.
    key: String,
    /// Its value. Null if there is none, or JSON null, or withheld.
    value: Option<JsonScalar>,
    /// Its value as JSON text, with all digits of its numbers: `"null"` is JSON null. Null if there is none, or withheld.
    value_text: Option<String>,
    /// Why the value is withheld from the caller; null if it is not.
    redaction: Option<RedactionReason>,
}

impl From<&model::Detail> for AuditDetail {
    fn from(detail: &model::Detail) -> Self {
        Self {
            key: detail.key.clone(),
            value: detail.value.clone().map(JsonScalar),
            value_text: text(detail.value.as_ref()),
            redaction: detail.redaction.map(Into::into),
        }
    }
}

/// A page of a list, with the query of the list.
#[derive(Clone, Debug)]
pub struct AuditEventConnection {
    reader: Reader,
    list: EventQuery,
    slice: Arc<Slice<(Cursor, EventRow)>>,
}

impl AuditEventConnection {
    /// Wraps a page that was read.
    pub fn new(reader: Reader, list: EventQuery, slice: Slice<(Cursor, EventRow)>) -> Self {
        Self { reader, list, slice: Arc::new(slice) }
    }

    /// The events of this page, for async-graphql to resolve.
    fn events(&self) -> impl Iterator<Item = Result<(&Cursor, AuditEvent), ApiError>> {
        let rows = self.slice.rows.iter();
        rows.map(|(cursor, row)| Ok((cursor, AuditEvent(Arc::new(self.reader.event_of(row.clone())?)))))
    }

    async fn counted_up_to(&self, limit: i32) -> Result<BoundedCount, ApiError> {
        let limit = u32::try_from(limit).ok().filter(|limit| (1..=100_000).contains(limit));
        let limit = limit.ok_or_else(|| Invalid::new("`limit` must be from 1 to 100000"))?;
        let (value, is_exact) = self.reader.count_up_to(&self.list, limit).await?;
        Ok(BoundedCount { value: Count(value), is_exact })
    }
}

/// Whether lists are written as JSON instead of being resolved by async-graphql.
fn is_written(ctx: &Context<'_>) -> bool {
    ctx.session().is_ok_and(|session| !session.takes_values())
}

/// A page of audit events.
#[Object]
impl AuditEventConnection {
    /// The events of this page with their cursors.
    async fn edges(&self, ctx: &Context<'_>) -> Result<PrerenderedList<AuditEventEdge>, ApiError> {
        if is_written(ctx)
            && let Some(json) = write::edges(ctx, &self.reader, &self.slice.rows)?
        {
            return Ok(PrerenderedList::Written(json));
        }
        let edges =
            self.events().map(|event| event.map(|(cursor, node)| AuditEventEdge { cursor: cursor.encode(), node }));
        Ok(PrerenderedList::Objects(edges.collect::<Result<_, _>>()?))
    }
    /// The events of this page.
    async fn nodes(&self, ctx: &Context<'_>) -> Result<PrerenderedList<AuditEvent>, ApiError> {
        if is_written(ctx)
            && let Some(json) = write::events(ctx, &self.reader, &self.slice.rows)?
        {
            return Ok(PrerenderedList::Written(json));
        }
        Ok(PrerenderedList::Objects(self.events().map(|event| event.map(|(_, node)| node)).collect::<Result<_, _>>()?))
    }
    /// The cursors of this page, and whether there are more pages.
    async fn page_info(&self) -> PageInfo {
        let cursor = |row: Option<&(Cursor, EventRow)>| row.map(|(cursor, _)| cursor.encode());
        PageInfo {
            next: self.slice.has_next,
            previous: self.slice.has_previous,
            start_cursor: cursor(self.slice.rows.first()),
            end_cursor: cursor(self.slice.rows.last()),
        }
    }
    /// The period that this list covers. Cursors preserve its start.
    async fn occurred_at(&self) -> AuditPeriod {
        AuditPeriod { from: self.list.period.from.map(DateTime), to: self.list.period.to.map(DateTime) }
    }
    /// The log position this result reflects; pass it as `asOf` elsewhere.
    async fn as_of(&self) -> Result<Sequence, ApiError> {
        self.list.as_of.map(Sequence).ok_or(ApiError::Bug("a connection without `asOf`"))
    }
    /// The exact number of matching events over all pages. Counted only if selected; null with the error TIMEOUT if it
    /// takes too long. On a large log, select `countUpTo` instead.
    async fn total_count(&self) -> Option<Result<Count, ApiError>> {
        Some(self.reader.count(&self.list).await.map(Count).map_err(ApiError::from))
    }
    /// The number of matching events, counted up to a limit.
    async fn count_up_to(
        &self,
        #[graphql(desc = "The limit at which counting stops: 1 to 100,000.", default_with = "Some(COUNT_LIMIT)")]
        limit: Option<i32>,
    ) -> Option<Result<BoundedCount, ApiError>> {
        Some(self.counted_up_to(limit.unwrap_or(COUNT_LIMIT)).await)
    }
}

/// A range of time; null means that it is open on that side.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditPeriod {
    /// The start of the range, inclusive.
    from: Option<DateTime>,
    /// The end of the range, exclusive.
    to: Option<DateTime>,
}

/// An event with its cursor.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditEventEdge {
    /// The position of the event in the list, for `after` and `before`.
    cursor: String,
    /// The event.
    pub(crate) node: AuditEvent,
}

impl AuditEventEdge {
    /// The edge of an event in the list of all events, newest first.
    pub fn newest(event: model::Event) -> Self {
        let position = Position { occurred_at: event.body.occurred_at, sequence: event.sequence };
        let cursor = Cursor { order: Order::NEWEST, window: None, position };
        Self { cursor: cursor.encode(), node: AuditEvent(Arc::new(event)) }
    }
}

/// The cursors of a page.
#[derive(Clone, Debug)]
pub struct PageInfo {
    pub(crate) next: bool,
    pub(crate) previous: bool,
    pub(crate) start_cursor: Option<String>,
    pub(crate) end_cursor: Option<String>,
}

/// The cursors of a page, and whether there are more pages.
#[Object]
impl PageInfo {
    /// Whether there are more elements after this page.
    async fn has_next_page(&self) -> bool {
        self.next
    }
    /// Whether there are more elements before this page.
    async fn has_previous_page(&self) -> bool {
        self.previous
    }
    /// The cursor of the page's first element; null if the page is empty.
    async fn start_cursor(&self) -> Option<&str> {
        self.start_cursor.as_deref()
    }
    /// The cursor of the page's last element; null if the page is empty.
    async fn end_cursor(&self) -> Option<&str> {
        self.end_cursor.as_deref()
    }
}

/// A count that may have stopped at a limit.
#[derive(Clone, Debug, SimpleObject)]
pub struct BoundedCount {
    /// The number counted.
    value: Count,
    /// Whether the number is exact; if not, there are more events.
    is_exact: bool,
}
