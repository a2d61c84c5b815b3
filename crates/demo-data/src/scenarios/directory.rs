//! Scenarios about the directory: the company's settings, and failures of the synchronisation.

use crate::generator::{DemoEvent, Generator, json, listed};
use crate::tenant::{AdminTeam, TENANT_ID, named};
use model::{ModifiedProperty, OperationType, ResourceType, Status};

/// A setting of the company is changed.
pub(super) fn company_updated(generator: &mut Generator, count: usize) {
    let actor = generator.administrator(AdminTeam::Identity);
    let (activity, changes) = match generator.rng.u32(0..4) {
        0 => {
            let mail = |team: &str| format!("{team}@contoso.com");
            let property = "TechnicalNotificationMail";
            ("Set Company Information", vec![listed(property, &mail("it"), &mail("it-operations"))])
        }
        1 => {
            let change = ModifiedProperty::new("DirSyncFeatures", json("[57]"), json("[61]"));
            ("Set DirSync feature", vec![change])
        }
        2 => {
            let change = listed("Name", "", "shop.contoso.com");
            ("Add unverified domain", vec![change, listed("LiveType", "None", "Managed")])
        }
        _ => {
            let change = listed("TelephoneNumber", "+49 30 5550 1000", "+49 30 5550 2000");
            ("Update company", vec![change])
        }
    };
    let operation = if activity.starts_with("Add") { OperationType::Create } else { OperationType::Update };
    let event = DemoEvent::directory("DirectoryManagement", activity, operation, ResourceType::Directory)
        .by(&actor)
        .on_changed(named("Directory", TENANT_ID, "Contoso"), changes);
    generator.emit(count, vec![event]);
}

/// The synchronisation agent is unreachable for some minutes.
pub(super) fn synchronisation_failed(generator: &mut Generator, count: usize) {
    let actor = generator.microsoft_service("Azure AD Cloud Sync");
    for attempt in 0..count {
        let index = generator.tenant.random_user(&mut generator.rng);
        let person = generator.tenant.people[index].clone();
        let event = DemoEvent::new(
            "Account Provisioning",
            "ProvisioningManagement",
            "Export",
            OperationType::Update,
            ResourceType::Application,
        )
        .by(&actor)
        .on(person.named_target())
        .note("ErrorCode", "HybridIdentityServiceNoAgentsAssigned");
        let event = if attempt % 3 == 2 {
            event.ended(Status::Timeout, "The request took longer than 100 seconds.")
        } else {
            event.failed("No active agent is assigned to this tenant.")
        };
        generator.emit_one(event);
        generator.advance(60);
    }
}
