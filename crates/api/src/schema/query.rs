//! The queries. Each resolver parses its arguments, gets a reader, reads and wraps the result.
//!
//! The resolver of a nullable field returns `Option<Result>`, never `Result<Option>`: async-graphql propagates an error
//! of the latter to the parent, while the schema promises null at the field itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::parser::types::Selection;
use async_graphql::{Context, ID, InputObject, Object};

use crate::engine::context::{ContextExt as _, events_by_id, reader_for};
use crate::error::ApiError;
use crate::schema::activity::{ActivityTypeList, AuditCategory, AuditService};
use crate::schema::api_key::{self, ApiKeyConnection};
use crate::schema::catalogue_page::AuditActivityTypeConnection;
use crate::schema::enums::{AuditEventOrderField, OperationType, OrderDirection, ResourceType};
use crate::schema::event::{AuditEvent, AuditEventConnection};
use crate::schema::feed::AuditEventFeedPage;
use crate::schema::filter::{AuditEventFilter, AuditPeriodInput, period};
use crate::schema::mutation::BATCH_MAX;
use crate::schema::node::{Node, nodes};
use crate::schema::party::Actor;
use crate::schema::scalar::{DateTime, Sequence};
use crate::schema::summary::AuditEventSummary;
use crate::schema::viewer::{AuditLogInfo, Viewer};
use model::catalogue::{TypeChoice, catalogue};
use model::filter::{Condition, needle, needles};
use model::fold::fold;
use model::page::{FeedCursor, Order, Page};
use model::{EventId, Invalid};
use store::EventQuery;

/// The fields of a list that depend on the log position that the list reflects.
const AS_OF_FIELDS: [&str; 3] = ["asOf", "totalCount", "countUpTo"];
/// The most ids that `nodes` takes.
const NODES_MAX: usize = 100;
/// The default number of events of a page of the feed.
const FEED_PAGE: i32 = 200;
/// The default number of actors of a search.
const ACTORS: i32 = 20;

/// An order for audit events. Events of the same time are ordered by sequence.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AuditEventOrder {
    /// The field to order by.
    field: AuditEventOrderField,
    /// The direction.
    direction: OrderDirection,
}

impl AuditEventOrder {
    const NEWEST: Self = Self { field: AuditEventOrderField::OccurredAt, direction: OrderDirection::Desc };
}

impl From<AuditEventOrder> for Order {
    fn from(order: AuditEventOrder) -> Self {
        Self { field: order.field.into(), descending: order.direction == OrderDirection::Desc }
    }
}

/// The root of all queries.
#[derive(Clone, Copy, Debug)]
pub struct Query;

