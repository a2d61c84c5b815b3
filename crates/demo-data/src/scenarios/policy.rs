//! What happens to the directory's policies: Conditional Access above all.

use crate::policy::PolicyKind;
use crate::stage::{Draft, Stage, json, plain};
use crate::tenant::{Desk, named};
use model::{ModifiedProperty, OperationType, ResourceType};

const SERVICE: &str = "Conditional Access";
const CATEGORY: &str = "Policy";

/// The place of a policy of this kind.
pub(super) fn some_policy(stage: &mut Stage, kind: PolicyKind) -> usize {
    let places: Vec<usize> =
        (0..stage.tenant.policies.len()).filter(|place| stage.tenant.policies[*place].kind == kind).collect();
    stage.one_of(&places)
}

fn turn(stage: &mut Stage, count: usize, is_renamed: bool) {
    let place = some_policy(stage, PolicyKind::ConditionalAccess);
    let group = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[group].id.clone();
    let actor = stage.administrator(Desk::Security);
    let excludes = stage.chance(35);
    // A change that is refused is logged once, and nothing comes of it.
    let is_refused = count == 1 && !is_renamed && stage.chance(8);
    let policy = &mut stage.tenant.policies[place];
    let (unchanged, before) = (policy.clone(), policy.document());
    if is_renamed {
        policy.rename();
    } else if excludes {
        policy.turn_exclusion(&group);
    } else {
        policy.turn(&mut stage.rng);
    }
    let change = ModifiedProperty::new("ConditionalAccessPolicy", json(&before), json(&policy.document()));
    let (target, name) = (policy.target(), policy.name.clone());
    let draft =
        Draft::new(SERVICE, CATEGORY, "Update conditional access policy", OperationType::Update, ResourceType::Policy)
            .by(&actor)
            .on_changed(target.clone(), vec![change])
            .note("Category", "Conditional Access");
    let draft = if is_refused {
        stage.tenant.policies[place] = unchanged;
        draft.failed("The policy would lock out all administrators.")
    } else {
        draft
    };
    let echo = Draft::directory(CATEGORY, "Update policy", OperationType::Update, ResourceType::Policy)
        .by(&actor)
        .on_changed(target, vec![plain("Policy.DisplayName", "", &name)]);
    stage.tell(count, vec![draft, echo]);
}

/// A policy changes; both services log it.
pub(super) fn conditional_access_updated(stage: &mut Stage, count: usize) {
    turn(stage, count, false);
}

/// A policy gets another name.
pub(super) fn conditional_access_renamed(stage: &mut Stage, count: usize) {
    turn(stage, count, true);
}

/// A named location changes.
pub(super) fn location_updated(stage: &mut Stage, count: usize) {
    let actor = stage.administrator(Desk::Security);
    let (id, name) = stage.one_of(&[
        ("f0e6c1d2-3b4a-4958-8776-655443322110", "Offices"),
        ("a1b2c3d4-9f8e-4d7c-8b6a-594837261504", "VPN exits"),
    ]);
    let ranges = |last: u32| {
        json(&format!(
            r#"{{"displayName":"{name}","isTrusted":true,"ipRanges":["203.0.113.0/28","198.51.100.{last}/32","2001:db8:44::/48"]}}"#
        ))
    };
    let (before, after) = (stage.rng.u32(10..120), stage.rng.u32(120..250));
    let change = ModifiedProperty::new("IpNamedLocation", ranges(before), ranges(after));
    let draft = Draft::new(SERVICE, CATEGORY, "Update named location", OperationType::Update, ResourceType::Policy)
        .by(&actor)
        .on_changed(named("Policy", id, name), vec![change]);
    stage.tell(count, vec![draft]);
}

/// The methods that people may sign in with change.
pub(super) fn methods_updated(stage: &mut Stage, count: usize) {
    let actor = stage.administrator(Desk::Security);
    let method = stage.one_of(&["Sms", "Fido2", "MicrosoftAuthenticator", "TemporaryAccessPass"]);
    let method_in =
        |state: &str| json(&format!(r#"{{"id":"{method}","state":"{state}","includeTargets":["all_users"]}}"#));
    let change = ModifiedProperty::new("AuthenticationMethodsPolicy", method_in("disabled"), method_in("enabled"));
    let draft = Draft::new(
        "Authentication Methods",
        "ApplicationManagement",
        "Authentication Methods Policy Update",
        OperationType::Update,
        ResourceType::Policy,
    )
    .by(&actor)
    .on_changed(named("Policy", "authenticationMethodsPolicy", "Authentication Methods Policy"), vec![change]);
    stage.tell(count, vec![draft]);
}
