//! Scenarios about applications: registration, consent, secrets, permissions.

use crate::generator::{DemoEvent, Generator, json, listed, plain};
use crate::tenant::{AdminTeam, Application, code, guid, named};
use model::{Actor, ModifiedProperty, OperationType, ResourceType, Target};

const CATEGORY: &str = "ApplicationManagement";
/// The resource whose permissions applications request.
const GRAPH: (&str, &str) = ("7a1c2f0e-52b8-4c19-a0d3-9e6b4f8d1c27", "Microsoft Graph");

const SCOPES: &[&str] = &[
    "User.Read",
    "User.Read Mail.Read offline_access",
    "openid profile Calendars.ReadWrite",
    "Files.ReadWrite.All",
    "Directory.Read.All",
];

fn event(activity: &str, operation: OperationType, actor: &Actor) -> DemoEvent {
    DemoEvent::directory(CATEGORY, activity, operation, ResourceType::Application).by(actor)
}

/// An assignment to a user is logged as an event of the user.
fn granted_to_user(actor: &Actor) -> DemoEvent {
    let activity = "Add app role assignment grant to user";
    DemoEvent::directory(CATEGORY, activity, OperationType::Assign, ResourceType::User).by(actor)
}

fn graph() -> Target {
    named("ServicePrincipal", GRAPH.0, GRAPH.1)
}

/// A user consents to an application, or an administrator does for all users.
pub(super) fn consented(generator: &mut Generator, count: usize) {
    let app = generator.tenant.random_application(&mut generator.rng);
    let is_admin = generator.chance(40);
    let person = if is_admin {
        generator.tenant.administrator(AdminTeam::Apps, &mut generator.rng)
    } else {
        let index = generator.tenant.random_user(&mut generator.rng);
        generator.tenant.people[index].clone()
    };
    let actor = person.actor();
    let scope = generator.choose(SCOPES);
    let kind = if is_admin { "AllPrincipals" } else { "Principal" };
    let events = vec![
        event("Add delegated permission grant", OperationType::Assign, &actor)
            .on_changed(
                graph(),
                vec![
                    plain("DelegatedPermissionGrant.Scope", "", scope),
                    plain("DelegatedPermissionGrant.ConsentType", "", kind),
                    plain("ServicePrincipal.ObjectID", "", &app.principal_id),
                    plain("ServicePrincipal.DisplayName", "", &app.name),
                ],
            )
            .on(app.principal_target()),
        event("Consent to application", OperationType::Assign, &actor).on_changed(
            app.principal_target(),
            vec![
                plain("ConsentContext.IsAdminConsent", "", if is_admin { "True" } else { "False" }),
                plain("ConsentContext.OnBehalfOfAll", "", if is_admin { "True" } else { "False" }),
                plain("ConsentAction.Permissions", "", &format!("ConsentType: {kind}, Scope: {scope}")),
            ],
        ),
        granted_to_user(&actor).on(app.principal_target()).on(person.target()),
        event("Update service principal", OperationType::Update, &actor)
            .on_changed(app.principal_target(), vec![plain("TargetId.ServicePrincipalNames", "", &app.client_id)]),
    ];
    generator.emit(count, events);
}

/// A phishing mail makes users try to consent to a blocked application.
pub(super) fn consent_refused(generator: &mut Generator, count: usize) {
    let name = generator.choose(&["Invoice Viewer", "Shared Voicemail", "Free Upgrade 365"]);
    let app = Application::new(name, &mut generator.rng);
    for _ in 0..count {
        let index = generator.tenant.random_user(&mut generator.rng);
        let actor = generator.tenant.people[index].actor();
        let reason = "Microsoft.Online.Security.UserConsentBlockedForRiskyAppsException";
        let event = event("Consent to application", OperationType::Assign, &actor)
            .on_changed(
                app.principal_target(),
                vec![
                    plain("ConsentContext.IsAdminConsent", "", "False"),
                    plain("ConsentAction.Permissions", "", "Scope: Mail.ReadWrite Contacts.Read offline_access"),
                    plain("MethodExecutionResult.", "", reason),
                ],
            )
            .failed(reason);
        generator.emit_one(event);
        generator.advance(120);
    }
}

/// An application is registered.
pub(super) fn registered(generator: &mut Generator, count: usize) {
    let name = format!("Contoso Prototype {}", code(4, &mut generator.rng));
    let app = Application::new(&name, &mut generator.rng);
    let person = generator.tenant.administrator(AdminTeam::Apps, &mut generator.rng);
    let actor = person.actor();
    let changes = vec![
        listed("AppId", "", &app.client_id),
        listed("DisplayName", "", &app.name),
        ModifiedProperty::new("AvailableToOtherTenants", None, json("[false]")),
    ];
    let principal = vec![
        ModifiedProperty::new("AccountEnabled", None, json("[true]")),
        listed("AppPrincipalId", "", &app.client_id),
        listed("DisplayName", "", &app.name),
    ];
    let events = vec![
        event("Add application", OperationType::Create, &actor).on_changed(app.target(), changes),
        event("Add service principal", OperationType::Create, &actor)
            .on_changed(app.principal_target(), principal)
            .note("AppId", &app.client_id),
        event("Add owner to application", OperationType::Assign, &actor).on(person.target()).on(app.target()),
    ];
    generator.emit(count, events);
    generator.tenant.apps.push(app);
}

