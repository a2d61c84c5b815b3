//! What endpoint administrators do in Intune: configurations, scripts, assignments, applications, Cloud PCs.

use super::policy::some_policy;
use crate::name;
use crate::policy::PolicyKind;
use crate::stage::{Draft, INTUNE, Stage, WINDOWS_365, plain};
use crate::tenant::{guid, named};
use model::{Actor, OperationType, ResourceType, Status};

const CONFIGURATION: &str = "DeviceConfiguration";
/// What Intune adds to whatever changed.
const API_VERSION: (&str, &str) = ("DeviceManagementAPIVersion", "5026-02-10");

fn event(category: &str, activity: &str, operation: OperationType, resource: ResourceType) -> Draft {
    Draft::new(INTUNE, category, activity, operation, resource)
}

/// The component, and how the change is shown to people.
fn component(kind: PolicyKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        PolicyKind::Compliance => ("Compliance", "DeviceCompliancePolicy", "device compliance policy"),
        PolicyKind::Script => (CONFIGURATION, CONFIGURATION, "device management script"),
        _ => (CONFIGURATION, CONFIGURATION, "device configuration"),
    }
}

fn patch(stage: &mut Stage, count: usize, kind: PolicyKind, actor: &Actor) {
    let place = some_policy(stage, kind);
    let policy = &mut stage.tenant.policies[place];
    let unchanged = policy.clone();
    let is_secret = matches!(kind, PolicyKind::Wifi | PolicyKind::Script);
    let (setting, before, after) =
        if is_secret { policy.turn_first(&mut stage.rng) } else { policy.turn(&mut stage.rng) };
    let (category, component, noun) = component(kind);
    let changes = vec![plain(setting, before, after), plain(API_VERSION.0, "", API_VERSION.1)];
    let draft = event(category, &format!("Patch {}", kind.wire_name()), OperationType::Update, ResourceType::Policy)
        .shown_as(component, &format!("Patch {noun}"))
        .by(actor)
        .on_changed(policy.target(), changes);
    let draft = if stage.chance(3) {
        stage.tenant.policies[place] = unchanged;
        draft.failed("Conflict: the policy was changed by somebody else.")
    } else {
        draft
    };
    stage.tell(count, vec![draft]);
}

/// A setting of a configuration or a compliance policy changes.
pub(super) fn configuration_patched(stage: &mut Stage, count: usize) {
    let kind = stage.one_of(&[PolicyKind::Configuration, PolicyKind::Configuration, PolicyKind::Compliance]);
    let actor = stage.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    patch(stage, count, kind, &actor);
}

/// A setting changes whose values not everybody should see.
pub(super) fn secret_configuration_patched(stage: &mut Stage, count: usize) {
    let kind = stage.one_of(&[PolicyKind::Wifi, PolicyKind::Script]);
    let actor = stage.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    patch(stage, count, kind, &actor);
}

/// A policy reaches one more group, or one less.
pub(super) fn policy_assigned(stage: &mut Stage, count: usize) {
    let place = some_policy(stage, PolicyKind::Configuration);
    let policy = stage.tenant.policies[place].clone();
    let group = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[group].clone();
    let actor = stage.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Assign");
    let is_removed = stage.chance(25);
    let change = |name: &str, value: &str| {
        if is_removed { plain(name, value, "") } else { plain(name, "", value) }
    };
    let id = format!("{}_{}", policy.id, group.id);
    let changes = vec![
        change("Target.Type", "GroupAssignmentTarget"),
        change("Target.GroupId", &format!("{}({})", group.name, group.id)),
        change("Target.DeviceAndAppManagementAssignmentFilterType", "None"),
        change("Source", "Direct"),
        change(API_VERSION.0, API_VERSION.1),
    ];
    let (verb, title) = if is_removed { ("Delete", "Delete") } else { ("Create", "Create") };
    let activity = format!("{verb} DeviceManagementConfigurationPolicyAssignment");
    let draft = event(CONFIGURATION, &activity, OperationType::Assign, ResourceType::Policy)
        .shown_as(CONFIGURATION, &format!("{title} device configuration assignment 2.0 (beta)"))
        .by(&actor)
        .on(policy.target())
        .on_changed(named("DeviceManagementConfigurationPolicyAssignment", &id, ""), changes);
    stage.tell(count, vec![draft]);
}

