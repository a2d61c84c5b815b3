//! Events that the service itself records: accesses to the log, and changes of API keys.

use std::net::IpAddr;

use auth::Principal;
use model::event::RESERVED_SERVICE;
use model::{
    Actor, ActorApplication, ActorKind, EventBody, OperationType, Recording, RecordingRoute, ResourceType, Status,
    Timestamp,
};

/// Returns a successful event of the reserved service without targets and details.
pub(crate) fn event_of_the_service(
    event_key: String,
    occurred_at: Timestamp,
    (category, activity): (&str, &str),
    operation_type: OperationType,
    actor: Actor,
) -> EventBody {
    EventBody {
        event_key,
        occurred_at,
        activity: activity.to_owned(),
        activity_display_name: activity.to_owned(),
        category: category.to_owned(),
        service: RESERVED_SERVICE.to_owned(),
        component: None,
        operation_type,
        resource_type: ResourceType::Other,
        group_source: None,
        status: Status::Success,
        status_reason: None,
        status_reason_is_sensitive: false,
        correlation_id: None,
        actor,
        targets: Vec::new(),
        additional_details: Vec::new(),
        unmapped: None,
        unmapped_is_sensitive: false,
        recording: Recording {
            route: RecordingRoute::Internal,
            recorded_by: RESERVED_SERVICE.to_owned(),
            issuer: None,
            client_id: None,
            source: None,
            source_tenant_id: None,
        },
    }
}

/// The actor for a principal.
pub(crate) fn actor(principal: &Principal, client_address: Option<IpAddr>) -> Actor {
    /// The maximum length of an application id, which is indexed, in bytes.
    const APPLICATION_ID_BYTES_MAX: usize = 200;
    let kind = if principal.is_application { ActorKind::Application } else { ActorKind::User };
    let application = principal.client_id.as_deref().map(|id| ActorApplication {
        application_id: Some(model::fold::cut(id, APPLICATION_ID_BYTES_MAX).to_owned()),
        display_name: principal.display_name.clone().filter(|_| principal.is_application),
    });
    Actor {
        object_id: principal.object_id.clone().or_else(|| Some(principal.subject.clone())),
        user_principal_name: principal.user_principal_name.clone(),
        display_name: principal.display_name.clone().filter(|_| !principal.is_application),
        application,
        permissions: principal.grants.iter().map(|grant| grant.role.name().to_owned()).collect(),
        ip_address: client_address.map(|address| address.to_string()),
        ..Actor::new(kind)
    }
}
