//! Scenarios about user accounts: profiles, passwords, second factors, risk.

use crate::generator::{DemoEvent, Generator, json, listed, plain, text};
use crate::name;
use crate::tenant::{AdminTeam, Person, code, guid};
use model::{Actor, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "UserManagement";
const RESET: &str = "Self-service Password Management";
const METHODS: &str = "Authentication Methods";
const FLOW: &str = "Self-service password reset flow activity progress";
const PHONE_APP: &str = "StrongAuthenticationPhoneAppDetail";

/// Returns an event of the directory about a changed person.
pub(super) fn on_person(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    person: &Person,
    changes: Vec<ModifiedProperty>,
) -> DemoEvent {
    DemoEvent::directory(CATEGORY, activity, operation, ResourceType::User)
        .by(actor)
        .on_changed(person.target(), changes)
        .note("UserType", "Member")
}

/// Changes the title, department, office or telephone number of a person. Returns the changes.
fn change_profile(generator: &mut Generator, index: usize) -> Vec<ModifiedProperty> {
    let (title, department) = (generator.choose(name::TITLES), generator.choose(name::DEPARTMENTS));
    let (office, number) = (generator.choose(name::OFFICES), generator.rng.u32(1_000..9_999));
    let choice = generator.rng.u32(0..4);
    let person = &mut generator.tenant.people[index];
    let (property, before, after) = match choice {
        0 if person.title != title => ("JobTitle", person.title.to_owned(), title),
        1 if person.department != department => ("Department", person.department.to_owned(), department),
        2 if person.office != office => ("PhysicalDeliveryOfficeName", person.office.to_owned(), office),
        _ => ("TelephoneNumber", String::new(), ""),
    };
    match property {
        "JobTitle" => person.title = title,
        "Department" => person.department = department,
        "PhysicalDeliveryOfficeName" => person.office = office,
        _ => return vec![listed(property, "", &format!("+49 30 5550 {number}"))],
    }
    vec![listed(property, &before, after)]
}

/// The synchronisation imports a change of the on-premises directory.
pub(super) fn profile_synchronised(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let mut changes = if generator.chance(60) {
        let minutes = 30 * generator.rng.i64(1..100);
        let (before, now) = (generator.timestamp_before(minutes), generator.timestamp());
        vec![listed("LastDirSyncTime", &before, &now)]
    } else {
        change_profile(generator, index)
    };
    changes.push(plain("Action Client Name", "", "DirectorySync"));
    let person = generator.tenant.people[index].clone();
    let actor = generator.microsoft_service("Azure AD Cloud Sync");
    generator.emit(count, vec![on_person("Update user", OperationType::Update, &actor, &person, changes)]);
}

/// An administrator changes a profile.
pub(super) fn profile_edited(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Help);
    let event = if generator.chance(15) {
        let manager = generator.tenant.random_user(&mut generator.rng);
        let manager = generator.tenant.people[manager].target();
        on_person("Set user manager", OperationType::Update, &actor, &person, Vec::new()).on(manager)
    } else {
        let changes = change_profile(generator, index);
        on_person("Update user", OperationType::Update, &actor, &person, changes)
    };
    let event = if generator.chance(3) {
        generator.tenant.people[index] = person;
        event.failed("Insufficient privileges to complete the operation.")
    } else {
        event
    };
    generator.emit(count, vec![event]);
}

/// The synchronisation processes one person, with the resulting change.
pub(super) fn provisioned(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let changes = change_profile(generator, index);
    let person = generator.tenant.people[index].clone();
    let actor = generator.microsoft_service("Azure AD Cloud Sync");
    let cycle = guid(&mut generator.rng);
    let step = |activity: &str, operation: OperationType| {
        DemoEvent::new("Account Provisioning", "ProvisioningManagement", activity, operation, ResourceType::Application)
            .by(&actor)
            .on(person.named_target())
            .note("cycleId", &cycle)
            .note("sourceName", "contoso.com")
    };
    let result = format!("User '{}' was updated in Microsoft Entra ID", person.upn);
    let events = vec![
        step("Import", OperationType::Other),
        step("Synchronization rule action", OperationType::Other),
        on_person("Update user", OperationType::Update, &actor, &person, changes),
        step("Export", OperationType::Update).ended(Status::Success, &result),
    ];
    generator.emit(count, events);
}

