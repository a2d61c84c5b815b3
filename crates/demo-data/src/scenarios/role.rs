//! Scenarios about directory roles: permanent and temporary assignments.

use crate::generator::{DemoEvent, Generator, json, plain};
use crate::tenant::{AdminTeam, Person, TENANT_ID, guid, named};
use model::{Actor, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "RoleManagement";
const PIM: &str = "PIM";

/// A directory role: its name, template id and id in the tenant.
type DirectoryRole = (&'static str, &'static str, &'static str);

const ROLES: &[DirectoryRole] = &[
    ("Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8", "0a4c1b0e-7d53-4a26-9a4e-8f3a2f0f6c11"),
    ("Intune Administrator", "3a2c62db-5318-420d-8d74-23affee5d9d5", "1be2a7c4-12d0-4f0b-8c62-4c1de0a91d22"),
    ("Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509", "2cf3b8d5-23e1-4a1c-9d73-5d2ef1ba2e33"),
    ("Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "3d04c9e6-34f2-4b2d-8e84-6e3f02cb3f44"),
    ("Reports Reader", "4a5d8f65-41da-4de4-8968-e035b65339cf", "4e15daf7-4503-4c3e-9f95-7f4013dc4055"),
    ("Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814", "5f26eb08-5614-4d4f-80a6-805124ed5166"),
    ("Global Administrator", "62e90394-69f5-4237-9190-012177145e10", "6037fc19-6725-4e50-91b7-916235fe6277"),
];

const JUSTIFICATIONS: &[&str] = &[
    "Ticket 48213: mailbox migration",
    "On call",
    "Device wipe for a lost laptop",
    "Quarterly access review",
    "Änderung laut Freigabe CR-1187",
    "Incident 2207, need to read the sign-in log",
];

/// Returns the event of the directory about an assigned or removed role.
fn directory_event(activity: &str, actor: &Actor, person: &Person, role: DirectoryRole) -> DemoEvent {
    let is_added = activity.starts_with("Add");
    let change = |name: &str, value: &str| {
        if is_added { plain(name, "", value) } else { plain(name, value, "") }
    };
    let changes = vec![
        change("Role.ObjectID", role.2),
        change("Role.DisplayName", role.0),
        change("Role.TemplateId", role.1),
        change("Role.WellKnownObjectName", &role.0.replace(' ', "")),
    ];
    DemoEvent::directory(CATEGORY, activity, OperationType::Assign, ResourceType::User)
        .by(actor)
        .on_changed(person.target(), changes)
        .on(named("Role", role.2, role.0))
}

/// Returns the event of Privileged Identity Management about an assigned or removed role.
fn pim_event(activity: &str, actor: &Actor, person: &Person, role: DirectoryRole, request: &str) -> DemoEvent {
    let template = vec![
        ModifiedProperty::new("RoleDefinitionOriginId", json(r#""""#), json(&format!("\"{}\"", role.1))),
        ModifiedProperty::new("RoleDefinitionOriginType", json(r#""""#), json(r#""BuiltInRole""#)),
        ModifiedProperty::new("TemplateId", json(r#""""#), json(&format!("\"{}\"", role.1))),
    ];
    DemoEvent::new(PIM, CATEGORY, activity, OperationType::Assign, ResourceType::User)
        .by(actor)
        .on_changed(named("Role", role.2, role.0), template)
        .on(model::Target {
            object_id: Some(request.to_owned()),
            kind: Some("Request".to_owned()),
            ..model::Target::default()
        })
        .on(person.named_target())
        .on(named("Directory", TENANT_ID, "Contoso"))
        .note("RoleDefinitionOriginId", role.1)
        .note("RoleDefinitionOriginType", "BuiltInRole")
        .note("TemplateId", role.1)
        .note("tid", TENANT_ID)
        .note("RequestId", request)
}

/// Returns a random administrator and a role.
fn candidate(generator: &mut Generator) -> (Person, DirectoryRole) {
    let team = generator.choose(&[
        AdminTeam::Help,
        AdminTeam::Help,
        AdminTeam::Endpoint,
        AdminTeam::Security,
        AdminTeam::Apps,
        AdminTeam::Identity,
    ]);
    let role = match team {
        AdminTeam::Help => ROLES[0],
        AdminTeam::Endpoint => ROLES[1],
        AdminTeam::Security => generator.choose(&[ROLES[2], ROLES[4]]),
        AdminTeam::Apps => ROLES[3],
        AdminTeam::Identity => generator.choose(&[ROLES[5], ROLES[6]]),
    };
    (generator.tenant.administrator(team, &mut generator.rng), role)
}

/// Returns the person as an actor in PIM, with a display name.
fn named_user(person: &Person) -> Actor {
    let mut actor = person.actor();
    actor.display_name = Some(person.display_name.clone());
    actor.user_agent = None;
    actor
}

/// A role is assigned outside of PIM, which PIM detects.
pub(super) fn granted(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let role = generator.choose(&ROLES[..5]);
    let actor = generator.administrator(AdminTeam::Identity);
    let watcher = generator.microsoft_service("Azure AD PIM");
    let request = guid(&mut generator.rng);
    let events = vec![
        directory_event("Add member to role", &actor, &person, role),
        pim_event("Add member to role outside of PIM (permanent)", &watcher, &person, role, &request),
    ];
    generator.emit(count, events);
}

/// An administrator activates a role for some hours.
pub(super) fn activated(generator: &mut Generator, count: usize) {
    let (person, role) = candidate(generator);
    let actor = named_user(&person);
    let approver = generator.tenant.administrator(AdminTeam::Security, &mut generator.rng);
    let approver = named_user(&approver);
    let watcher = generator.microsoft_service("Azure AD PIM");
    let request = guid(&mut generator.rng);
    let justification = generator.choose(JUSTIFICATIONS);
    let start = generator.timestamp();
    let step = |activity: &str, actor: &Actor| {
        pim_event(activity, actor, &person, role, &request)
            .note("Justification", justification)
            .note("StartTime", &start)
            .ended(Status::Success, justification)
    };
    let mut events = vec![step("Add member to role requested (PIM activation)", &actor)];
    if count > 3 {
        events.push(step("Add member to role request approved (PIM activation)", &approver));
    }
    events.push(directory_event("Add member to role", &watcher, &person, role));
    events.push(step("Add member to role completed (PIM activation)", &actor));
    generator.emit(count, events);
}

/// An activation expires.
pub(super) fn expired(generator: &mut Generator, count: usize) {
    let (person, role) = candidate(generator);
    let watcher = generator.microsoft_service("Azure AD PIM");
    let request = guid(&mut generator.rng);
    let events = vec![
        directory_event("Remove member from role", &watcher, &person, role),
        pim_event("Remove member from role (PIM activation expired)", &watcher, &person, role, &request),
    ];
    generator.emit(count, events);
}

/// A user requests a role repeatedly and is denied.
pub(super) fn denied(generator: &mut Generator, count: usize) {
    let person = generator.tenant.administrator(AdminTeam::Help, &mut generator.rng);
    let role = ROLES[6];
    let approver = generator.tenant.administrator(AdminTeam::Security, &mut generator.rng);
    let approver = named_user(&approver);
    let actor = named_user(&person);
    for attempt in 0..count {
        let request = guid(&mut generator.rng);
        let event = if attempt % 2 == 0 {
            pim_event("Add member to role requested (PIM activation)", &actor, &person, role, &request)
                .failed("The policy of the role asks for multifactor authentication.")
        } else {
            pim_event("Add member to role request denied (PIM activation)", &approver, &person, role, &request)
                .failed("Not needed for this ticket; please use Helpdesk Administrator.")
        };
        generator.emit_one(event);
        generator.advance(80);
    }
}

/// An administrator changes the maximum duration of an activation.
pub(super) fn setting_changed(generator: &mut Generator, count: usize) {
    let role = generator.choose(ROLES);
    let person = generator.tenant.administrator(AdminTeam::Identity, &mut generator.rng);
    let actor = named_user(&person);
    let (before, after) = (generator.choose(&["PT8H", "PT4H"]), generator.choose(&["PT1H", "PT2H"]));
    let change = plain("Expiration_EndUser_Assignment.maximumDuration", before, after);
    let event =
        DemoEvent::new(PIM, CATEGORY, "Update role setting in PIM", OperationType::Update, ResourceType::Directory)
            .by(&actor)
            .on_changed(named("Role", role.2, role.0), vec![change]);
    generator.emit(count, vec![event]);
}
