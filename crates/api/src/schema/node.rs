//! Objects with a global id.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface};

use crate::engine::context::{ContextExt as _, events_by_id};
use crate::error::ApiError;
use crate::schema::activity::{ActivityTypeList, AuditActivityType, AuditCategory, AuditService};
use crate::schema::api_key::ApiKey;
use crate::schema::event::AuditEvent;
use crate::schema::id::ObjectId;
use crate::schema::viewer::{Tenant, Viewer};
use model::EventId;

/// An object with a globally unique, opaque id. Types may be added: select the interface's field as a fallback.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The object's global id, the same in every response."))]
pub enum Node {
    /// An audit event.
    AuditEvent(AuditEvent),
    /// An entry of the catalogue.
    AuditActivityType(AuditActivityType),
    /// A service.
    AuditService(AuditService),
    /// A category.
    AuditCategory(AuditCategory),
    /// The caller's tenant.
    Tenant(Tenant),
    /// The caller.
    Viewer(Viewer),
    /// An API key, for callers that may manage API keys.
    ApiKey(ApiKey),
}

/// The objects with these ids, in their order; `None` for those that do not exist or that the caller may not see.
/// Events are read in one statement.
pub(crate) async fn nodes(ctx: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>, ApiError> {
    let ids: Vec<Option<ObjectId>> = ids.iter().map(|id| ObjectId::parse(id)).collect();
    let event = |id: &Option<ObjectId>| if let Some(ObjectId::Event(id)) = id { Some(*id) } else { None };
    let events: Vec<EventId> = ids.iter().filter_map(event).collect();
    let is_public =
        |id: &Option<ObjectId>| matches!(id, Some(ObjectId::Tenant(_) | ObjectId::Viewer { .. } | ObjectId::ApiKey(_)));
    // All objects but the caller, its tenant and API keys require a role, also if there are none with these ids.
    let mut events =
        if !ids.is_empty() && ids.iter().all(is_public) { Vec::new() } else { events_by_id(ctx, &events).await? }
            .into_iter();
    let is_catalogue = |id: &Option<ObjectId>| {
        matches!(id, Some(ObjectId::ActivityType(_) | ObjectId::Service(_) | ObjectId::Category(_)))
    };
    let list = if ids.iter().any(is_catalogue) { Some(ActivityTypeList::of(ctx).await?) } else { None };
    let viewer = Viewer::from(ctx.session()?.as_ref());
    let mut api_keys = Vec::new();
    for id in &ids {
        if let Some(ObjectId::ApiKey(id)) = id {
            api_keys.push(Box::pin(ApiKey::find(ctx, id)).await?);
        }
    }
    let mut api_keys = api_keys.into_iter();
    let node = |id: Option<ObjectId>| {
        let list = list.as_ref();
        Some(match id? {
            ObjectId::Event(_) => Node::AuditEvent(AuditEvent(Arc::new(events.next()??))),
            ObjectId::ActivityType(key) => Node::AuditActivityType(list?.entry_of(&key)?),
            ObjectId::Service(key) => Node::AuditService(list?.service(&key)?),
            ObjectId::Category(key) => Node::AuditCategory(list?.category(&key)?),
            id @ ObjectId::Tenant(_) => Node::Tenant(Some(viewer.tenant.clone()).filter(|own| own.object_id() == id)?),
            ObjectId::ApiKey(_) => Node::ApiKey(api_keys.next()??),
            id @ ObjectId::Viewer { .. } => Node::Viewer(Some(viewer.clone()).filter(|own| own.object_id() == id)?),
        })
    };
    Ok(ids.into_iter().map(node).collect())
}