/// A configuration gets another name and is changed under it.
pub(super) fn policy_renamed(stage: &mut Stage, count: usize) {
    let kind = stage.one_of(&[PolicyKind::Configuration, PolicyKind::Compliance]);
    let place = some_policy(stage, kind);
    let before = stage.tenant.policies[place].clone();
    stage.tenant.policies[place].rename();
    let (setting, old, new) = stage.tenant.policies[place].turn(&mut stage.rng);
    let policy = stage.tenant.policies[place].clone();
    let actor = stage.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    let (category, component, noun) = component(kind);
    let patched = |changes| {
        event(category, &format!("Patch {}", kind.wire_name()), OperationType::Update, ResourceType::Policy)
            .shown_as(component, &format!("Patch {noun}"))
            .by(&actor)
            .on_changed(policy.target(), changes)
    };
    let drafts = vec![
        patched(vec![plain("DisplayName", &before.name, &policy.name), plain(API_VERSION.0, "", API_VERSION.1)]),
        patched(vec![plain(setting, old, new), plain(API_VERSION.0, "", API_VERSION.1)]),
    ];
    stage.tell(count, drafts);
}

/// Somebody, or a script, only looks.
pub(super) fn searched(stage: &mut Stage, count: usize) {
    let actor = stage.endpoint_administrator("Microsoft.Intune_Organization_Read");
    let (verb, id) = if stage.chance(70) { ("Search", None) } else { ("Get", Some(guid(&mut stage.rng))) };
    let mut draft =
        event(CONFIGURATION, &format!("{verb} CloudCertificationAuthority"), OperationType::Read, ResourceType::Policy)
            .shown_as(CONFIGURATION, &format!("{verb} cloud certification authority"))
            .by(&actor);
    if let Some(id) = id {
        draft = draft.on(named("CloudCertificationAuthority", &id, "Contoso Cloud PKI"));
    }
    stage.tell(count, vec![draft]);
}

/// An application is published or changed, and assigned.
pub(super) fn app_published(stage: &mut Stage, count: usize) {
    let place = stage.rng.usize(..name::INSTALLED_APPS.len());
    let app = name::INSTALLED_APPS[place];
    let id = format!("5ba0c3d1-7e42-4f19-9c8d-0000000000{place:02x}");
    let actor = stage.endpoint_administrator("Microsoft.Intune_MobileApps_Update");
    let target = named("MobileApp", &id, app);
    let (minor, group) = (stage.rng.u32(1..40), stage.tenant.some_group(&mut stage.rng));
    let group = stage.tenant.groups[group].clone();
    let version = plain("DisplayVersion", &format!("5.{}", minor - 1), &format!("5.{minor}"));
    let mut patched = event("Application", "Patch MobileApp", OperationType::Update, ResourceType::Application)
        .shown_as("MobileApp", "Patch application")
        .by(&actor)
        .on_changed(target.clone(), vec![version, plain(API_VERSION.0, "", API_VERSION.1)]);
    if stage.chance(8) {
        patched = patched.ended(Status::Timeout, "The content was not committed in time.");
    }
    let intent = vec![
        plain("Target.GroupId", "", &format!("{}({})", group.name, group.id)),
        plain("Intent", "", "Required"),
        plain("Settings.Notifications", "", "ShowAll"),
    ];
    let assignment = named("MobileAppAssignment", &format!("{}_1_0", group.id), "");
    let assigned = event("Application", "Create MobileAppAssignment", OperationType::Assign, ResourceType::Application)
        .shown_as("MobileApp", "Create application assignment")
        .by(&actor)
        .on(target)
        .on_changed(assignment, intent);
    stage.tell(count, vec![patched, assigned]);
}

/// A policy for Cloud PCs changes, or reaches a group.
pub(super) fn cloud_pc_configured(stage: &mut Stage, count: usize) {
    let place = some_policy(stage, PolicyKind::CloudPc);
    let actor = stage.cloud_pc_administrator();
    let (setting, before, after) = stage.tenant.policies[place].turn(&mut stage.rng);
    let policy = stage.tenant.policies[place].clone();
    let group = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[group].clone();
    let cloud = |activity: &str, operation| {
        Draft::new(WINDOWS_365, "CloudPC", activity, operation, ResourceType::Policy)
            .shown_as("ProvisionPolicyControllerV1", activity)
            .by(&actor)
    };
    let drafts = vec![
        cloud("Patch CloudPcProvisioningPolicy", OperationType::Update)
            .on_changed(policy.target(), vec![plain(setting, before, after), plain(API_VERSION.0, "", "1.0")]),
        cloud("AssignToGroups CloudPcProvisioningPolicy", OperationType::Assign)
            .on_changed(policy.target(), vec![plain("Target.GroupId", "", &group.id)]),
    ];
    stage.tell(count, drafts);
}