/// The help desk sets a temporary password.
pub(super) fn password_reset_by_help_desk(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Help);
    let temporary = format!("{}-{}", code(4, &mut generator.rng), code(4, &mut generator.rng));
    let profile =
        vec![ModifiedProperty::new("PasswordProfile", None, json(r#"[{"ForceChangePasswordNextSignIn":true}]"#))];
    let mut events = vec![
        on_person("Reset user password", OperationType::Update, &actor, &person, Vec::new()),
        on_person("Update PasswordProfile", OperationType::Update, &actor, &person, profile),
        DemoEvent::new(RESET, CATEGORY, "Reset password (by admin)", OperationType::Update, ResourceType::User)
            .by(&actor)
            .on_changed(person.named_target(), vec![plain("TemporaryPassword", "", &temporary)])
            .ended(Status::Success, "Successfully completed reset."),
    ];
    if generator.chance(50) {
        events.swap(0, 2);
    }
    generator.emit(count, events);
}

/// A user resets a forgotten password.
pub(super) fn password_reset_by_oneself(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let step = |activity: &str, operation: OperationType, reason: &str| {
        DemoEvent::new(RESET, CATEGORY, activity, operation, ResourceType::User)
            .by(&person.actor())
            .on(person.named_target())
            .ended(Status::Success, reason)
    };
    let reset = step("Reset password (self-service)", OperationType::Update, "Successfully completed reset.");
    let reset = if generator.chance(12) {
        reset.ended(Status::Timeout, "The on-premises agent did not answer in time.")
    } else {
        reset
    };
    let mut events = vec![
        step(FLOW, OperationType::Other, "User submitted their user ID"),
        step(FLOW, OperationType::Other, "User was presented with verification options"),
        step(FLOW, OperationType::Other, "User completed the mobile app notification verification option"),
        reset,
    ];
    let skipped = events.len() - count;
    generator.emit(count, events.split_off(skipped));
}

/// A user changes the password.
pub(super) fn password_changed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let event = on_person("Change user password", OperationType::Update, &person.actor(), &person, Vec::new());
    let event = if generator.chance(20) {
        event.failed("PasswordRestrictionException: the password is too simple.")
    } else {
        event
    };
    generator.emit(count, vec![event]);
}

/// An attacker tries repeatedly to reset the password of an account.
pub(super) fn password_reset_attacked(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let mut actor = person.actor();
    actor.ip_address = Some(format!("192.0.2.{}", generator.rng.u32(20..240)));
    for attempt in 1..=count {
        let (activity, reason) = if attempt == count {
            ("Blocked from self-service password reset", "User's account has exceeded the number of attempts")
        } else {
            ("Reset password (self-service)", "User failed the mobile SMS verification option")
        };
        let event = DemoEvent::new(RESET, CATEGORY, activity, OperationType::Update, ResourceType::User)
            .by(&actor)
            .on(person.named_target())
            .note("OnPremisesAgent", "None")
            .failed(reason);
        generator.emit_one(event);
        generator.advance(50);
    }
}

/// A user registers a telephone as a second factor.
pub(super) fn security_info_registered(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = person.actor();
    let activity = generator.choose(&[
        "User registered security info",
        "User deleted security info",
        "User registered security info",
    ]);
    let (operation, verb) = if activity.contains("deleted") {
        (OperationType::Delete, "deleted")
    } else {
        (OperationType::Create, "registered")
    };
    let phone = generator.choose(&["SM-S928B", "iPhone 16", "Pixel 9", "Nokia XR21"]);
    let details = format!(
        r#"[{{"DeviceName":"{phone}","DeviceToken":"{}","DeviceTag":"SoftwareTokenActivated","PhoneAppVersion":"6.8.{}","OathTokenTimeDrift":0,"Id":"{}","AuthenticationType":2,"NotificationType":{}}}]"#,
        code(64, &mut generator.rng),
        generator.rng.u32(1..20),
        guid(&mut generator.rng),
        generator.rng.u32(1..4),
    );
    let change = match operation {
        OperationType::Delete => ModifiedProperty::new(PHONE_APP, json(&details), None),
        _ => ModifiedProperty::new(PHONE_APP, None, json(&details)),
    };
    let microsoft_service = generator.microsoft_service("Azure MFA StrongAuthenticationService");
    let events = vec![
        DemoEvent::new(METHODS, CATEGORY, activity, operation, ResourceType::User)
            .by(&actor)
            .on(person.named_target())
            .ended(Status::Success, &format!("User {verb} Authenticator App with Notification and Code")),
        on_person("Update user", OperationType::Update, &microsoft_service, &person, vec![change]),
    ];
    generator.emit(count, events);
}

/// The security team assesses an account at risk.
pub(super) fn risk_assessed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = generator.administrator(AdminTeam::Security);
    let activity = generator.choose(&["DismissUser", "ConfirmAccountCompromised", "ConfirmAccountSafe"]);
    let change = ModifiedProperty::new("RiskLevel", text(generator.choose(&["high", "medium"])), text("none"));
    let time = generator.timestamp();
    let valid_from = listed("StsRefreshTokensValidFrom", "", &time);
    let events = vec![
        DemoEvent::new("Identity Protection", "Other", activity, OperationType::Update, ResourceType::User)
            .by(&actor)
            .on_changed(person.named_target(), vec![change]),
        on_person(
            "Update StsRefreshTokenValidFrom Timestamp",
            OperationType::Update,
            &actor,
            &person,
            vec![valid_from],
        ),
    ];
    generator.emit(count, events);
}

/// A user accepts or declines the terms of use.
pub(super) fn terms_accepted(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let activity = if generator.chance(90) { "Accept Terms Of Use" } else { "Decline Terms Of Use" };
    let event = DemoEvent::new("Terms of Use", "Policy", activity, OperationType::Other, ResourceType::Policy)
        .by(&person.actor())
        .on(crate::tenant::named("Policy", "51419ba3-1a3e-4d1c-8a3b-1d5f0e6b7a90", "Contoso acceptable use"))
        .on(person.named_target());
    generator.emit(count, vec![event]);
}
