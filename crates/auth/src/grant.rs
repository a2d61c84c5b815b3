//! The role map: which claims grant which role, and which let a caller record. An operator may add grants to the
//! built-in ones, or replace them.
//!
//! Three things are kept apart. *Roles* (`wids`, `roles`, `permissions`, configured `groups`) say what may be read.
//! *Recording* is a separate permission, which no role includes. *Token scopes* (`scp`) say what an application may
//! do for a user: they are required if that is configured, and grant nothing.

use super::claim::Claims;
use super::{AccessGrant, Rejected, Role, VerifierSettings};
use model::ServiceSet;
use model::json::JsonNode;

/// The template ids of directory roles, as `wids` has them.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const INTUNE_ADMINISTRATOR: &str = "3a2c62db-5318-420d-8d74-23affee5d9d5";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const SECURITY_OPERATOR: &str = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f";
const SECURITY_ADMINISTRATOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
const READERS: [&str; 5] = [REPORTS_READER, SECURITY_READER, SECURITY_OPERATOR, SECURITY_ADMINISTRATOR, GLOBAL_READER];

/// The app roles, as `roles` has them.
pub(super) const ROLE_GLOBAL_ADMIN: &str = "GlobalAdmin";
pub(super) const ROLE_INTUNE_SERVICE_ADMIN: &str = "IntuneServiceAdmin";
const ROLE_READ: &str = "AuditLog.Read.All";
const ROLE_RECORD: &str = "AuditLog.Write";
/// The application permission that lets an application read Intune's audit events in Microsoft Graph.
const ROLE_INTUNE_READ: &str = "DeviceManagementApps.Read.All";

/// The permissions, as `permissions` has them; the last one also as an app role.
pub(super) const PERMISSION_READ: &str = "audit/read";
const PERMISSION_RECORD: &str = "audit/write";
const INTUNE_AUDIT_READ: &str = "Microsoft.Intune_Audit_Read";

/// A line of the role map that an operator has added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The claim: its name, or the path to it through objects.
    pub claim: Vec<String>,
    /// The values, one of which the claim must contain.
    pub values: Vec<String>,
    /// What that gives.
    pub gives: GrantKind,
    /// For which services; none means those that what is given has anyway.
    pub services: Option<Vec<String>>,
}

/// What a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// A role in reading.
    Role(Role),
    /// Recording.
    Record,
}

/// What a token's claims allow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    /// What may be read, each role with its services once.
    pub(super) grants: Vec<AccessGrant>,
    /// The services whose events may be recorded.
    pub(super) record: Option<ServiceSet>,
}

impl Allowed {
    fn give(&mut self, given: GrantKind, services: Option<Vec<String>>) {
        match given {
            GrantKind::Role(role) => {
                let grant = AccessGrant { role, services, sees_sensitive: role != Role::AuditReader };
                if !self.grants.contains(&grant) {
                    self.grants.push(grant);
                }
            }
            GrantKind::Record => {
                let more = services.map_or(ServiceSet::All, |names| ServiceSet::of(names.iter().map(String::as_str)));
                self.record = Some(self.record.take().map_or(more.clone(), |known| known.union(more)));
            }
        }
    }
}

/// Decides what a token's claims allow.
pub(super) fn allowed(claims: &Claims, settings: &VerifierSettings) -> Result<Allowed, Rejected> {
    let app_only = is_app_only(claims)?;
    check_token_scope(claims, settings, app_only)?;
    let mut allowed = Allowed::default();
    if settings.builtin_grants {
        give_built_in(claims, settings, app_only, &mut allowed)?;
    }
    let groups = claims.texts("groups")?;
    if settings.reader_groups.iter().any(|id| groups.iter().any(|held| same_value(held, id))) {
        allowed.give(GrantKind::Role(Role::AuditReader), None);
    }
    for rule in &settings.rules {
        let held = claims.texts_at(&rule.claim)?;
        if rule.values.iter().any(|value| held.iter().any(|held| same_value(held, value))) {
            let intune =
                || (rule.gives == GrantKind::Role(Role::IntuneServiceAdmin)).then(|| settings.intune_services.clone());
            allowed.give(rule.gives, rule.services.clone().or_else(intune));
        }
    }
    let groups_decide =
        !settings.reader_groups.is_empty() || settings.rules.iter().any(|rule| rule.claim == ["groups"]);
    let undecided = allowed.grants.is_empty() && allowed.record.is_none();
    if undecided && groups_decide && groups_are_left_out(claims) {
        return Err(Rejected::GroupOverage);
    }
    Ok(allowed)
}

