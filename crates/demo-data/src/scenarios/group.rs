//! Scenarios about groups: members, owners, names and rules.

use super::staff::membership;
use crate::generator::{DemoEvent, Generator, json, listed};
use crate::tenant::{AdminTeam, DirectoryGroup};
use model::{Actor, GroupSource, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "GroupManagement";
const SELF_SERVICE: &str = "Self-service Group Management";
/// The maximum number of members.
const MEMBERS_MAX: usize = 60;

/// Returns the actor of a change: the owner, an administrator, or Teams.
fn group_editor(generator: &mut Generator, group: &DirectoryGroup) -> Actor {
    match generator.rng.u32(0..10) {
        0..=2 if group.source == GroupSource::O365 => generator.microsoft_service("Microsoft Teams Services"),
        0..=4 => group.members.first().map_or_else(
            || generator.microsoft_service("Azure AD Cloud Sync"),
            |owner| generator.tenant.people[*owner].actor(),
        ),
        5..=7 => generator.administrator(AdminTeam::Help),
        _ => generator.administrator(AdminTeam::Identity),
    }
}

fn on_group(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    group: &DirectoryGroup,
    changes: Vec<ModifiedProperty>,
) -> DemoEvent {
    DemoEvent::directory(CATEGORY, activity, operation, ResourceType::Group)
        .by(actor)
        .on_changed(group.target(), changes)
        .of_source(group.source)
}

/// Adds a member to a group, or removes one if the group is full.
fn toggle_membership(generator: &mut Generator, index: usize, actor: &Actor, adds: bool) -> DemoEvent {
    let person = generator.tenant.random_user(&mut generator.rng);
    let members = &mut generator.tenant.groups[index].members;
    let adds = (adds || members.len() < 3) && members.len() < MEMBERS_MAX;
    let person = if adds {
        if !members.contains(&person) {
            members.push(person);
        }
        person
    } else {
        let last = generator.rng.usize(1..members.len());
        members.swap_remove(last)
    };
    let person = generator.tenant.people[person].clone();
    let activity = if adds { "Add member to group" } else { "Remove member from group" };
    membership(activity, actor, &person, &generator.tenant.groups[index])
}

/// A member is added.
pub(super) fn member_added(generator: &mut Generator, count: usize) {
    toggle_one(generator, count, true);
}

/// A member is removed.
pub(super) fn member_removed(generator: &mut Generator, count: usize) {
    toggle_one(generator, count, false);
}

fn toggle_one(generator: &mut Generator, count: usize, adds: bool) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[index].clone();
    let actor = group_editor(generator, &group);
    if generator.chance(2) {
        let person = generator.tenant.random_user(&mut generator.rng);
        let person = generator.tenant.people[person].clone();
        let event = membership("Add member to group", &actor, &person, &group).failed(
            "One or more added object references already exist for the following modified properties: 'members'.",
        );
        return generator.emit(count, vec![event]);
    }
    let event = toggle_membership(generator, index, &actor, adds);
    generator.emit(count, vec![event]);
}

/// An administrator imports a list of members.
pub(super) fn members_imported(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let actor = generator.administrator(AdminTeam::Identity);
    let mut events: Vec<DemoEvent> = (1..count).map(|_| toggle_membership(generator, index, &actor, true)).collect();
    let group = &generator.tenant.groups[index];
    events.push(
        DemoEvent::new(
            "Microsoft Entra Management UX",
            CATEGORY,
            "Bulk import group members - finished (bulk)",
            OperationType::Update,
            ResourceType::Group,
        )
        .by(&actor)
        .on(group.target())
        .of_source(group.source)
        .note("TotalCount", &(count - 1).to_string()),
    );
    generator.emit(count, events);
}

/// A group for a project is created.
pub(super) fn created(generator: &mut Generator, count: usize) {
    let index = generator.tenant.start_project(&mut generator.rng);
    let group = generator.tenant.groups[index].clone();
    let owner = group.members.first().map(|owner| generator.tenant.people[*owner].clone());
    let actor = group_editor(generator, &group);
    let changes = vec![
        listed("DisplayName", "", &group.name),
        ModifiedProperty::new("MailEnabled", None, json("[true]")),
        ModifiedProperty::new("SecurityEnabled", None, json("[false]")),
    ];
    let mut events = vec![on_group("Add group", OperationType::Create, &actor, &group, changes)];
    if let Some(owner) = owner {
        events.push(membership("Add owner to group", &actor, &owner, &group));
    }
    events.push(toggle_membership(generator, index, &actor, true));
    generator.emit(count, events);
}

