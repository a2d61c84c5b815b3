//! Who is there: people join, marry and leave, guests are invited, licences come and go.

use super::payroll;
use super::person::on_person;
use crate::name;
use crate::stage::{Draft, Stage, json, listed, plain, text};
use crate::tenant::{Desk, Group, LICENCES, Person, guid};
use model::{Actor, ActorKind, GroupSource, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "UserManagement";
const LICENSING: &str = "Microsoft Azure AD Group-Based Licensing";

/// A person becomes, or is no longer, a member of a group.
pub(super) fn membership(activity: &str, actor: &Actor, person: &Person, group: &Group) -> Draft {
    let is_added = activity.starts_with("Add");
    let change = |name: &str, value: &str| {
        if is_added { plain(name, "", value) } else { plain(name, value, "") }
    };
    let changes = vec![change("Group.ObjectID", &group.id), change("Group.DisplayName", &group.name)];
    Draft::directory("GroupManagement", activity, OperationType::Assign, ResourceType::Group)
        .by(actor)
        .on_changed(person.target(), changes)
        .on(group.target())
        .of_source(group.source)
}

/// The licences of a person as JSON.
fn licences(bits: u8) -> Option<model::Json> {
    let held = LICENCES.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0);
    let texts: Vec<String> =
        held.map(|(_, (name, id))| format!(r#"{{"SkuName":"{name}","SkuId":"{id}","DisabledPlans":[]}}"#)).collect();
    json(&format!("[{}]", texts.join(",")))
}

fn licence_drafts(actor: &Actor, person: &Person, before: u8) -> [Draft; 2] {
    let change = ModifiedProperty::new("AssignedLicense", licences(before), licences(person.licences));
    [
        on_person("Change user license", OperationType::Update, actor, person, Vec::new()),
        on_person("Update user", OperationType::Update, actor, person, vec![change]),
    ]
}

/// Somebody starts to work here.
pub(super) fn joins(stage: &mut Stage, count: usize) {
    let place = stage.tenant.hire(&mut stage.rng);
    let group = stage.tenant.some_group(&mut stage.rng);
    stage.tenant.groups[group].members.push(place);
    let group = stage.tenant.groups[group].clone();
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Help);
    let changes = vec![
        ModifiedProperty::new("AccountEnabled", None, json("[true]")),
        listed("DisplayName", "", &person.display_name),
        listed("UserPrincipalName", "", &person.upn),
        listed("Department", "", person.department),
        listed("UserType", "", "Member"),
    ];
    let [licence, assigned] = licence_drafts(&actor, &person, 0);
    let drafts = vec![
        payroll::employee("Add employee", OperationType::Create, stage, &person, Vec::new()),
        on_person("Add user", OperationType::Create, &actor, &person, changes),
        membership("Add member to group", &actor, &person, &group),
        licence,
        assigned,
        on_person("Set force change user password", OperationType::Update, &actor, &person, Vec::new()),
    ];
    stage.tell(count, drafts);
}

/// Somebody's last day.
pub(super) fn leaves(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Identity);
    let group = stage.tenant.groups.iter().find(|group| group.members.contains(&place));
    let group = group.or(stage.tenant.groups.first()).cloned();
    let moment = stage.time_text();
    let disabled = ModifiedProperty::new("AccountEnabled", json("[true]"), json("[false]"));
    let mut drafts = vec![
        on_person("Disable account", OperationType::Update, &actor, &person, vec![disabled]),
        on_person(
            "Update StsRefreshTokenValidFrom Timestamp",
            OperationType::Update,
            &actor,
            &person,
            vec![listed("StsRefreshTokensValidFrom", "", &moment)],
        ),
    ];
    drafts.extend(group.map(|group| membership("Remove member from group", &actor, &person, &group)));
    let deleted = plain("Is Hard Deleted", "", "False");
    drafts.push(on_person("Delete user", OperationType::Delete, &actor, &person, vec![deleted]));
    drafts.push(payroll::employee("Close employee file", OperationType::Update, stage, &person, Vec::new()));
    drafts.push(payroll::employee("Export final payslip", OperationType::Read, stage, &person, Vec::new()));
    stage.tell(count, drafts);
    if stage.tenant.active.len() > 180 {
        stage.tenant.leave(place);
    }
}