/// The built-in role map.
fn give_built_in(
    claims: &Claims,
    settings: &VerifierSettings,
    app_only: bool,
    allowed: &mut Allowed,
) -> Result<(), Rejected> {
    let (wids, roles, permissions) = (claims.texts("wids")?, claims.texts("roles")?, claims.texts("permissions")?);
    let wid = |id: &str| wids.iter().any(|held| held.eq_ignore_ascii_case(id));
    let role = |name: &str| roles.iter().any(|held| held == name);
    let permission = |name: &str| permissions.iter().any(|held| held == name);

    let global_admin = wid(GLOBAL_ADMINISTRATOR) || role(ROLE_GLOBAL_ADMIN);
    let intune_admin = wid(INTUNE_ADMINISTRATOR) || role(ROLE_INTUNE_SERVICE_ADMIN);
    let reader = READERS.into_iter().any(wid) || role(ROLE_READ) || permission(PERMISSION_READ);
    let intune_reader = role(INTUNE_AUDIT_READ)
        || permission(INTUNE_AUDIT_READ)
        // In a user's token this app role would not be an application permission, so there it means nothing.
        || (app_only && role(ROLE_INTUNE_READ));
    let recorder = (app_only && role(ROLE_RECORD)) || permission(PERMISSION_RECORD);
    let intune = Some(&settings.intune_services);
    for (holds, given, services) in [
        (global_admin, GrantKind::Role(Role::GlobalAdmin), None),
        (intune_admin, GrantKind::Role(Role::IntuneServiceAdmin), intune),
        (reader, GrantKind::Role(Role::AuditReader), None),
        (intune_reader, GrantKind::Role(Role::AuditReader), intune),
        (recorder, GrantKind::Record, None),
    ] {
        if holds {
            allowed.give(given, services.cloned());
        }
    }
    Ok(())
}

/// Claims that only a token has that was given to a person, or to an application on a person's behalf.
const PERSONAL_CLAIMS: [&str; 7] = ["scp", "scope", "upn", "preferred_username", "unique_name", "email", "nonce"];

/// Whether an application acts for itself. `idtyp` says so where the issuer writes it; elsewhere a token that acts
/// for a person is known by its token scopes, or by naming the person.
pub(super) fn is_app_only(claims: &Claims) -> Result<bool, Rejected> {
    Ok(match claims.text("idtyp")? {
        Some(kind) => kind.eq_ignore_ascii_case("app"),
        None => !PERSONAL_CLAIMS.iter().any(|claim| claims.get(claim).is_some()),
    })
}

fn check_token_scope(claims: &Claims, settings: &VerifierSettings, app_only: bool) -> Result<(), Rejected> {
    let scopes = [claims.texts("scp")?, claims.texts("scope")?].concat();
    let mut given = scopes.iter().flat_map(|scopes| scopes.split(' '));
    match &settings.required_scope {
        Some(required) if !app_only && !given.any(|scope| scope == required) => Err(Rejected::ScopeMissing),
        _ => Ok(()),
    }
}

/// Ids of a directory are GUIDs, whose case means nothing; in other names it may.
fn same_value(held: &str, configured: &str) -> bool {
    held == configured || (is_guid(configured) && held.eq_ignore_ascii_case(configured))
}