/// The queries. Every field except `viewer` and `apiKeys` requires at least one access role.
#[Object]
impl Query {
    /// The caller, its roles and its permissions.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer, ApiError> {
        Ok(ctx.session()?.as_ref().into())
    }

    /// Fetches any object that has a global id. Null if it does not exist or the caller may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id that this service returned.")] id: ID,
    ) -> Option<Result<Node, ApiError>> {
        nodes(ctx, &[id]).await.map(|mut found| found.pop().flatten()).transpose()
    }

    /// Fetches several objects at once, in the order of the ids, with null where `node` would be null. At most 100 ids.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids that this service returned.")] ids: Vec<ID>,
    ) -> Option<Result<Vec<Option<Node>>, ApiError>> {
        if ids.len() > NODES_MAX {
            return Some(Err(ApiError::Limit { what: "ids", asked: ids.len(), limit: NODES_MAX }));
        }
        Some(nodes(ctx, &ids).await)
    }

    /// One audit event by its global id. Null if it does not exist or the caller may not see it.
    async fn audit_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's global id.")] id: ID,
    ) -> Option<Result<AuditEvent, ApiError>> {
        event(ctx, EventId::parse(&id).ok()).await.transpose()
    }

    /// One audit event by the key it was recorded under. Null in the same cases as `auditEvent`.
    async fn audit_event_by_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The service that logged the event.")] service: String,
        #[graphql(
            desc = "The key given when the event was recorded. For an imported event, the source's id if it has one, \
                    followed by the activity if the source uses the id for several events."
        )]
        event_key: String,
    ) -> Option<Result<AuditEvent, ApiError>> {
        event(ctx, Some(EventId::of(&service, &event_key))).await.transpose()
    }

    /// The audit events of a period that match a filter, newest first unless ordered otherwise. Give `first` or `last`
    /// (1 to `auditLogInfo.maxPageSize`); without either, the page has the first 50, or the default size that the
    /// operator set.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of events from the start of the list.")] first: Option<i32>,
        #[graphql(desc = "Only events after this cursor.")] after: Option<String>,
        #[graphql(desc = "The number of events from the end of the list.")] last: Option<i32>,
        #[graphql(desc = "Only events before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "The time of the activities: a window that ends now, or a range.",
            default_with = "Some(AuditPeriodInput::DEFAULT)"
        )]
        occurred_at: Option<AuditPeriodInput>,
        #[graphql(desc = "Conditions on the events, all of which must hold.")] filter: Option<Box<AuditEventFilter>>,
        #[graphql(desc = "The order of the list.", default_with = "Some(AuditEventOrder::NEWEST)")] order_by: Option<
            AuditEventOrder,
        >,
        #[graphql(
            desc = "The log position that the result reflects: later events are excluded, so that several queries agree \
                    with each other."
        )]
        as_of: Option<Sequence>,
    ) -> Option<Result<AuditEventConnection, ApiError>> {
        let read = async || {
            let order = order_by.unwrap_or(AuditEventOrder::NEWEST).into();
            let mut page =
                Page::parse((first, after.as_deref()), (last, before.as_deref()), order, ctx.limits()?.page)?;
            let period = period(occurred_at, ctx.session()?.now, Some(&mut page))?;
            let condition = filter.map_or(Ok(Condition::everything()), |filter| filter.condition())?;
            let reader = reader_for(ctx, &condition).await?;
            let as_of = if as_of.is_some() || selects_as_of(ctx) {
                Some(ctx.session()?.as_of(&reader, as_of).await?)
            } else {
                None
            };
            let events = EventQuery { condition, period, as_of };
            let read = ctx.session()?.page(&page, &events);
            let connection = read.get_or_try_init(async || {
                let slice = reader.page(&events, &page).await?;
                Ok::<_, ApiError>(AuditEventConnection::new(reader, events.clone(), slice))
            });
            connection.await.cloned()
        };
        Some(read().await)
    }

    /// The log in commit order, for polling: the events recorded after a cursor, without gaps or repetitions.
    async fn audit_event_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The most events of the page: 1 to 1,000.", default_with = "Some(FEED_PAGE)")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the previous page. Without it, the feed starts at the oldest event. A cursor from \
                    before the log was restored is rejected with CURSOR_EXPIRED, with `reason` and `oldestCursor` in \
                    the extensions."
        )]
        after: Option<String>,
        #[graphql(desc = "Conditions on the events, all of which must hold.")] filter: Option<Box<AuditEventFilter>>,
    ) -> Option<Result<AuditEventFeedPage, ApiError>> {
        let read = async || {
            let limit = limit(first.unwrap_or(FEED_PAGE), 1_000)?;
            let after = after.map(|cursor| FeedCursor::parse(&cursor)).transpose()?;
            let condition = filter.map_or(Ok(Condition::everything()), |filter| filter.condition())?;
            Ok(reader_for(ctx, &condition).await?.feed(after, &condition, limit).await?.into())
        };
        Some(read().await)
    }

    /// Counts, facets and histograms over events, without listing them. Null with the error TIMEOUT if it takes too
    /// long.
    async fn audit_event_summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The time of the activities: a window that ends now, or a range.",
            default_with = "Some(AuditPeriodInput::DEFAULT)"
        )]
        occurred_at: Option<AuditPeriodInput>,
        #[graphql(desc = "Conditions on the events, all of which must hold.")] filter: Option<Box<AuditEventFilter>>,
        #[graphql(desc = "The log position that the result reflects: later events are excluded.")] as_of: Option<
            Sequence,
        >,
    ) -> Option<Result<AuditEventSummary, ApiError>> {
        Some(AuditEventSummary::of(ctx, occurred_at, filter, as_of).await)
    }

    /// The actors whose name, principal name, application or id contains a string, each once, most recently seen first;
    /// only actors of events that the caller may see.
    async fn audit_actors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The string, which must not be empty.")] search: String,
        #[graphql(desc = "The most actors: 1 to 50.", default_with = "Some(ACTORS)")] first: Option<i32>,
    ) -> Option<Result<Vec<Actor>, ApiError>> {
        let read = async || {
            let part = needle("search", &search, fold)?;
            let limit = limit(first.unwrap_or(ACTORS), 50)?;
            let actors = ctx.reader()?.actors(&part, limit).await?;
            Ok(actors.into_iter().map(|(_, actor)| Actor::new(actor)).collect())
        };
        Some(read().await)
    }

    /// The activities that can occur, built in and recorded, sorted by display name: the options of an activity filter
    /// for the selected category and resource type. Give `first` or `last` (1 to 1,000); without either, the page has the
    /// first 100.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn audit_activity_types(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of activities from the start of the list.")] first: Option<i32>,
        #[graphql(desc = "Only activities after this cursor.")] after: Option<String>,
        #[graphql(desc = "The number of activities from the end of the list.")] last: Option<i32>,
        #[graphql(desc = "Only activities before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only activities of these categories.")] categories: Option<Vec<String>>,
        #[graphql(desc = "Only activities logged by these services (workloads).")] services: Option<Vec<String>>,
        #[graphql(desc = "Only activities that act on these types of resource.")] resource_types: Option<
            Vec<ResourceType>,
        >,
        #[graphql(desc = "Only activities of these kinds of operation.")] operation_types: Option<Vec<OperationType>>,
        #[graphql(
            desc = "Only activities whose key, display name or alias contains this string, which must not be empty."
        )]
        search: Option<String>,
    ) -> Option<Result<AuditActivityTypeConnection, ApiError>> {
        let read = async || {
            let choice = TypeChoice {
                categories,
                services,
                resource_types: resource_types.map(|types| types.into_iter().map(Into::into).collect()),
                operation_types: operation_types.map(|types| types.into_iter().map(Into::into).collect()),
                search,
            };
            let filter = choice.filter()?;
            let types = ActivityTypeList::of(ctx).await?.types(|entry| filter.matches(entry));
            Ok(AuditActivityTypeConnection::of(types, ((first, after), (last, before)))?)
        };
        Some(read().await)
    }

    /// The services (workloads) that log events, built in and recorded, sorted by display name.
    async fn audit_services(&self, ctx: &Context<'_>) -> Option<Result<Vec<AuditService>, ApiError>> {
        Some(ActivityTypeList::of(ctx).await.map(|list| list.services()))
    }

    /// The categories an event can be in, sorted by display name.
    async fn audit_categories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only categories of these services (workloads).")] services: Option<Vec<String>>,
    ) -> Option<Result<Vec<AuditCategory>, ApiError>> {
        let read = async || {
            let wanted = services.map(|services| needles("services", &services, fold)).transpose()?;
            let wanted: Option<BTreeSet<String>> =
                wanted.map(|services| services.iter().map(|service| catalogue().service_key(service)).collect());
            let matches =
                |service: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(&catalogue().service_key(service)));
            Ok(ActivityTypeList::of(ctx).await?.categories(matches))
        };
        Some(read().await)
    }

    /// The API keys of the tenant, in the order of their creation, also those that are revoked or expired. Give `first` or
    /// `last` (1 to 200); without either, the page has the first 50. Requires the permission to manage API keys, and no
    /// access role.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of keys from the start of the list.")] first: Option<i32>,
        #[graphql(desc = "Only keys after this cursor.")] after: Option<String>,
        #[graphql(desc = "The number of keys from the end of the list.")] last: Option<i32>,
        #[graphql(desc = "Only keys before this cursor.")] before: Option<String>,
    ) -> Option<Result<ApiKeyConnection, ApiError>> {
        // Boxed: the future of every operation would contain it.
        Some(Box::pin(api_key::page(ctx, ((first, after), (last, before)))).await)
    }

    /// Properties of the server and the log: retention, times of the oldest and newest events, limits.
    async fn audit_log_info(&self, ctx: &Context<'_>) -> Option<Result<AuditLogInfo, ApiError>> {
        let read = async || {
            let extent = ctx.reader()?.extent().await?;
            Ok(AuditLogInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                retention_days: None,
                last_sequence: Sequence(extent.head.sequence),
                feed_cursor: extent.head.encode(),
                oldest_event_at: extent.oldest.map(DateTime),
                newest_event_at: extent.newest.map(DateTime),
                max_page_size: i32::try_from(ctx.limits()?.page.max).unwrap_or(i32::MAX),
                max_record_batch: i32::try_from(BATCH_MAX).unwrap_or(i32::MAX),
            })
        };
        Some(read().await)
    }
}