/// Somebody takes another name: the display name and the principal name change, the id stays.
pub(super) fn marries(stage: &mut Stage, count: usize) {
    let mut place = stage.tenant.somebody(&mut stage.rng);
    for _ in 0..10 {
        // The other scripts have no second name to exchange.
        if stage.tenant.people[place].display_name.starts_with(|c: char| c < '\u{250}') {
            break;
        }
        place = stage.tenant.somebody(&mut stage.rng);
    }
    let before = stage.tenant.people[place].clone();
    let (display_name, local) = name::married(&before.display_name, &mut stage.rng);
    let upn = stage.tenant.free_upn(&local, name::DOMAIN);
    let family = plain("FamilyName", family(&before.display_name), family(&display_name));
    let reported = payroll::employee("Change employee name", OperationType::Update, stage, &before, vec![family]);
    stage.tell_one(reported);
    stage.pass(240);

    let person = &mut stage.tenant.people[place];
    person.display_name = display_name;
    person.upn = upn;
    let person = person.clone();
    let actor = stage.machine("Azure AD Cloud Sync");
    let renamed = vec![
        listed("DisplayName", &before.display_name, &person.display_name),
        listed("UserPrincipalName", &before.upn, &person.upn),
    ];
    let draft = Draft::directory(CATEGORY, "Update user", OperationType::Update, ResourceType::User)
        .by(&actor)
        .on_changed(person.named_target(), renamed)
        .note("UserType", "Member");
    let greeting = Draft::new(
        "Account Provisioning",
        "ProvisioningManagement",
        "Export",
        OperationType::Update,
        ResourceType::Application,
    )
    .by(&actor)
    .on(person.named_target())
    .ended(Status::Success, &format!("User '{}' was renamed to '{}'", before.upn, person.upn));
    stage.tell(count - 1, vec![draft, greeting]);
}

fn family(display_name: &str) -> &str {
    display_name.split_once(' ').map_or(display_name, |(_, family)| family)
}

/// A guest is invited, and perhaps comes.
pub(super) fn guest_invited(stage: &mut Stage, count: usize) {
    let host = stage.tenant.somebody(&mut stage.rng);
    let host = stage.tenant.people[host].actor();
    let (display_name, local) = name::person(&mut stage.rng);
    let partner = stage.one_of(&["example.com", "example.org", "example.net"]);
    let mail = format!("{local}@{partner}");
    let external = stage.tenant.free_upn(&format!("{local}_{partner}#EXT#"), "contoso.onmicrosoft.com");
    let mut guest = stage.tenant.people[0].clone();
    (guest.id, guest.display_name, guest.upn) = (guid(&mut stage.rng), display_name, external);
    let invitation =
        Draft::new("Invited Users", CATEGORY, "Invite external user", OperationType::Create, ResourceType::User)
            .by(&host)
            .on(guest.named_target())
            .note("InvitationId", &guid(&mut stage.rng))
            .note("invitedUserEmailAddress", &mail);
    if stage.chance(20) {
        // Partners' domains are sometimes not allowed, and people try again.
        let refused = invitation.failed("The domain of the invited user is not on the list of allowed domains.");
        for _ in 0..count {
            stage.tell_one(refused.clone());
            stage.pass(90);
        }
        return;
    }
    let changes = vec![listed("UserType", "", "Guest"), listed("UserPrincipalName", "", &guest.upn)];
    let portal = stage.machine("Microsoft Invitation Acceptance Portal");
    let added = Draft::directory(CATEGORY, "Add user", OperationType::Create, ResourceType::User)
        .by(&host)
        .on_changed(guest.target(), changes)
        .note("UserType", "Guest");
    let redeemed =
        Draft::new("Invited Users", CATEGORY, "Redeem external user invite", OperationType::Update, ResourceType::User)
            .by(&portal)
            .on(guest.named_target());
    stage.tell(count, vec![invitation, added, redeemed]);
}

/// An administrator gives or takes a licence.
pub(super) fn licence_changed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let bit = 1 << stage.rng.usize(..LICENCES.len());
    let before = stage.tenant.people[place].licences;
    stage.tenant.people[place].licences ^= bit;
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Help);
    stage.tell(count, licence_drafts(&actor, &person, before).into());
}

/// A group gives a licence.
pub(super) fn licence_by_group(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let before = stage.tenant.people[place].licences;
    stage.tenant.people[place].licences ^= 4;
    let person = stage.tenant.people[place].clone();
    let actor = stage.machine(LICENSING);
    let [_, assigned] = licence_drafts(&actor, &person, before);
    let drafts = vec![
        assigned,
        Draft::directory(
            "GroupManagement",
            "Finish applying group based license to user",
            OperationType::Assign,
            ResourceType::Group,
        )
        .by(&actor)
        .on(person.target())
        .on(licence_group(stage))
        .of_source(GroupSource::AzureAd),
    ];
    stage.tell(count, drafts);
}

fn licence_group(stage: &Stage) -> model::Target {
    let group = stage.tenant.groups.iter().find(|group| group.name.starts_with("LIC-"));
    group.or(stage.tenant.groups.first()).map(Group::target).unwrap_or_default()
}

/// There are more people in the group than licences. The source does not say who tried.
pub(super) fn licences_ran_out(stage: &mut Stage, count: usize) {
    let nobody = Actor::new(ActorKind::Unknown);
    let group = licence_group(stage);
    for _ in 0..count {
        let place = stage.tenant.somebody(&mut stage.rng);
        let person = stage.tenant.people[place].clone();
        let error = ModifiedProperty::new("LicenseAssignmentError", None, text("CountViolation"));
        let draft = Draft::directory(
            "GroupManagement",
            "Finish applying group based license to user",
            OperationType::Assign,
            ResourceType::Group,
        )
        .by(&nobody)
        .on_changed(person.target(), vec![error])
        .on(group.clone())
        .of_source(GroupSource::AzureAd)
        .failed("CountViolation: no more licences of this product are available.");
        stage.tell_one(draft);
    }
}
