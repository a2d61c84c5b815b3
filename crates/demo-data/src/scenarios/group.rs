//! What happens to groups: members and owners, names and rules.

use super::staff::membership;
use crate::stage::{Draft, Stage, json, listed};
use crate::tenant::{Desk, Group};
use model::{Actor, GroupSource, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "GroupManagement";
const SELF_SERVICE: &str = "Self-service Group Management";
/// From how many members on nobody is added any more.
const MEMBERS_MAX: usize = 60;

/// Whoever cares for a group today: its owner, an administrator, or Teams.
fn keeper(stage: &mut Stage, group: &Group) -> Actor {
    match stage.rng.u32(0..10) {
        0..=2 if group.source == GroupSource::O365 => stage.machine("Microsoft Teams Services"),
        0..=4 => group
            .members
            .first()
            .map_or_else(|| stage.machine("Azure AD Cloud Sync"), |owner| stage.tenant.people[*owner].actor()),
        5..=7 => stage.administrator(Desk::Help),
        _ => stage.administrator(Desk::Identity),
    }
}

fn on_group(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    group: &Group,
    changes: Vec<ModifiedProperty>,
) -> Draft {
    Draft::directory(CATEGORY, activity, operation, ResourceType::Group)
        .by(actor)
        .on_changed(group.target(), changes)
        .of_source(group.source)
}

/// Adds somebody to a group, or removes somebody if it is full.
fn turn_membership(stage: &mut Stage, place: usize, actor: &Actor, adds: bool) -> Draft {
    let person = stage.tenant.somebody(&mut stage.rng);
    let members = &mut stage.tenant.groups[place].members;
    let adds = (adds || members.len() < 3) && members.len() < MEMBERS_MAX;
    let person = if adds {
        if !members.contains(&person) {
            members.push(person);
        }
        person
    } else {
        let last = stage.rng.usize(1..members.len());
        members.swap_remove(last)
    };
    let person = stage.tenant.people[person].clone();
    let activity = if adds { "Add member to group" } else { "Remove member from group" };
    membership(activity, actor, &person, &stage.tenant.groups[place])
}

/// Somebody becomes a member.
pub(super) fn member_added(stage: &mut Stage, count: usize) {
    turn_one(stage, count, true);
}

/// Somebody is no longer a member.
pub(super) fn member_removed(stage: &mut Stage, count: usize) {
    turn_one(stage, count, false);
}

fn turn_one(stage: &mut Stage, count: usize, adds: bool) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[place].clone();
    let actor = keeper(stage, &group);
    if stage.chance(2) {
        let person = stage.tenant.somebody(&mut stage.rng);
        let person = stage.tenant.people[person].clone();
        let draft = membership("Add member to group", &actor, &person, &group).failed(
            "One or more added object references already exist for the following modified properties: 'members'.",
        );
        return stage.tell(count, vec![draft]);
    }
    let draft = turn_membership(stage, place, &actor, adds);
    stage.tell(count, vec![draft]);
}

