//! Scenarios of endpoint administrators: configurations, scripts, assignments, applications, Cloud PCs.

use super::policy::some_policy;
use crate::generator::{DemoEvent, Generator, INTUNE, WINDOWS_365, plain};
use crate::name;
use crate::policy::PolicyKind;
use crate::tenant::{guid, named};
use model::{Actor, OperationType, ResourceType, Status};

const CONFIGURATION: &str = "DeviceConfiguration";
/// The entry that Intune adds to every list of changes.
const API_VERSION: (&str, &str) = ("DeviceManagementAPIVersion", "5026-02-10");

fn event(category: &str, activity: &str, operation: OperationType, resource: ResourceType) -> DemoEvent {
    DemoEvent::new(INTUNE, category, activity, operation, resource)
}

/// Returns the component, the resource type and the display name of a kind of policy.
fn component(kind: PolicyKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        PolicyKind::Compliance => ("Compliance", "DeviceCompliancePolicy", "device compliance policy"),
        PolicyKind::Script => (CONFIGURATION, CONFIGURATION, "device management script"),
        _ => (CONFIGURATION, CONFIGURATION, "device configuration"),
    }
}

fn patch(generator: &mut Generator, count: usize, kind: PolicyKind, actor: &Actor) {
    let index = some_policy(generator, kind);
    let policy = &mut generator.tenant.policies[index];
    let unchanged = policy.clone();
    let is_secret = matches!(kind, PolicyKind::Wifi | PolicyKind::Script);
    let (setting, before, after) = if is_secret {
        policy.change_first_setting(&mut generator.rng)
    } else {
        policy.change_setting(&mut generator.rng)
    };
    let (category, component, noun) = component(kind);
    let changes = vec![plain(setting, before, after), plain(API_VERSION.0, "", API_VERSION.1)];
    let event = event(category, &format!("Patch {}", kind.wire_name()), OperationType::Update, ResourceType::Policy)
        .shown_as(component, &format!("Patch {noun}"))
        .by(actor)
        .on_changed(policy.target(), changes);
    let event = if generator.chance(3) {
        generator.tenant.policies[index] = unchanged;
        event.failed("Conflict: the policy was changed by somebody else.")
    } else {
        event
    };
    generator.emit(count, vec![event]);
}

/// A setting of a configuration or compliance policy is changed.
pub(super) fn configuration_patched(generator: &mut Generator, count: usize) {
    let kind = generator.choose(&[PolicyKind::Configuration, PolicyKind::Configuration, PolicyKind::Compliance]);
    let actor = generator.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    patch(generator, count, kind, &actor);
}

/// A sensitive setting is changed.
pub(super) fn sensitive_configuration_patched(generator: &mut Generator, count: usize) {
    let kind = generator.choose(&[PolicyKind::Wifi, PolicyKind::Script]);
    let actor = generator.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    patch(generator, count, kind, &actor);
}

/// A policy is assigned to a group, or an assignment is removed.
pub(super) fn policy_assigned(generator: &mut Generator, count: usize) {
    let index = some_policy(generator, PolicyKind::Configuration);
    let policy = generator.tenant.policies[index].clone();
    let group = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[group].clone();
    let actor = generator.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Assign");
    let is_removed = generator.chance(25);
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
    let event = event(CONFIGURATION, &activity, OperationType::Assign, ResourceType::Policy)
        .shown_as(CONFIGURATION, &format!("{title} device configuration assignment 2.0 (beta)"))
        .by(&actor)
        .on(policy.target())
        .on_changed(named("DeviceManagementConfigurationPolicyAssignment", &id, ""), changes);
    generator.emit(count, vec![event]);
}

