//! Scenarios about staff: employees join, change their names and leave, guests are invited, licences are assigned.

use super::payroll;
use super::person::on_person;
use crate::generator::{DemoEvent, Generator, json, listed, plain, text};
use crate::name;
use crate::tenant::{AdminTeam, DirectoryGroup, LICENCES, Person, guid};
use model::{Actor, ActorKind, GroupSource, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "UserManagement";
const LICENSING: &str = "Microsoft Azure AD Group-Based Licensing";

/// Returns the event of a person who is added to or removed from a group.
pub(super) fn membership(activity: &str, actor: &Actor, person: &Person, group: &DirectoryGroup) -> DemoEvent {
    let is_added = activity.starts_with("Add");
    let change = |name: &str, value: &str| {
        if is_added { plain(name, "", value) } else { plain(name, value, "") }
    };
    let changes = vec![change("Group.ObjectID", &group.id), change("Group.DisplayName", &group.name)];
    DemoEvent::directory("GroupManagement", activity, OperationType::Assign, ResourceType::Group)
        .by(actor)
        .on_changed(person.target(), changes)
        .on(group.target())
        .of_source(group.source)
}

/// Returns the licences of a person as JSON.
fn licences(bits: u8) -> Option<model::Json> {
    let held = LICENCES.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0);
    let texts: Vec<String> =
        held.map(|(_, (name, id))| format!(r#"{{"SkuName":"{name}","SkuId":"{id}","DisabledPlans":[]}}"#)).collect();
    json(&format!("[{}]", texts.join(",")))
}

fn licence_drafts(actor: &Actor, person: &Person, before: u8) -> [DemoEvent; 2] {
    let change = ModifiedProperty::new("AssignedLicense", licences(before), licences(person.licences));
    [
        on_person("Change user license", OperationType::Update, actor, person, Vec::new()),
        on_person("Update user", OperationType::Update, actor, person, vec![change]),
    ]
}

/// An employee joins.
pub(super) fn employee_joined(generator: &mut Generator, count: usize) {
    let index = generator.tenant.hire(&mut generator.rng);
    let group = generator.tenant.random_group(&mut generator.rng);
    generator.tenant.groups[group].members.push(index);
    let group = generator.tenant.groups[group].clone();
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Help);
    let changes = vec![
        ModifiedProperty::new("AccountEnabled", None, json("[true]")),
        listed("DisplayName", "", &person.display_name),
        listed("UserPrincipalName", "", &person.upn),
        listed("Department", "", person.department),
        listed("UserType", "", "Member"),
    ];
    let [licence, assigned] = licence_drafts(&actor, &person, 0);
    let events = vec![
        payroll::employee("Add employee", OperationType::Create, generator, &person, Vec::new()),
        on_person("Add user", OperationType::Create, &actor, &person, changes),
        membership("Add member to group", &actor, &person, &group),
        licence,
        assigned,
        on_person("Set force change user password", OperationType::Update, &actor, &person, Vec::new()),
    ];
    generator.emit(count, events);
}

/// An employee leaves.
pub(super) fn employee_left(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Identity);
    let group = generator.tenant.groups.iter().find(|group| group.members.contains(&index));
    let group = group.or(generator.tenant.groups.first()).cloned();
    let time = generator.timestamp();
    let disabled = ModifiedProperty::new("AccountEnabled", json("[true]"), json("[false]"));
    let mut events = vec![
        on_person("Disable account", OperationType::Update, &actor, &person, vec![disabled]),
        on_person(
            "Update StsRefreshTokenValidFrom Timestamp",
            OperationType::Update,
            &actor,
            &person,
            vec![listed("StsRefreshTokensValidFrom", "", &time)],
        ),
    ];
    events.extend(group.map(|group| membership("Remove member from group", &actor, &person, &group)));
    let deleted = plain("Is Hard Deleted", "", "False");
    events.push(on_person("Delete user", OperationType::Delete, &actor, &person, vec![deleted]));
    events.push(payroll::employee("Close employee file", OperationType::Update, generator, &person, Vec::new()));
    events.push(payroll::employee("Export final payslip", OperationType::Read, generator, &person, Vec::new()));
    generator.emit(count, events);
    if generator.tenant.active.len() > 180 {
        generator.tenant.leave(index);
    }
}

/// An employee is renamed: the display name and the principal name change, the id does not.
pub(super) fn employee_renamed(generator: &mut Generator, count: usize) {
    let mut index = generator.tenant.random_user(&mut generator.rng);
    for _ in 0..10 {
        // Names in other scripts have no family name to replace.
        if generator.tenant.people[index].display_name.starts_with(|c: char| c < '\u{250}') {
            break;
        }
        index = generator.tenant.random_user(&mut generator.rng);
    }
    let before = generator.tenant.people[index].clone();
    let (display_name, local) = name::married(&before.display_name, &mut generator.rng);
    let upn = generator.tenant.free_upn(&local, name::DOMAIN);
    let family = plain("FamilyName", family(&before.display_name), family(&display_name));
    let reported = payroll::employee("Change employee name", OperationType::Update, generator, &before, vec![family]);
    generator.emit_one(reported);
    generator.advance(240);

    let person = &mut generator.tenant.people[index];
    person.display_name = display_name;
    person.upn = upn;
    let person = person.clone();
    let actor = generator.microsoft_service("Azure AD Cloud Sync");
    let renamed = vec![
        listed("DisplayName", &before.display_name, &person.display_name),
        listed("UserPrincipalName", &before.upn, &person.upn),
    ];
    let event = DemoEvent::directory(CATEGORY, "Update user", OperationType::Update, ResourceType::User)
        .by(&actor)
        .on_changed(person.named_target(), renamed)
        .note("UserType", "Member");
    let greeting = DemoEvent::new(
        "Account Provisioning",
        "ProvisioningManagement",
        "Export",
        OperationType::Update,
        ResourceType::Application,
    )
    .by(&actor)
    .on(person.named_target())
    .ended(Status::Success, &format!("User '{}' was renamed to '{}'", before.upn, person.upn));
    generator.emit(count - 1, vec![event, greeting]);
}