/// An administrator imports a list of members.
pub(super) fn members_imported(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let actor = stage.administrator(Desk::Identity);
    let mut drafts: Vec<Draft> = (1..count).map(|_| turn_membership(stage, place, &actor, true)).collect();
    let group = &stage.tenant.groups[place];
    drafts.push(
        Draft::new(
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
    stage.tell(count, drafts);
}

/// A project gets a group of its own.
pub(super) fn created(stage: &mut Stage, count: usize) {
    let place = stage.tenant.start_project(&mut stage.rng);
    let group = stage.tenant.groups[place].clone();
    let owner = group.members.first().map(|owner| stage.tenant.people[*owner].clone());
    let actor = keeper(stage, &group);
    let changes = vec![
        listed("DisplayName", "", &group.name),
        ModifiedProperty::new("MailEnabled", None, json("[true]")),
        ModifiedProperty::new("SecurityEnabled", None, json("[false]")),
    ];
    let mut drafts = vec![on_group("Add group", OperationType::Create, &actor, &group, changes)];
    if let Some(owner) = owner {
        drafts.push(membership("Add owner to group", &actor, &owner, &group));
    }
    drafts.push(turn_membership(stage, place, &actor, true));
    stage.tell(count, drafts);
}

/// A group's description or rule changes.
pub(super) fn updated(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[place].clone();
    let actor = keeper(stage, &group);
    let offices = ["Berlin", "Lisboa", "Zürich", "München"];
    let (before, after) = (stage.rng.usize(..2), stage.rng.usize(2..4));
    let changes = if group.source == GroupSource::AzureAd {
        let rule = |place: usize| format!(r#"(user.physicalDeliveryOfficeName -eq "{}")"#, offices[place]);
        vec![listed("MembershipRule", &rule(before), &rule(after))]
    } else {
        let description = |place: usize| format!("{}, {}", group.name, offices[place]);
        vec![listed("Description", &description(before), &description(after))]
    };
    stage.tell(count, vec![on_group("Update group", OperationType::Update, &actor, &group, changes)]);
}

/// A group gets another name and keeps its id.
pub(super) fn renamed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let before = stage.tenant.groups[place].name.clone();
    let stem = before.strip_suffix(" (archived)");
    stage.tenant.groups[place].name = stem.map_or_else(|| format!("{before} (archived)"), ToOwned::to_owned);
    let group = stage.tenant.groups[place].clone();
    let actor = stage.administrator(Desk::Identity);
    let changes = vec![listed("DisplayName", &before, &group.name)];
    let drafts = vec![
        on_group("Update group", OperationType::Update, &actor, &group, changes),
        turn_membership(stage, place, &actor, false),
    ];
    stage.tell(count, drafts);
}

/// A group is deleted.
pub(super) fn deleted(stage: &mut Stage, count: usize) {
    // The groups that people, licences and devices depend on stay.
    let projects: Vec<usize> = (0..stage.tenant.groups.len())
        .filter(|place| stage.tenant.groups[*place].name.starts_with("Project "))
        .collect();
    if projects.len() < 8 {
        return updated(stage, count);
    }
    let place = stage.one_of(&projects);
    let group = stage.tenant.groups.remove(place);
    let actor = stage.administrator(Desk::Identity);
    let changes = vec![crate::stage::plain("Is Hard Deleted", "", "False")];
    stage.tell(count, vec![on_group("Delete group", OperationType::Delete, &actor, &group, changes)]);
}

/// Somebody asks to become a member, and the owner decides.
pub(super) fn joined_by_request(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[place].clone();
    let person = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[person].clone();
    let owner = keeper(stage, &group);
    let step = |activity: &str, actor: &Actor| {
        Draft::new(SELF_SERVICE, CATEGORY, activity, OperationType::Other, ResourceType::Group)
            .by(actor)
            .on(group.target())
            .on(person.named_target())
            .of_source(group.source)
    };
    let asked = step("Request to join a group", &person.actor());
    let drafts = if count == 2 {
        let reason = "The owner rejected the request: not a member of the project.";
        vec![asked, step("Reject a pending request to join a group", &owner).ended(Status::Success, reason)]
    } else {
        let added = membership("Add member to group", &owner, &person, &group);
        vec![asked, step("Approve a pending request to join a group", &owner), added]
    };
    stage.tell(count, drafts);
}

/// The self-service portal reads.
pub(super) fn read(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_group(&mut stage.rng);
    let group = stage.tenant.groups[place].clone();
    let person = stage.tenant.somebody(&mut stage.rng);
    let actor = stage.tenant.people[person].actor();
    let activity =
        stage.one_of(&["Group_GetDynamicGroupProperties", "Features_GetFeaturesAsync", "GroupLifecyclePolicies_Get"]);
    let mut draft = Draft::new(SELF_SERVICE, CATEGORY, activity, OperationType::Read, ResourceType::Group).by(&actor);
    if activity.starts_with("Group_") {
        draft = draft.on(group.target()).of_source(group.source);
    }
    stage.tell(count, vec![draft]);
}