/// A configuration is renamed, then changed.
pub(super) fn policy_renamed(generator: &mut Generator, count: usize) {
    let kind = generator.choose(&[PolicyKind::Configuration, PolicyKind::Compliance]);
    let index = some_policy(generator, kind);
    let before = generator.tenant.policies[index].clone();
    generator.tenant.policies[index].rename();
    let (setting, old, new) = generator.tenant.policies[index].change_setting(&mut generator.rng);
    let policy = generator.tenant.policies[index].clone();
    let actor = generator.endpoint_administrator("Microsoft.Intune_DeviceConfigurations_Update");
    let (category, component, noun) = component(kind);
    let patched = |changes| {
        event(category, &format!("Patch {}", kind.wire_name()), OperationType::Update, ResourceType::Policy)
            .shown_as(component, &format!("Patch {noun}"))
            .by(&actor)
            .on_changed(policy.target(), changes)
    };
    let events = vec![
        patched(vec![plain("DisplayName", &before.name, &policy.name), plain(API_VERSION.0, "", API_VERSION.1)]),
        patched(vec![plain(setting, old, new), plain(API_VERSION.0, "", API_VERSION.1)]),
    ];
    generator.emit(count, events);
}

/// An administrator or a script reads data.
pub(super) fn searched(generator: &mut Generator, count: usize) {
    let actor = generator.endpoint_administrator("Microsoft.Intune_Organization_Read");
    let (verb, id) = if generator.chance(70) { ("Search", None) } else { ("Get", Some(guid(&mut generator.rng))) };
    let mut event =
        event(CONFIGURATION, &format!("{verb} CloudCertificationAuthority"), OperationType::Read, ResourceType::Policy)
            .shown_as(CONFIGURATION, &format!("{verb} cloud certification authority"))
            .by(&actor);
    if let Some(id) = id {
        event = event.on(named("CloudCertificationAuthority", &id, "Contoso Cloud PKI"));
    }
    generator.emit(count, vec![event]);
}

/// An application is published or changed, and assigned.
pub(super) fn app_published(generator: &mut Generator, count: usize) {
    let index = generator.rng.usize(..name::INSTALLED_APPS.len());
    let app = name::INSTALLED_APPS[index];
    let id = format!("5ba0c3d1-7e42-4f19-9c8d-0000000000{index:02x}");
    let actor = generator.endpoint_administrator("Microsoft.Intune_MobileApps_Update");
    let target = named("MobileApp", &id, app);
    let (minor, group) = (generator.rng.u32(1..40), generator.tenant.random_group(&mut generator.rng));
    let group = generator.tenant.groups[group].clone();
    let version = plain("DisplayVersion", &format!("5.{}", minor - 1), &format!("5.{minor}"));
    let mut patched = event("Application", "Patch MobileApp", OperationType::Update, ResourceType::Application)
        .shown_as("MobileApp", "Patch application")
        .by(&actor)
        .on_changed(target.clone(), vec![version, plain(API_VERSION.0, "", API_VERSION.1)]);
    if generator.chance(8) {
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
    generator.emit(count, vec![patched, assigned]);
}

/// A policy for Cloud PCs is changed or assigned.
pub(super) fn cloud_pc_configured(generator: &mut Generator, count: usize) {
    let index = some_policy(generator, PolicyKind::CloudPc);
    let actor = generator.cloud_pc_administrator();
    let (setting, before, after) = generator.tenant.policies[index].change_setting(&mut generator.rng);
    let policy = generator.tenant.policies[index].clone();
    let group = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[group].clone();
    let cloud = |activity: &str, operation| {
        DemoEvent::new(WINDOWS_365, "CloudPC", activity, operation, ResourceType::Policy)
            .shown_as("ProvisionPolicyControllerV1", activity)
            .by(&actor)
    };
    let events = vec![
        cloud("Patch CloudPcProvisioningPolicy", OperationType::Update)
            .on_changed(policy.target(), vec![plain(setting, before, after), plain(API_VERSION.0, "", "1.0")]),
        cloud("AssignToGroups CloudPcProvisioningPolicy", OperationType::Assign)
            .on_changed(policy.target(), vec![plain("Target.GroupId", "", &group.id)]),
    ];
    generator.emit(count, events);
}