/// The value of `first` as a limit.
fn limit(first: i32, max: u32) -> Result<u32, Invalid> {
    let limit = u32::try_from(first).ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| Invalid::new(format!("`first` must be from 1 to {max}")))
}

/// Whether any part of the operation selects the log position of a list or a count of it. Then the page and its counts
/// reflect the same position. The whole operation is searched, because all occurrences of a list share one page.
fn selects_as_of(ctx: &Context<'_>) -> bool {
    let env = ctx.query_env;
    let fragments = env.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    let mut pending: Vec<_> = fragments.chain([&env.operation.node.selection_set.node]).collect();
    while let Some(selected) = pending.pop() {
        for item in &selected.items {
            match &item.node {
                Selection::Field(field) if AS_OF_FIELDS.contains(&field.node.name.node.as_str()) => return true,
                Selection::Field(field) => pending.push(&field.node.selection_set.node),
                Selection::InlineFragment(fragment) => pending.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    false
}

/// The event with an id, or `None` if the id is `None` or there is no such event.
async fn event(ctx: &Context<'_>, id: Option<EventId>) -> Result<Option<AuditEvent>, ApiError> {
    let found = events_by_id(ctx, id.as_slice()).await?.pop().flatten();
    Ok(found.map(|event| AuditEvent(Arc::new(event))))
}