/// A secret is added to an application.
pub(super) fn secret_added(generator: &mut Generator, count: usize) {
    let index = generator.rng.usize(..generator.tenant.apps.len());
    let (app, new_key, old_key) =
        (generator.tenant.apps[index].clone(), guid(&mut generator.rng), guid(&mut generator.rng));
    generator.tenant.apps[index].secrets += 1;
    let actor = generator.administrator(AdminTeam::Apps);
    let description = |key: &str, number: u32| {
        format!("[KeyIdentifier={key},KeyType=Password,KeyUsage=Verify,DisplayName=secret {number}]")
    };
    let (before, after) = (description(&old_key, app.secrets), description(&new_key, app.secrets + 1));
    let both = json(&format!(r#"["{before}","{after}"]"#));
    let key_description = ModifiedProperty::new("KeyDescription", json(&format!(r#"["{before}"]"#)), both);
    let hint = code(3, &mut generator.rng);
    let credential =
        format!(r#"[{{"CredentialType":2,"KeyId":"{new_key}","Hint":"{hint}","KeyGroupId":"{old_key}"}}]"#);
    let credentials = ModifiedProperty::new("PasswordCredentials", None, json(&credential));
    let events = vec![
        event("Update application \u{2013} Certificates and secrets management ", OperationType::Update, &actor)
            .on_changed(app.target(), vec![key_description.clone()])
            .note("AppId", &app.client_id),
        event("Add service principal credentials", OperationType::Update, &actor)
            .on_changed(app.principal_target(), vec![credentials, key_description])
            .note("AppId", &app.client_id),
    ];
    generator.emit(count, events);
}

/// An application permission is granted.
pub(super) fn permission_granted(generator: &mut Generator, count: usize) {
    let app = generator.tenant.random_application(&mut generator.rng);
    let actor = generator.administrator(AdminTeam::Apps);
    let (value, title, id) = generator.choose(&[
        ("AuditLog.Read.All", "Read all audit log data", "b0afded3-3588-46d8-8b3d-9842eff778da"),
        ("User.Read.All", "Read all users' full profiles", "df021288-bdef-4463-88db-98f22de89214"),
        ("Group.Read.All", "Read all groups", "5b567255-7703-4780-807c-7be8301ae99b"),
        ("Mail.Send", "Send mail as any user", "b633e1c5-b582-4048-a93e-9f11b44c7e96"),
    ]);
    let is_removed = generator.chance(20);
    let change = |name: &str, value: &str| {
        if is_removed { plain(name, value, "") } else { plain(name, "", value) }
    };
    let changes = vec![
        change("AppRole.Id", id),
        change("AppRole.Value", value),
        change("AppRole.DisplayName", title),
        change("ServicePrincipal.ObjectID", &app.principal_id),
        change("ServicePrincipal.DisplayName", &app.name),
    ];
    let activity = if is_removed {
        "Remove app role assignment from service principal"
    } else {
        "Add app role assignment to service principal"
    };
    let event = event(activity, OperationType::Assign, &actor).on_changed(graph(), changes).on(app.principal_target());
    generator.emit(count, vec![event]);
}

/// A registration is changed: redirect URLs, permissions or name.
pub(super) fn updated(generator: &mut Generator, count: usize) {
    let index = generator.rng.usize(..generator.tenant.apps.len());
    let actor = generator.administrator(AdminTeam::Apps);
    let choice = generator.rng.u32(0..20);
    let number = generator.rng.u32(2..30);
    let app = &mut generator.tenant.apps[index];
    let changes = match choice {
        0 if app.name != "Contoso Payroll" => {
            let before = app.name.clone();
            let stem = before.strip_suffix(" (legacy)");
            app.name = stem.map_or_else(|| format!("{before} (legacy)"), ToOwned::to_owned);
            vec![listed("DisplayName", &before, &app.name)]
        }
        0..=12 => {
            let address = |number: u32| {
                json(&format!(
                    r#"[{{"AddressType":0,"Address":"https://app{number}.contoso.com/signin","ReplyAddressClientType":1}}]"#
                ))
            };
            vec![ModifiedProperty::new("AppAddress", address(number - 1), address(number))]
        }
        _ => {
            let access = |ids: &str| {
                json(&format!(
                    r#"[{{"ResourceAppId":"00000003-0000-0000-c000-000000000000","RequiredAppPermissions":[{ids}],"EncodingVersion":1}}]"#
                ))
            };
            let one = r#"{"EntitlementId":"e1fe6dd8-ba31-4d61-89e7-88639da4683d","DirectAccessGrant":false}"#;
            let two = format!(
                r#"{one},{{"EntitlementId":"024d486e-b451-40bb-833d-3e66d98c5c73","DirectAccessGrant":false}}"#
            );
            vec![ModifiedProperty::new("RequiredResourceAccess", access(one), access(&two))]
        }
    };
    let event = event("Update application", OperationType::Update, &actor)
        .on_changed(app.target(), changes)
        .note("AppId", &app.client_id);
    generator.emit(count, vec![event]);
}

/// A user or group is assigned to an application.
pub(super) fn assigned(generator: &mut Generator, count: usize) {
    let app = generator.tenant.random_application(&mut generator.rng);
    let actor = generator.administrator(AdminTeam::Apps);
    let role = vec![
        plain("AppRole.DisplayName", "", "User"),
        plain("AppRoleAssignment.CreatedDateTime", "", &generator.timestamp()),
    ];
    let event = if generator.chance(60) {
        let index = generator.tenant.random_user(&mut generator.rng);
        let person = generator.tenant.people[index].target();
        granted_to_user(&actor).on_changed(app.principal_target(), role).on(person)
    } else {
        let index = generator.tenant.random_group(&mut generator.rng);
        let group = &generator.tenant.groups[index];
        let activity = "Add app role assignment to group";
        DemoEvent::directory("GroupManagement", activity, OperationType::Assign, ResourceType::Group)
            .by(&actor)
            .on_changed(app.principal_target(), role)
            .on(group.target())
            .of_source(group.source)
    };
    generator.emit(count, vec![event]);
}
