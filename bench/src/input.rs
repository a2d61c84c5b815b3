//! Template events as an application would send them: the JSON of `AuditEventInput`.

use model::{Actor, ActorKind, EventBody, Target, Timestamp};
use serde_json::{Map, Value, json};

/// The input of an event, without the two members that differ in each copy.
pub(crate) struct InputTemplate(String);

impl InputTemplate {
    /// Returns the input that records an event with this body.
    pub(crate) fn of(body: &EventBody) -> Self {
        let mut event = without_nulls(json!({
            "activity": body.activity,
            "activityDisplayName": body.activity_display_name,
            "category": body.category,
            "service": body.service,
            "component": body.component,
            "operationType": body.operation_type.name(),
            "resourceType": body.resource_type.name(),
            "groupSource": body.group_source.map(model::GroupSource::name),
            "status": body.status.name(),
            "statusReason": body.status_reason,
            "correlationId": body.correlation_id,
            "actor": actor(&body.actor),
        }));
        let targets: Vec<Value> = body.targets.iter().map(target).collect();
        event.insert("targets".into(), targets.into());
        let details = body.additional_details.iter();
        let details: Vec<Value> =
            details.map(|detail| json!({ "key": detail.key, "value": detail.string() })).collect();
        event.insert("additionalDetails".into(), details.into());
        let text = Value::Object(event).to_string();
        Self(text.strip_prefix('{').unwrap_or_default().to_owned())
    }

    /// Returns the input of one event.
    pub(crate) fn event(&self, key: &str, at: Timestamp) -> String {
        format!("{{\"eventKey\":\"{key}\",\"occurredAt\":\"{at}\",{}", self.0)
    }
}

fn without_nulls(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { return Map::new() };
    members.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn actor(actor: &Actor) -> Value {
    let application = actor.application.as_ref().map(|application| {
        without_nulls(json!({ "applicationId": application.application_id, "displayName": application.display_name }))
    });
    match actor.kind {
        ActorKind::User => json!({ "user": without_nulls(json!({
            "objectId": actor.object_id, "userPrincipalName": actor.user_principal_name,
            "displayName": actor.display_name, "permissions": actor.permissions, "application": application,
            "ipAddress": actor.ip_address, "userAgent": actor.user_agent,
        })) }),
        ActorKind::Application => json!({ "application": without_nulls(json!({
            "servicePrincipalId": actor.object_id, "servicePrincipalName": actor.service_principal_name,
            "application": application, "ipAddress": actor.ip_address, "userAgent": actor.user_agent,
        })) }),
        _ => json!({ "system": { "name": actor.name() } }),
    }
}

fn target(target: &Target) -> Value {
    let changes = target.modified_properties.iter().map(|change| {
        let value = |json: Option<&model::Json>| -> Option<Value> {
            json.and_then(|json| serde_json::from_str(json.text()).ok())
        };
        let (old, new) = (value(change.old_value.as_ref()), value(change.new_value.as_ref()));
        Value::Object(without_nulls(json!({ "name": change.name, "oldValue": old, "newValue": new })))
    });
    let changes: Vec<Value> = changes.collect();
    Value::Object(without_nulls(json!({
        "objectId": target.object_id, "displayName": target.display_name, "type": target.kind,
        "userPrincipalName": target.user_principal_name, "modifiedProperties": changes,
    })))
}
