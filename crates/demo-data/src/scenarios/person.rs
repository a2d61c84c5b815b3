//! What happens to people's accounts day by day: profiles, passwords, second factors, risk.

use crate::name;
use crate::stage::{Draft, Stage, json, listed, plain, text};
use crate::tenant::{Desk, Person, code, guid};
use model::{Actor, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "UserManagement";
const RESET: &str = "Self-service Password Management";
const METHODS: &str = "Authentication Methods";
const FLOW: &str = "Self-service password reset flow activity progress";
const PHONE_APP: &str = "StrongAuthenticationPhoneAppDetail";

/// An event of the directory on a person who changed.
pub(super) fn on_person(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    person: &Person,
    changes: Vec<ModifiedProperty>,
) -> Draft {
    Draft::directory(CATEGORY, activity, operation, ResourceType::User)
        .by(actor)
        .on_changed(person.target(), changes)
        .note("UserType", "Member")
}

/// Gives a person another title, department, office or telephone number; the changes.
fn turn_profile(stage: &mut Stage, place: usize) -> Vec<ModifiedProperty> {
    let (title, department) = (stage.one_of(name::TITLES), stage.one_of(name::DEPARTMENTS));
    let (office, number) = (stage.one_of(name::OFFICES), stage.rng.u32(1_000..9_999));
    let choice = stage.rng.u32(0..4);
    let person = &mut stage.tenant.people[place];
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

/// The synchronisation brings a change from the company's own directory.
pub(super) fn profile_synchronised(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let mut changes = if stage.chance(60) {
        let minutes = 30 * stage.rng.i64(1..100);
        let (before, now) = (stage.time_text_before(minutes), stage.time_text());
        vec![listed("LastDirSyncTime", &before, &now)]
    } else {
        turn_profile(stage, place)
    };
    changes.push(plain("Action Client Name", "", "DirectorySync"));
    let person = stage.tenant.people[place].clone();
    let actor = stage.machine("Azure AD Cloud Sync");
    stage.tell(count, vec![on_person("Update user", OperationType::Update, &actor, &person, changes)]);
}

/// An administrator changes a profile.
pub(super) fn profile_edited(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Help);
    let draft = if stage.chance(15) {
        let manager = stage.tenant.somebody(&mut stage.rng);
        let manager = stage.tenant.people[manager].target();
        on_person("Set user manager", OperationType::Update, &actor, &person, Vec::new()).on(manager)
    } else {
        let changes = turn_profile(stage, place);
        on_person("Update user", OperationType::Update, &actor, &person, changes)
    };
    let draft = if stage.chance(3) {
        stage.tenant.people[place] = person;
        draft.failed("Insufficient privileges to complete the operation.")
    } else {
        draft
    };
    stage.tell(count, vec![draft]);
}

/// The steps of the synchronisation for one person, with the change that comes of it.
pub(super) fn provisioned(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let changes = turn_profile(stage, place);
    let person = stage.tenant.people[place].clone();
    let actor = stage.machine("Azure AD Cloud Sync");
    let cycle = guid(&mut stage.rng);
    let step = |activity: &str, operation: OperationType| {
        Draft::new("Account Provisioning", "ProvisioningManagement", activity, operation, ResourceType::Application)
            .by(&actor)
            .on(person.named_target())
            .note("cycleId", &cycle)
            .note("sourceName", "contoso.com")
    };
    let result = format!("User '{}' was updated in Microsoft Entra ID", person.upn);
    let drafts = vec![
        step("Import", OperationType::Other),
        step("Synchronization rule action", OperationType::Other),
        on_person("Update user", OperationType::Update, &actor, &person, changes),
        step("Export", OperationType::Update).ended(Status::Success, &result),
    ];
    stage.tell(count, drafts);
}

/// The help desk gives somebody a temporary password.
pub(super) fn password_reset_by_help_desk(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Help);
    let temporary = format!("{}-{}", code(4, &mut stage.rng), code(4, &mut stage.rng));
    let profile =
        vec![ModifiedProperty::new("PasswordProfile", None, json(r#"[{"ForceChangePasswordNextSignIn":true}]"#))];
    let mut drafts = vec![
        on_person("Reset user password", OperationType::Update, &actor, &person, Vec::new()),
        on_person("Update PasswordProfile", OperationType::Update, &actor, &person, profile),
        Draft::new(RESET, CATEGORY, "Reset password (by admin)", OperationType::Update, ResourceType::User)
            .by(&actor)
            .on_changed(person.named_target(), vec![plain("TemporaryPassword", "", &temporary)])
            .ended(Status::Success, "Successfully completed reset."),
    ];
    if stage.chance(50) {
        drafts.swap(0, 2);
    }
    stage.tell(count, drafts);
}

/// Somebody forgot a password and resets it.
pub(super) fn password_reset_by_oneself(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let step = |activity: &str, operation: OperationType, reason: &str| {
        Draft::new(RESET, CATEGORY, activity, operation, ResourceType::User)
            .by(&person.actor())
            .on(person.named_target())
            .ended(Status::Success, reason)
    };
    let reset = step("Reset password (self-service)", OperationType::Update, "Successfully completed reset.");
    let reset = if stage.chance(12) {
        reset.ended(Status::Timeout, "The on-premises agent did not answer in time.")
    } else {
        reset
    };
    let mut drafts = vec![
        step(FLOW, OperationType::Other, "User submitted their user ID"),
        step(FLOW, OperationType::Other, "User was presented with verification options"),
        step(FLOW, OperationType::Other, "User completed the mobile app notification verification option"),
        reset,
    ];
    let skipped = drafts.len() - count;
    stage.tell(count, drafts.split_off(skipped));
}

/// Somebody changes a password.
pub(super) fn password_changed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let draft = on_person("Change user password", OperationType::Update, &person.actor(), &person, Vec::new());
    let draft = if stage.chance(20) {
        draft.failed("PasswordRestrictionException: the password is too simple.")
    } else {
        draft
    };
    stage.tell(count, vec![draft]);
}

/// Somebody who is not the owner of the account tries to reset its password, again and again.
pub(super) fn password_guessed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let mut actor = person.actor();
    actor.ip_address = Some(format!("192.0.2.{}", stage.rng.u32(20..240)));
    for attempt in 1..=count {
        let (activity, reason) = if attempt == count {
            ("Blocked from self-service password reset", "User's account has exceeded the number of attempts")
        } else {
            ("Reset password (self-service)", "User failed the mobile SMS verification option")
        };
        let draft = Draft::new(RESET, CATEGORY, activity, OperationType::Update, ResourceType::User)
            .by(&actor)
            .on(person.named_target())
            .note("OnPremisesAgent", "None")
            .failed(reason);
        stage.tell_one(draft);
        stage.pass(50);
    }
}

/// Somebody registers a telephone as a second factor.
pub(super) fn security_info_registered(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = person.actor();
    let activity =
        stage.one_of(&["User registered security info", "User deleted security info", "User registered security info"]);
    let (operation, verb) = if activity.contains("deleted") {
        (OperationType::Delete, "deleted")
    } else {
        (OperationType::Create, "registered")
    };
    let phone = stage.one_of(&["SM-S928B", "iPhone 16", "Pixel 9", "Nokia XR21"]);
    let details = format!(
        r#"[{{"DeviceName":"{phone}","DeviceToken":"{}","DeviceTag":"SoftwareTokenActivated","PhoneAppVersion":"6.8.{}","OathTokenTimeDrift":0,"Id":"{}","AuthenticationType":2,"NotificationType":{}}}]"#,
        code(64, &mut stage.rng),
        stage.rng.u32(1..20),
        guid(&mut stage.rng),
        stage.rng.u32(1..4),
    );
    let change = match operation {
        OperationType::Delete => ModifiedProperty::new(PHONE_APP, json(&details), None),
        _ => ModifiedProperty::new(PHONE_APP, None, json(&details)),
    };
    let machine = stage.machine("Azure MFA StrongAuthenticationService");
    let drafts = vec![
        Draft::new(METHODS, CATEGORY, activity, operation, ResourceType::User)
            .by(&actor)
            .on(person.named_target())
            .ended(Status::Success, &format!("User {verb} Authenticator App with Notification and Code")),
        on_person("Update user", OperationType::Update, &machine, &person, vec![change]),
    ];
    stage.tell(count, drafts);
}

/// Somebody in the security team decides about an account at risk.
pub(super) fn risk_judged(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = stage.administrator(Desk::Security);
    let activity = stage.one_of(&["DismissUser", "ConfirmAccountCompromised", "ConfirmAccountSafe"]);
    let change = ModifiedProperty::new("RiskLevel", text(stage.one_of(&["high", "medium"])), text("none"));
    let moment = stage.time_text();
    let valid_from = listed("StsRefreshTokensValidFrom", "", &moment);
    let drafts = vec![
        Draft::new("Identity Protection", "Other", activity, OperationType::Update, ResourceType::User)
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
    stage.tell(count, drafts);
}

/// Somebody accepts the terms of use, or does not.
pub(super) fn terms_accepted(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let activity = if stage.chance(90) { "Accept Terms Of Use" } else { "Decline Terms Of Use" };
    let draft = Draft::new("Terms of Use", "Policy", activity, OperationType::Other, ResourceType::Policy)
        .by(&person.actor())
        .on(crate::tenant::named("Policy", "51419ba3-1a3e-4d1c-8a3b-1d5f0e6b7a90", "Contoso acceptable use"))
        .on(person.named_target());
    stage.tell(count, vec![draft]);
}
