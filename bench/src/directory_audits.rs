//! Records of Microsoft Graph's `directoryAudit`, made of the demo's events.

use std::io::{self, Write};

use auditgraph::system;
use model::{Actor, ActorKind, EventBody, Json, ModifiedProperty, Status, Target};
use serde_json::{Value, json};

/// The services of events that are not in the directory's log.
const OTHER_SERVICES: [&str; 3] = ["Microsoft Intune", "Windows 365", "Contoso Payroll"];

/// Writes records, one per line.
pub(crate) fn write(out: &mut impl Write, seed: u64, count: usize) -> io::Result<()> {
    // About two thirds of the demo's events are those of the directory.
    let events = demo_data::events(seed, system::now(), count * 2);
    let is_directory = |event: &EventBody| !OTHER_SERVICES.contains(&event.service.as_str());
    for event in events.filter(is_directory).take(count) {
        writeln!(out, "{}", record(&event))?;
    }
    Ok(())
}

fn record(event: &EventBody) -> Value {
    let details: Vec<Value> =
        event.additional_details.iter().map(|detail| json!({ "key": detail.key, "value": detail.string() })).collect();
    let time = event.occurred_at.to_string();
    json!({
        "id": event.event_key,
        "category": event.category,
        "correlationId": event.correlation_id,
        "result": if event.status == Status::Success { "success" } else { "failure" },
        "resultReason": event.status_reason.as_deref().unwrap_or_default(),
        "activityDisplayName": event.activity,
        // Graph writes seven digits of a second.
        "activityDateTime": time.replace('Z', "4Z"),
        "loggedByService": event.service,
        "operationType": event.operation_type.name(),
        "initiatedBy": initiator(&event.actor),
        "targetResources": event.targets.iter().map(target).collect::<Vec<_>>(),
        "additionalDetails": details,
    })
}

fn initiator(actor: &Actor) -> Value {
    if actor.kind == ActorKind::User {
        let user = json!({
            "id": actor.object_id,
            "displayName": actor.display_name,
            "userPrincipalName": actor.user_principal_name,
            "ipAddress": actor.ip_address,
            "userType": null,
            "homeTenantId": null,
            "homeTenantName": null,
        });
        return json!({ "user": user, "app": null });
    }
    let application = json!({
        "appId": actor.application_id(),
        "displayName": actor.application_name(),
        "servicePrincipalId": actor.object_id,
        "servicePrincipalName": actor.service_principal_name,
    });
    json!({ "user": null, "app": application })
}

fn target(target: &Target) -> Value {
    let names: Vec<&str> = target.modified_properties.iter().map(|change| change.name.as_str()).collect();
    let mut changes: Vec<Value> = target.modified_properties.iter().map(change).collect();
    if !names.is_empty() {
        let names = Value::from(names.join(", ")).to_string();
        changes.push(json!({ "displayName": "Included Updated Properties", "oldValue": null, "newValue": names }));
    }
    json!({
        "id": target.object_id,
        "displayName": target.display_name,
        "type": target.kind,
        "userPrincipalName": target.user_principal_name,
        "groupType": null,
        "modifiedProperties": changes,
    })
}

/// Returns a change, whose values are JSON in strings.
fn change(change: &ModifiedProperty) -> Value {
    let text = |value: &Option<Json>| value.as_ref().map(|value| value.text().to_owned());
    json!({ "displayName": change.name, "oldValue": text(&change.old_value), "newValue": text(&change.new_value) })
}