fn family(display_name: &str) -> &str {
    display_name.split_once(' ').map_or(display_name, |(_, family)| family)
}

/// A guest is invited, and may accept.
pub(super) fn guest_invited(generator: &mut Generator, count: usize) {
    let host = generator.tenant.random_user(&mut generator.rng);
    let host = generator.tenant.people[host].actor();
    let (display_name, local) = name::person(&mut generator.rng);
    let partner = generator.choose(&["example.com", "example.org", "example.net"]);
    let mail = format!("{local}@{partner}");
    let external = generator.tenant.free_upn(&format!("{local}_{partner}#EXT#"), "contoso.onmicrosoft.com");
    let mut guest = generator.tenant.people[0].clone();
    (guest.id, guest.display_name, guest.upn) = (guid(&mut generator.rng), display_name, external);
    let invitation =
        DemoEvent::new("Invited Users", CATEGORY, "Invite external user", OperationType::Create, ResourceType::User)
            .by(&host)
            .on(guest.named_target())
            .note("InvitationId", &guid(&mut generator.rng))
            .note("invitedUserEmailAddress", &mail);
    if generator.chance(20) {
        // Some domains of partners are not permitted, and the invitation is repeated.
        let refused = invitation.failed("The domain of the invited user is not on the list of allowed domains.");
        for _ in 0..count {
            generator.emit_one(refused.clone());
            generator.advance(90);
        }
        return;
    }
    let changes = vec![listed("UserType", "", "Guest"), listed("UserPrincipalName", "", &guest.upn)];
    let portal = generator.microsoft_service("Microsoft Invitation Acceptance Portal");
    let added = DemoEvent::directory(CATEGORY, "Add user", OperationType::Create, ResourceType::User)
        .by(&host)
        .on_changed(guest.target(), changes)
        .note("UserType", "Guest");
    let redeemed = DemoEvent::new(
        "Invited Users",
        CATEGORY,
        "Redeem external user invite",
        OperationType::Update,
        ResourceType::User,
    )
    .by(&portal)
    .on(guest.named_target());
    generator.emit(count, vec![invitation, added, redeemed]);
}

/// An administrator assigns or removes a licence.
pub(super) fn licence_changed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let bit = 1 << generator.rng.usize(..LICENCES.len());
    let before = generator.tenant.people[index].licences;
    generator.tenant.people[index].licences ^= bit;
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Help);
    generator.emit(count, licence_drafts(&actor, &person, before).into());
}

/// A group assigns a licence.
pub(super) fn licence_by_group(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let before = generator.tenant.people[index].licences;
    generator.tenant.people[index].licences ^= 4;
    let person = generator.tenant.people[index].clone();
    let actor = generator.microsoft_service(LICENSING);
    let [_, assigned] = licence_drafts(&actor, &person, before);
    let events = vec![
        assigned,
        DemoEvent::directory(
            "GroupManagement",
            "Finish applying group based license to user",
            OperationType::Assign,
            ResourceType::Group,
        )
        .by(&actor)
        .on(person.target())
        .on(licence_group(generator))
        .of_source(GroupSource::AzureAd),
    ];
    generator.emit(count, events);
}

fn licence_group(generator: &Generator) -> model::Target {
    let group = generator.tenant.groups.iter().find(|group| group.name.starts_with("LIC-"));
    group.or(generator.tenant.groups.first()).map(DirectoryGroup::target).unwrap_or_default()
}

/// The group has more members than licences. The source logs no actor.
pub(super) fn licences_ran_out(generator: &mut Generator, count: usize) {
    let unknown_actor = Actor::new(ActorKind::Unknown);
    let group = licence_group(generator);
    for _ in 0..count {
        let index = generator.tenant.random_user(&mut generator.rng);
        let person = generator.tenant.people[index].clone();
        let error = ModifiedProperty::new("LicenseAssignmentError", None, text("CountViolation"));
        let event = DemoEvent::directory(
            "GroupManagement",
            "Finish applying group based license to user",
            OperationType::Assign,
            ResourceType::Group,
        )
        .by(&unknown_actor)
        .on_changed(person.target(), vec![error])
        .on(group.clone())
        .of_source(GroupSource::AzureAd)
        .failed("CountViolation: no more licences of this product are available.");
        generator.emit_one(event);
    }
}