/// Whether a text has the form of a GUID.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether the issuer left the groups out because there are too many: it points to where they can be asked for, or
/// (in tokens of the implicit flow) only says that there are some.
fn groups_are_left_out(claims: &Claims) -> bool {
    claims.get("_claim_names").and_then(|names| names.get("groups")).is_some()
        || matches!(claims.get("hasgroups"), Some(JsonNode::Scalar(raw)) if &**raw == "true" || &**raw == "\"true\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(json: &str, settings: &VerifierSettings) -> Result<Allowed, Rejected> {
        allowed(&Claims::parse(json.as_bytes()).unwrap(), settings)
    }

    fn grants(json: &str) -> Vec<AccessGrant> {
        decide(json, &VerifierSettings::default()).unwrap().grants
    }

    fn records(json: &str) -> bool {
        decide(json, &VerifierSettings::default()).unwrap().record.is_some()
    }

    fn grant(role: Role, services: Option<Vec<String>>, sees_sensitive: bool) -> AccessGrant {
        AccessGrant { role, services, sees_sensitive }
    }

    fn admin() -> AccessGrant {
        grant(Role::GlobalAdmin, None, true)
    }

    fn intune_services() -> Vec<String> {
        vec!["Microsoft Intune".to_owned(), "Windows 365".to_owned()]
    }

    fn intune_admin() -> AccessGrant {
        grant(Role::IntuneServiceAdmin, Some(intune_services()), true)
    }

    fn reader() -> AccessGrant {
        grant(Role::AuditReader, None, false)
    }

    fn intune_reader() -> AccessGrant {
        grant(Role::AuditReader, Some(intune_services()), false)
    }

    #[test]
    fn every_row_of_the_role_map_grants_its_role() {
        let rows = [
            (r#"{"wids":["62e90394-69f5-4237-9190-012177145e10"]}"#, admin()),
            (r#"{"wids":["62E90394-69F5-4237-9190-012177145E10"]}"#, admin()),
            (r#"{"roles":["GlobalAdmin"]}"#, admin()),
            (r#"{"roles":"GlobalAdmin"}"#, admin()),
            (r#"{"wids":["3a2c62db-5318-420d-8d74-23affee5d9d5"]}"#, intune_admin()),
            (r#"{"roles":["IntuneServiceAdmin"]}"#, intune_admin()),
            (r#"{"wids":["4a5d8f65-41da-4de4-8968-e035b65339cf"]}"#, reader()),
            (r#"{"wids":["5d6b6bb7-de71-4623-b4af-96380a352509"]}"#, reader()),
            (r#"{"wids":["5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"]}"#, reader()),
            (r#"{"wids":["194ae4cb-b126-40b2-bd5b-6091b380977d"]}"#, reader()),
            (r#"{"wids":["f2ef992c-3afb-46b9-b7cf-a126ee74c451"]}"#, reader()),
            (r#"{"roles":["AuditLog.Read.All"]}"#, reader()),
            (r#"{"roles":["AuditLog.Read.All"],"idtyp":"app"}"#, reader()),
            (r#"{"permissions":["audit/read"]}"#, reader()),
            (r#"{"permissions":"audit/read"}"#, reader()),
            (r#"{"roles":["Microsoft.Intune_Audit_Read"]}"#, intune_reader()),
            (r#"{"permissions":["Microsoft.Intune_Audit_Read"]}"#, intune_reader()),
            (r#"{"roles":["DeviceManagementApps.Read.All"],"idtyp":"app"}"#, intune_reader()),
        ];
        for (json, grant) in rows {
            assert_eq!(grants(json), [grant], "{json}");
            assert!(!records(json), "{json}");
        }
    }

    #[test]
    fn nothing_else_grants_a_role() {
        for json in [
            "{}",
            r#"{"roles":[]}"#,
            r#"{"roles":["globaladmin","GLOBAL_ADMIN","AuditLog.Read","AuditLog.Read.All ","AuditLog.Write"]}"#,
            r#"{"roles":["62e90394-69f5-4237-9190-012177145e10","audit/read"]}"#,
            r#"{"wids":["b79fbf4d-3ef9-4689-8143-76b194e85509","GlobalAdmin"]}"#,
            r#"{"permissions":["GlobalAdmin","AuditLog.Read.All","audit/write"]}"#,
            r#"{"groups":["62e90394-69f5-4237-9190-012177145e10","GlobalAdmin"]}"#,
            r#"{"scp":"AuditLog.Read.All GlobalAdmin audit/read audit/write","idtyp":"user"}"#,
            r#"{"roles":["DeviceManagementApps.Read.All"],"scp":"x"}"#,
        ] {
            assert_eq!(grants(json), [], "{json}");
        }
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_malformed_whatever_else_there_is() {
        for (json, name) in [
            (r#"{"roles":{"GlobalAdmin":true}}"#, "roles"),
            (r#"{"roles":["GlobalAdmin"],"wids":1}"#, "wids"),
            (r#"{"roles":["GlobalAdmin",null]}"#, "roles"),
            (r#"{"permissions":null}"#, "permissions"),
            (r#"{"groups":true}"#, "groups"),
            (r#"{"idtyp":["app"]}"#, "idtyp"),
            (r#"{"scp":1}"#, "scp"),
        ] {
            assert_eq!(
                decide(json, &VerifierSettings::default()),
                Err(Rejected::ClaimMalformed(name.into())),
                "{json}"
            );
        }
    }

    #[test]
    fn several_grants_stand_side_by_side_and_none_twice() {
        let json = r#"{"roles":["GlobalAdmin","GlobalAdmin","AuditLog.Read.All","Microsoft.Intune_Audit_Read"],
            "wids":["62e90394-69f5-4237-9190-012177145e10","3a2c62db-5318-420d-8d74-23affee5d9d5",
            "f2ef992c-3afb-46b9-b7cf-a126ee74c451"],"permissions":["audit/read","Microsoft.Intune_Audit_Read"]}"#;
        assert_eq!(grants(json), [admin(), intune_admin(), reader(), intune_reader()]);
    }

    #[test]
    fn recording_belongs_to_applications_and_to_the_permission() {
        assert!(records(r#"{"roles":["AuditLog.Write"],"idtyp":"app"}"#));
        assert!(records(r#"{"roles":["AuditLog.Write"],"idtyp":"App","scp":"x"}"#));
        assert!(records(r#"{"roles":["AuditLog.Write"]}"#));
        assert!(records(r#"{"permissions":["audit/write"]}"#));
        assert!(records(r#"{"permissions":["audit/write"],"scp":"x","idtyp":"user"}"#));
        assert!(!records(r#"{"roles":["AuditLog.Write"],"scp":"access_as_user"}"#));
        assert!(!records(r#"{"roles":["AuditLog.Write"],"scp":""}"#));
        assert!(!records(r#"{"roles":["AuditLog.Write"],"idtyp":"user"}"#));
        assert!(!records(r#"{"permissions":["AuditLog.Write"],"idtyp":"app"}"#));
        assert!(!records(r#"{"roles":["audit/write"],"idtyp":"app"}"#));
        assert!(!records(r#"{"roles":["GlobalAdmin","IntuneServiceAdmin","AuditLog.Read.All"],"idtyp":"app"}"#));
    }

    #[test]
    fn a_demanded_token_scope_binds_delegated_tokens_only() {
        let settings = VerifierSettings { required_scope: Some("Audit.Access".into()), ..VerifierSettings::default() };
        let scope_of = |json: &str| decide(json, &settings).map(|_| ());
        assert_eq!(scope_of(r#"{"scp":"openid Audit.Access profile"}"#), Ok(()));
        assert_eq!(scope_of(r#"{"scp":["openid","Audit.Access"]}"#), Ok(()));
        assert_eq!(scope_of(r#"{"roles":["AuditLog.Read.All"]}"#), Ok(()));
        assert_eq!(scope_of(r#"{"idtyp":"app"}"#), Ok(()));
        assert_eq!(
            scope_of(r#"{"scp":"Audit.Access.Not openid","roles":["GlobalAdmin"]}"#),
            Err(Rejected::ScopeMissing)
        );
        assert_eq!(scope_of(r#"{"scp":"audit.access"}"#), Err(Rejected::ScopeMissing));
        assert_eq!(scope_of(r#"{"scp":""}"#), Err(Rejected::ScopeMissing));
        assert_eq!(scope_of(r#"{"idtyp":"user"}"#), Err(Rejected::ScopeMissing));
    }

    #[test]
    fn a_configured_group_makes_a_reader() {
        let guid = "0f3c1a2b-1111-2222-3333-44445555aaaa";
        let settings =
            VerifierSettings { reader_groups: vec![guid.into(), "/Auditors".into()], ..VerifierSettings::default() };
        let granted = |json: &str| decide(json, &settings).unwrap().grants;
        assert_eq!(granted(&format!(r#"{{"groups":["x","{}"]}}"#, guid.to_uppercase())), [reader()]);
        assert_eq!(granted(r#"{"groups":"/Auditors"}"#), [reader()]);
        assert_eq!(granted(r#"{"groups":["/auditors"]}"#), []);
        assert_eq!(granted("{}"), []);
    }

    #[test]
    fn groups_left_out_are_an_error_only_where_they_would_decide() {
        let settings = VerifierSettings { reader_groups: vec!["auditors".into()], ..VerifierSettings::default() };
        let left_out = r#""_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://x.example"}}"#;
        assert_eq!(decide(&format!("{{{left_out}}}"), &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":true}"#, &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":"true"}"#, &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":false}"#, &settings).unwrap().grants, []);
        assert_eq!(decide(r#"{"_claim_names":{"other":"src1"}}"#, &settings).unwrap().grants, []);
        let with_role = format!(r#"{{{left_out},"roles":["GlobalAdmin"]}}"#);
        assert_eq!(decide(&with_role, &settings).unwrap().grants, [admin()]);
        let recorder = format!(r#"{{{left_out},"permissions":["audit/write"]}}"#);
        assert!(decide(&recorder, &settings).unwrap().record.is_some());
        assert_eq!(decide(&format!("{{{left_out}}}"), &VerifierSettings::default()).unwrap().grants, []);
    }

    fn rule(claim: &[&str], value: &str, gives: GrantKind, services: &[&str]) -> Rule {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let services = (!services.is_empty()).then(|| texts(services));
        Rule { claim: texts(claim), values: vec!["other".to_owned(), value.to_owned()], gives, services }
    }

    #[test]
    fn an_operator_s_rule_reads_any_claim_and_may_name_services() {
        let read = GrantKind::Role(Role::AuditReader);
        let settings = VerifierSettings {
            rules: vec![
                rule(&["https://contoso.example/roles"], "auditor", read, &["Payroll"]),
                rule(&["realm_access", "roles"], "audit-admin", GrantKind::Role(Role::GlobalAdmin), &[]),
                rule(
                    &["groups"],
                    "0f3c1a2b-1111-2222-3333-44445555aaaa",
                    GrantKind::Role(Role::IntuneServiceAdmin),
                    &[],
                ),
                rule(&["groups"], "payroll", GrantKind::Record, &["Payroll"]),
                rule(&["groups"], "crm", GrantKind::Record, &["CRM"]),
            ],
            ..VerifierSettings::default()
        };
        let granted = |json: &str| decide(json, &settings).unwrap().grants;
        let payroll = grant(Role::AuditReader, Some(vec!["Payroll".into()]), false);
        assert_eq!(granted(r#"{"https://contoso.example/roles":"auditor"}"#), [payroll]);
        assert_eq!(granted(r#"{"realm_access":{"roles":["x","audit-admin"]}}"#), [admin()]);
        assert_eq!(granted(r#"{"groups":["0F3C1A2B-1111-2222-3333-44445555AAAA"]}"#), [intune_admin()]);
        assert_eq!(granted(r#"{"roles":["GlobalAdmin"],"realm_access":{"roles":["audit-admin"]}}"#), [admin()]);
        for nothing in [
            r#"{"realm_access":"audit-admin"}"#,
            r#"{"realm_access.roles":["audit-admin"]}"#,
            r#"{"realm_access":{"roles":["Audit-Admin"]}}"#,
            r#"{"realm_access":{"roles":[]}}"#,
            r#"{"realm_access":[{"roles":["audit-admin"]}]}"#,
            r#"{"groups":["Payroll "]}"#,
        ] {
            let allowed = decide(nothing, &settings).unwrap();
            assert_eq!(allowed, Allowed::default(), "{nothing}");
        }
        let record = |json: &str| decide(json, &settings).unwrap().record;
        assert_eq!(record(r#"{"groups":["payroll"]}"#), Some(ServiceSet::of(["payroll"])));
        assert_eq!(record(r#"{"groups":["payroll","crm"]}"#), Some(ServiceSet::of(["Payroll", "CRM"])));
        assert_eq!(record(r#"{"groups":["payroll"],"permissions":["audit/write"]}"#), Some(ServiceSet::All));
        let refused = |json: &str| decide(json, &settings).unwrap_err();
        let malformed = Rejected::ClaimMalformed("realm_access.roles".into());
        assert_eq!(refused(r#"{"realm_access":{"roles":{"audit-admin":true}}}"#), malformed);
        assert_eq!(refused(r#"{"realm_access":{"roles":[1]}}"#), malformed);
        let twice = r#"{"realm_access":{"roles":[],"r\u006fles":["audit-admin"]}}"#;
        assert_eq!(refused(twice), Rejected::NameRepeated);
        assert_eq!(refused(r#"{"_claim_names":{"groups":"src1"}}"#), Rejected::GroupOverage);
    }

    #[test]
    fn without_the_built_in_map_only_the_operator_s_rules_hold() {
        let rules = vec![rule(&["roles"], "Boss", GrantKind::Role(Role::GlobalAdmin), &[])];
        let settings = VerifierSettings { builtin_grants: false, rules, ..VerifierSettings::default() };
        let json = r#"{"roles":["GlobalAdmin","AuditLog.Write"],"permissions":["audit/read","audit/write"],
            "wids":["62e90394-69f5-4237-9190-012177145e10"]}"#;
        assert_eq!(decide(json, &settings), Ok(Allowed::default()));
        assert_eq!(decide(r#"{"roles":["Boss"]}"#, &settings).unwrap().grants, [admin()]);
    }
}
