//! What happens to applications: registration, consent, secrets, permissions.

use crate::stage::{Draft, Stage, json, listed, plain};
use crate::tenant::{App, Desk, code, guid, named};
use model::{Actor, ModifiedProperty, OperationType, ResourceType, Target};

const CATEGORY: &str = "ApplicationManagement";
/// The resource whose permissions applications ask for.
const GRAPH: (&str, &str) = ("7a1c2f0e-52b8-4c19-a0d3-9e6b4f8d1c27", "Microsoft Graph");

const SCOPES: &[&str] = &[
    "User.Read",
    "User.Read Mail.Read offline_access",
    "openid profile Calendars.ReadWrite",
    "Files.ReadWrite.All",
    "Directory.Read.All",
];

fn event(activity: &str, operation: OperationType, actor: &Actor) -> Draft {
    Draft::directory(CATEGORY, activity, operation, ResourceType::Application).by(actor)
}

/// Access that a person gets counts as the person's.
fn granted_to_user(actor: &Actor) -> Draft {
    let activity = "Add app role assignment grant to user";
    Draft::directory(CATEGORY, activity, OperationType::Assign, ResourceType::User).by(actor)
}

fn graph() -> Target {
    named("ServicePrincipal", GRAPH.0, GRAPH.1)
}

/// Somebody lets an application act for them, or for all.
pub(super) fn consented(stage: &mut Stage, count: usize) {
    let app = stage.tenant.some_app(&mut stage.rng);
    let is_admin = stage.chance(40);
    let person = if is_admin {
        stage.tenant.administrator(Desk::Apps, &mut stage.rng)
    } else {
        let place = stage.tenant.somebody(&mut stage.rng);
        stage.tenant.people[place].clone()
    };
    let actor = person.actor();
    let scope = stage.one_of(SCOPES);
    let kind = if is_admin { "AllPrincipals" } else { "Principal" };
    let drafts = vec![
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
    stage.tell(count, drafts);
}

/// A mail with a link makes people consent to something that is blocked.
pub(super) fn consent_refused(stage: &mut Stage, count: usize) {
    let name = stage.one_of(&["Invoice Viewer", "Shared Voicemail", "Free Upgrade 365"]);
    let app = App::new(name, &mut stage.rng);
    for _ in 0..count {
        let place = stage.tenant.somebody(&mut stage.rng);
        let actor = stage.tenant.people[place].actor();
        let reason = "Microsoft.Online.Security.UserConsentBlockedForRiskyAppsException";
        let draft = event("Consent to application", OperationType::Assign, &actor)
            .on_changed(
                app.principal_target(),
                vec![
                    plain("ConsentContext.IsAdminConsent", "", "False"),
                    plain("ConsentAction.Permissions", "", "Scope: Mail.ReadWrite Contacts.Read offline_access"),
                    plain("MethodExecutionResult.", "", reason),
                ],
            )
            .failed(reason);
        stage.tell_one(draft);
        stage.pass(120);
    }
}

/// A new application is registered.
pub(super) fn registered(stage: &mut Stage, count: usize) {
    let name = format!("Contoso Prototype {}", code(4, &mut stage.rng));
    let app = App::new(&name, &mut stage.rng);
    let person = stage.tenant.administrator(Desk::Apps, &mut stage.rng);
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
    let drafts = vec![
        event("Add application", OperationType::Create, &actor).on_changed(app.target(), changes),
        event("Add service principal", OperationType::Create, &actor)
            .on_changed(app.principal_target(), principal)
            .note("AppId", &app.client_id),
        event("Add owner to application", OperationType::Assign, &actor).on(person.target()).on(app.target()),
    ];
    stage.tell(count, drafts);
    stage.tenant.apps.push(app);
}

/// An application gets one more secret.
pub(super) fn secret_added(stage: &mut Stage, count: usize) {
    let place = stage.rng.usize(..stage.tenant.apps.len());
    let (app, new_key, old_key) = (stage.tenant.apps[place].clone(), guid(&mut stage.rng), guid(&mut stage.rng));
    stage.tenant.apps[place].secrets += 1;
    let actor = stage.administrator(Desk::Apps);
    let description = |key: &str, number: u32| {
        format!("[KeyIdentifier={key},KeyType=Password,KeyUsage=Verify,DisplayName=secret {number}]")
    };
    let (before, after) = (description(&old_key, app.secrets), description(&new_key, app.secrets + 1));
    let both = json(&format!(r#"["{before}","{after}"]"#));
    let key_description = ModifiedProperty::new("KeyDescription", json(&format!(r#"["{before}"]"#)), both);
    let hint = code(3, &mut stage.rng);
    let credential =
        format!(r#"[{{"CredentialType":2,"KeyId":"{new_key}","Hint":"{hint}","KeyGroupId":"{old_key}"}}]"#);
    let credentials = ModifiedProperty::new("PasswordCredentials", None, json(&credential));
    let drafts = vec![
        event("Update application \u{2013} Certificates and secrets management ", OperationType::Update, &actor)
            .on_changed(app.target(), vec![key_description.clone()])
            .note("AppId", &app.client_id),
        event("Add service principal credentials", OperationType::Update, &actor)
            .on_changed(app.principal_target(), vec![credentials, key_description])
            .note("AppId", &app.client_id),
    ];
    stage.tell(count, drafts);
}

/// An application may do something by itself.
pub(super) fn permission_granted(stage: &mut Stage, count: usize) {
    let app = stage.tenant.some_app(&mut stage.rng);
    let actor = stage.administrator(Desk::Apps);
    let (value, title, id) = stage.one_of(&[
        ("AuditLog.Read.All", "Read all audit log data", "b0afded3-3588-46d8-8b3d-9842eff778da"),
        ("User.Read.All", "Read all users' full profiles", "df021288-bdef-4463-88db-98f22de89214"),
        ("Group.Read.All", "Read all groups", "5b567255-7703-4780-807c-7be8301ae99b"),
        ("Mail.Send", "Send mail as any user", "b633e1c5-b582-4048-a93e-9f11b44c7e96"),
    ]);
    let is_removed = stage.chance(20);
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
    let draft = event(activity, OperationType::Assign, &actor).on_changed(graph(), changes).on(app.principal_target());
    stage.tell(count, vec![draft]);
}

/// A registration changes: addresses, permissions, or the name.
pub(super) fn updated(stage: &mut Stage, count: usize) {
    let place = stage.rng.usize(..stage.tenant.apps.len());
    let actor = stage.administrator(Desk::Apps);
    let choice = stage.rng.u32(0..20);
    let number = stage.rng.u32(2..30);
    let app = &mut stage.tenant.apps[place];
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
    let draft = event("Update application", OperationType::Update, &actor)
        .on_changed(app.target(), changes)
        .note("AppId", &app.client_id);
    stage.tell(count, vec![draft]);
}

/// Somebody gets access to an application.
pub(super) fn assigned(stage: &mut Stage, count: usize) {
    let app = stage.tenant.some_app(&mut stage.rng);
    let actor = stage.administrator(Desk::Apps);
    let role = vec![
        plain("AppRole.DisplayName", "", "User"),
        plain("AppRoleAssignment.CreatedDateTime", "", &stage.time_text()),
    ];
    let draft = if stage.chance(60) {
        let place = stage.tenant.somebody(&mut stage.rng);
        let person = stage.tenant.people[place].target();
        granted_to_user(&actor).on_changed(app.principal_target(), role).on(person)
    } else {
        let place = stage.tenant.some_group(&mut stage.rng);
        let group = &stage.tenant.groups[place];
        let activity = "Add app role assignment to group";
        Draft::directory("GroupManagement", activity, OperationType::Assign, ResourceType::Group)
            .by(&actor)
            .on_changed(app.principal_target(), role)
            .on(group.target())
            .of_source(group.source)
    };
    stage.tell(count, vec![draft]);
}