/// A group's description or rule is changed.
pub(super) fn updated(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[index].clone();
    let actor = group_editor(generator, &group);
    let offices = ["Berlin", "Lisboa", "Zürich", "München"];
    let (before, after) = (generator.rng.usize(..2), generator.rng.usize(2..4));
    let changes = if group.source == GroupSource::AzureAd {
        let rule = |index: usize| format!(r#"(user.physicalDeliveryOfficeName -eq "{}")"#, offices[index]);
        vec![listed("MembershipRule", &rule(before), &rule(after))]
    } else {
        let description = |index: usize| format!("{}, {}", group.name, offices[index]);
        vec![listed("Description", &description(before), &description(after))]
    };
    generator.emit(count, vec![on_group("Update group", OperationType::Update, &actor, &group, changes)]);
}

/// A group is renamed.
pub(super) fn renamed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let before = generator.tenant.groups[index].name.clone();
    let stem = before.strip_suffix(" (archived)");
    generator.tenant.groups[index].name = stem.map_or_else(|| format!("{before} (archived)"), ToOwned::to_owned);
    let group = generator.tenant.groups[index].clone();
    let actor = generator.administrator(AdminTeam::Identity);
    let changes = vec![listed("DisplayName", &before, &group.name)];
    let events = vec![
        on_group("Update group", OperationType::Update, &actor, &group, changes),
        toggle_membership(generator, index, &actor, false),
    ];
    generator.emit(count, events);
}

/// A group is deleted.
pub(super) fn deleted(generator: &mut Generator, count: usize) {
    // Groups that people, licences and devices depend on are kept.
    let projects: Vec<usize> = (0..generator.tenant.groups.len())
        .filter(|index| generator.tenant.groups[*index].name.starts_with("Project "))
        .collect();
    if projects.len() < 8 {
        return updated(generator, count);
    }
    let index = generator.choose(&projects);
    let group = generator.tenant.groups.remove(index);
    let actor = generator.administrator(AdminTeam::Identity);
    let changes = vec![crate::generator::plain("Is Hard Deleted", "", "False")];
    generator.emit(count, vec![on_group("Delete group", OperationType::Delete, &actor, &group, changes)]);
}

/// A user requests membership, and the owner decides.
pub(super) fn joined_by_request(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[index].clone();
    let person = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[person].clone();
    let owner = group_editor(generator, &group);
    let step = |activity: &str, actor: &Actor| {
        DemoEvent::new(SELF_SERVICE, CATEGORY, activity, OperationType::Other, ResourceType::Group)
            .by(actor)
            .on(group.target())
            .on(person.named_target())
            .of_source(group.source)
    };
    let asked = step("Request to join a group", &person.actor());
    let events = if count == 2 {
        let reason = "The owner rejected the request: not a member of the project.";
        vec![asked, step("Reject a pending request to join a group", &owner).ended(Status::Success, reason)]
    } else {
        let added = membership("Add member to group", &owner, &person, &group);
        vec![asked, step("Approve a pending request to join a group", &owner), added]
    };
    generator.emit(count, events);
}

/// The self-service portal reads groups.
pub(super) fn read(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_group(&mut generator.rng);
    let group = generator.tenant.groups[index].clone();
    let person = generator.tenant.random_user(&mut generator.rng);
    let actor = generator.tenant.people[person].actor();
    let activity = generator.choose(&[
        "Group_GetDynamicGroupProperties",
        "Features_GetFeaturesAsync",
        "GroupLifecyclePolicies_Get",
    ]);
    let mut event =
        DemoEvent::new(SELF_SERVICE, CATEGORY, activity, OperationType::Read, ResourceType::Group).by(&actor);
    if activity.starts_with("Group_") {
        event = event.on(group.target()).of_source(group.source);
    }
    generator.emit(count, vec![event]);
}
