//! What happens to the directory itself: the company's settings, and the synchronisation when it does not work.

use crate::stage::{Draft, Stage, json, listed};
use crate::tenant::{Desk, TENANT_ID, named};
use model::{ModifiedProperty, OperationType, ResourceType, Status};

/// A setting of the company changes.
pub(super) fn company_updated(stage: &mut Stage, count: usize) {
    let actor = stage.administrator(Desk::Identity);
    let (activity, changes) = match stage.rng.u32(0..4) {
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
    let draft = Draft::directory("DirectoryManagement", activity, operation, ResourceType::Directory)
        .by(&actor)
        .on_changed(named("Directory", TENANT_ID, "Contoso"), changes);
    stage.tell(count, vec![draft]);
}

/// The agent of the synchronisation is away for some minutes.
pub(super) fn synchronisation_failed(stage: &mut Stage, count: usize) {
    let actor = stage.machine("Azure AD Cloud Sync");
    for attempt in 0..count {
        let place = stage.tenant.somebody(&mut stage.rng);
        let person = stage.tenant.people[place].clone();
        let draft = Draft::new(
            "Account Provisioning",
            "ProvisioningManagement",
            "Export",
            OperationType::Update,
            ResourceType::Application,
        )
        .by(&actor)
        .on(person.named_target())
        .note("ErrorCode", "HybridIdentityServiceNoAgentsAssigned");
        let draft = if attempt % 3 == 2 {
            draft.ended(Status::Timeout, "The request took longer than 100 seconds.")
        } else {
            draft.failed("No active agent is assigned to this tenant.")
        };
        stage.tell_one(draft);
        stage.pass(60);
    }
}
