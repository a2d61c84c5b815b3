//! Scenarios about directory policies, mainly Conditional Access.

use crate::generator::{DemoEvent, Generator, json, plain};
use crate::policy::PolicyKind;
use crate::tenant::{AdminTeam, named};
use model::{ModifiedProperty, OperationType, ResourceType};

const SERVICE: &str = "Conditional Access";
const CATEGORY: &str = "Policy";

/// Returns the index of a random policy of this kind.
pub(super) fn some_policy(generator: &mut Generator, kind: PolicyKind) -> usize {
    let indices: Vec<usize> =
        (0..generator.tenant.policies.len()).filter(|index| generator.tenant.policies[*index].kind == kind).collect();
    generator.choose(&indices)
}

fn change_setting(generator: &mut Generator, count: usize, is_renamed: bool) {
    let index = some_policy(generator, PolicyKind::ConditionalAccess);
    let group = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[group].id.clone();
    let actor = generator.administrator(AdminTeam::Security);
    let excludes = generator.chance(35);
    // A refused change is logged once and has no effect.
    let is_refused = count == 1 && !is_renamed && generator.chance(8);
    let policy = &mut generator.tenant.policies[index];
    let (unchanged, before) = (policy.clone(), policy.document());
    if is_renamed {
        policy.rename();
    } else if excludes {
        policy.toggle_exclusion(&group);
    } else {
        policy.change_setting(&mut generator.rng);
    }
    let change = ModifiedProperty::new("ConditionalAccessPolicy", json(&before), json(&policy.document()));
    let (target, name) = (policy.target(), policy.name.clone());
    let event = DemoEvent::new(
        SERVICE,
        CATEGORY,
        "Update conditional access policy",
        OperationType::Update,
        ResourceType::Policy,
    )
    .by(&actor)
    .on_changed(target.clone(), vec![change])
    .note("Category", "Conditional Access");
    let event = if is_refused {
        generator.tenant.policies[index] = unchanged;
        event.failed("The policy would lock out all administrators.")
    } else {
        event
    };
    let echo = DemoEvent::directory(CATEGORY, "Update policy", OperationType::Update, ResourceType::Policy)
        .by(&actor)
        .on_changed(target, vec![plain("Policy.DisplayName", "", &name)]);
    generator.emit(count, vec![event, echo]);
}

/// A policy is changed, which both services log.
pub(super) fn conditional_access_updated(generator: &mut Generator, count: usize) {
    change_setting(generator, count, false);
}

/// A policy is renamed.
pub(super) fn conditional_access_renamed(generator: &mut Generator, count: usize) {
    change_setting(generator, count, true);
}

/// A named location is changed.
pub(super) fn location_updated(generator: &mut Generator, count: usize) {
    let actor = generator.administrator(AdminTeam::Security);
    let (id, name) = generator.choose(&[
        ("f0e6c1d2-3b4a-4958-8776-655443322110", "Offices"),
        ("a1b2c3d4-9f8e-4d7c-8b6a-594837261504", "VPN exits"),
    ]);
    let ranges = |last: u32| {
        json(&format!(
            r#"{{"displayName":"{name}","isTrusted":true,"ipRanges":["203.0.113.0/28","198.51.100.{last}/32","2001:db8:44::/48"]}}"#
        ))
    };
    let (before, after) = (generator.rng.u32(10..120), generator.rng.u32(120..250));
    let change = ModifiedProperty::new("IpNamedLocation", ranges(before), ranges(after));
    let event = DemoEvent::new(SERVICE, CATEGORY, "Update named location", OperationType::Update, ResourceType::Policy)
        .by(&actor)
        .on_changed(named("Policy", id, name), vec![change]);
    generator.emit(count, vec![event]);
}

/// The permitted authentication methods are changed.
pub(super) fn methods_updated(generator: &mut Generator, count: usize) {
    let actor = generator.administrator(AdminTeam::Security);
    let method = generator.choose(&["Sms", "Fido2", "MicrosoftAuthenticator", "TemporaryAccessPass"]);
    let method_in =
        |state: &str| json(&format!(r#"{{"id":"{method}","state":"{state}","includeTargets":["all_users"]}}"#));
    let change = ModifiedProperty::new("AuthenticationMethodsPolicy", method_in("disabled"), method_in("enabled"));
    let event = DemoEvent::new(
        "Authentication Methods",
        "ApplicationManagement",
        "Authentication Methods Policy Update",
        OperationType::Update,
        ResourceType::Policy,
    )
    .by(&actor)
    .on_changed(named("Policy", "authenticationMethodsPolicy", "Authentication Methods Policy"), vec![change]);
    generator.emit(count, vec![event]);
}
