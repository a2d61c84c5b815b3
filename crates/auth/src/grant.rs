//! The role map: which claims grant which role, and which permit recording. The operator may extend or replace the
//! built-in rules.
//!
//! *Roles* (`wids`, `roles`, `permissions`, configured `groups`) permit reading. *Recording* is a separate permission,
//! which no role includes, and so is *administration* of the tenant's API keys. *Token scopes* (`scp`) limit what an application may do for a user: a scope can be required,
//! but grants nothing.

use super::claim::Claims;
use super::{GrantKind, Rejected, Role, RoleGrant, VerifierSettings};
use model::ServiceSet;
use model::json::JsonNode;
use uuid::Uuid;

/// The template ids of directory roles, as in `wids`.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const INTUNE_ADMINISTRATOR: &str = "3a2c62db-5318-420d-8d74-23affee5d9d5";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const SECURITY_OPERATOR: &str = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f";
const SECURITY_ADMINISTRATOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
const READERS: [&str; 5] = [REPORTS_READER, SECURITY_READER, SECURITY_OPERATOR, SECURITY_ADMINISTRATOR, GLOBAL_READER];

/// The app roles, as in `roles`.
pub(super) const ROLE_GLOBAL_ADMIN: &str = "GlobalAdmin";
pub(super) const ROLE_INTUNE_SERVICE_ADMIN: &str = "IntuneServiceAdmin";
const ROLE_READ: &str = "AuditLog.Read.All";
const ROLE_RECORD: &str = "AuditLog.Write";
/// The application permission for reading Intune's audit events in Microsoft Graph.
const ROLE_INTUNE_READ: &str = "DeviceManagementApps.Read.All";

/// The permissions, as in `permissions`; that of Intune also as an app role.
pub(super) const PERMISSION_READ: &str = "audit/read";
pub(super) const PERMISSION_RECORD: &str = "audit/write";
pub(super) const PERMISSION_ADMINISTER: &str = "audit/admin";
const INTUNE_AUDIT_READ: &str = "Microsoft.Intune_Audit_Read";

/// What the claims of a token grant.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GrantedAccess {
    /// The role grants, without duplicates.
    pub(super) grants: Vec<RoleGrant>,
    /// The services whose events may be recorded. `None` if recording is not permitted.
    pub(super) record: Option<ServiceSet>,
    /// Whether the API keys of the tenant may be managed.
    pub(super) administers: bool,
}

impl GrantedAccess {
    fn add(&mut self, kind: GrantKind, services: Option<Vec<String>>) {
        match kind {
            GrantKind::Role(role) => {
                let grant = RoleGrant { role, services, sees_sensitive: role != Role::AuditReader };
                if !self.grants.contains(&grant) {
                    self.grants.push(grant);
                }
            }
            GrantKind::Record => {
                let added = services.map_or(ServiceSet::All, |names| ServiceSet::of(names.iter().map(String::as_str)));
                self.record = Some(self.record.take().map_or(added.clone(), |granted| granted.union(added)));
            }
            GrantKind::Administer => self.administers = true,
        }
    }
}

/// Evaluates the role map for the claims of a token.
pub(super) fn evaluate_grants(claims: &Claims, settings: &VerifierSettings) -> Result<GrantedAccess, Rejected> {
    let app_only = is_app_only(claims)?;
    check_token_scope(claims, settings, app_only)?;
    let mut granted = GrantedAccess::default();
    if settings.builtin_grants {
        add_builtin(claims, settings, app_only, &mut granted)?;
    }
    let groups = claims.strings("groups")?;
    if settings.reader_groups.iter().any(|id| groups.iter().any(|group| same_value(group, id))) {
        granted.add(GrantKind::Role(Role::AuditReader), None);
    }
    for rule in &settings.rules {
        let values = claims.strings_at(&rule.claim)?;
        if rule.values.iter().any(|configured| values.iter().any(|value| same_value(value, configured))) {
            let intune =
                || (rule.grant == GrantKind::Role(Role::IntuneServiceAdmin)).then(|| settings.intune_services.clone());
            granted.add(rule.grant, rule.services.clone().or_else(intune));
        }
    }
    let uses_groups = !settings.reader_groups.is_empty() || settings.rules.iter().any(|rule| rule.claim == ["groups"]);
    let nothing_granted = granted.grants.is_empty() && granted.record.is_none() && !granted.administers;
    if nothing_granted && uses_groups && has_group_overage(claims) {
        return Err(Rejected::GroupOverage);
    }
    Ok(granted)
}

/// Adds the grants of the built-in role map.
fn add_builtin(
    claims: &Claims,
    settings: &VerifierSettings,
    app_only: bool,
    granted: &mut GrantedAccess,
) -> Result<(), Rejected> {
    let (wids, roles, permissions) =
        (claims.strings("wids")?, claims.strings("roles")?, claims.strings("permissions")?);
    let wid = |id: &str| wids.iter().any(|value| value.eq_ignore_ascii_case(id));
    let role = |name: &str| roles.iter().any(|value| value == name);
    let permission = |name: &str| permissions.iter().any(|value| value == name);

    let global_admin = wid(GLOBAL_ADMINISTRATOR) || role(ROLE_GLOBAL_ADMIN);
    let intune_admin = wid(INTUNE_ADMINISTRATOR) || role(ROLE_INTUNE_SERVICE_ADMIN);
    let reader = READERS.into_iter().any(wid) || role(ROLE_READ) || permission(PERMISSION_READ);
    let intune_reader = role(INTUNE_AUDIT_READ)
        || permission(INTUNE_AUDIT_READ)
        // In a user's token, this app role is not an application permission and grants nothing.
        || (app_only && role(ROLE_INTUNE_READ));
    let recorder = (app_only && role(ROLE_RECORD)) || permission(PERMISSION_RECORD);
    let intune = Some(&settings.intune_services);
    for (holds, kind, services) in [
        (global_admin, GrantKind::Role(Role::GlobalAdmin), None),
        (intune_admin, GrantKind::Role(Role::IntuneServiceAdmin), intune),
        (reader, GrantKind::Role(Role::AuditReader), None),
        (intune_reader, GrantKind::Role(Role::AuditReader), intune),
        (recorder, GrantKind::Record, None),
        (permission(PERMISSION_ADMINISTER), GrantKind::Administer, None),
    ] {
        if holds {
            granted.add(kind, services.cloned());
        }
    }
    Ok(())
}

/// Claims that only occur in tokens for a user, or for an application that acts for a user.
const PERSONAL_CLAIMS: [&str; 7] = ["scp", "scope", "upn", "preferred_username", "unique_name", "email", "nonce"];

/// Whether an application acts for itself, without a user. Without the claim `idtyp`, a token for a user is recognized
/// by its token scopes or by claims that name the user.
pub(super) fn is_app_only(claims: &Claims) -> Result<bool, Rejected> {
    Ok(match claims.string("idtyp")? {
        Some(kind) => kind.eq_ignore_ascii_case("app"),
        None => !PERSONAL_CLAIMS.iter().any(|claim| claims.get(claim).is_some()),
    })
}

fn check_token_scope(claims: &Claims, settings: &VerifierSettings, app_only: bool) -> Result<(), Rejected> {
    let scopes = [claims.strings("scp")?, claims.strings("scope")?].concat();
    let mut scopes = scopes.iter().flat_map(|scopes| scopes.split(' '));
    match &settings.required_scope {
        Some(required) if !app_only && !scopes.any(|scope| scope == required) => Err(Rejected::ScopeMissing),
        _ => Ok(()),
    }
}

/// Whether two values are equal. The ids of a directory are GUIDs and compared without regard to case.
fn same_value(value: &str, configured: &str) -> bool {
    value == configured || parse_guid(configured).is_some_and(|id| parse_guid(value) == Some(id))
}

/// Parses a GUID in its hyphenated form.
pub(super) fn parse_guid(string: &str) -> Option<Uuid> {
    const HYPHENATED_LENGTH: usize = 36;
    Uuid::try_parse(string).ok().filter(|_| string.len() == HYPHENATED_LENGTH)
}

/// Whether the issuer omitted the groups because there are too many: the token has a reference to them or, in the
/// implicit flow, the claim `hasgroups`.
fn has_group_overage(claims: &Claims) -> bool {
    claims.get("_claim_names").and_then(|names| names.get("groups")).is_some()
        || matches!(claims.get("hasgroups"), Some(JsonNode::Scalar(raw)) if &**raw == "true" || &**raw == "\"true\"")
}

#[cfg(test)]
mod tests {
    use super::super::GrantRule;
    use super::*;

    fn decide(json: &str, settings: &VerifierSettings) -> Result<GrantedAccess, Rejected> {
        evaluate_grants(&Claims::parse(json.as_bytes()).unwrap(), settings)
    }

    fn grants(json: &str) -> Vec<RoleGrant> {
        decide(json, &VerifierSettings::default()).unwrap().grants
    }

    fn records(json: &str) -> bool {
        decide(json, &VerifierSettings::default()).unwrap().record.is_some()
    }

    fn grant(role: Role, services: Option<Vec<String>>, sees_sensitive: bool) -> RoleGrant {
        RoleGrant { role, services, sees_sensitive }
    }

    fn admin() -> RoleGrant {
        grant(Role::GlobalAdmin, None, true)
    }

    fn intune_services() -> Vec<String> {
        vec!["Microsoft Intune".to_owned(), "Windows 365".to_owned()]
    }

    fn intune_admin() -> RoleGrant {
        grant(Role::IntuneServiceAdmin, Some(intune_services()), true)
    }

    fn reader() -> RoleGrant {
        grant(Role::AuditReader, None, false)
    }

    fn intune_reader() -> RoleGrant {
        grant(Role::AuditReader, Some(intune_services()), false)
    }

    #[test]
    fn every_entry_of_the_role_map_grants_its_role() {
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
    fn unknown_values_grant_no_role() {
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
    fn claim_of_wrong_type_is_malformed() {
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
    fn grants_are_combined_without_duplicates() {
        let json = r#"{"roles":["GlobalAdmin","GlobalAdmin","AuditLog.Read.All","Microsoft.Intune_Audit_Read"],
            "wids":["62e90394-69f5-4237-9190-012177145e10","3a2c62db-5318-420d-8d74-23affee5d9d5",
            "f2ef992c-3afb-46b9-b7cf-a126ee74c451"],"permissions":["audit/read","Microsoft.Intune_Audit_Read"]}"#;
        assert_eq!(grants(json), [admin(), intune_admin(), reader(), intune_reader()]);
    }

    #[test]
    fn recording_requires_an_application_or_the_permission() {
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
    fn required_scope_applies_to_delegated_tokens_only() {
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
    fn configured_group_grants_audit_reader() {
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
    fn group_overage_is_an_error_only_if_groups_decide() {
        let settings = VerifierSettings { reader_groups: vec!["auditors".into()], ..VerifierSettings::default() };
        let overage = r#""_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://x.example"}}"#;
        assert_eq!(decide(&format!("{{{overage}}}"), &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":true}"#, &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":"true"}"#, &settings), Err(Rejected::GroupOverage));
        assert_eq!(decide(r#"{"hasgroups":false}"#, &settings).unwrap().grants, []);
        assert_eq!(decide(r#"{"_claim_names":{"other":"src1"}}"#, &settings).unwrap().grants, []);
        let with_role = format!(r#"{{{overage},"roles":["GlobalAdmin"]}}"#);
        assert_eq!(decide(&with_role, &settings).unwrap().grants, [admin()]);
        let recorder = format!(r#"{{{overage},"permissions":["audit/write"]}}"#);
        assert!(decide(&recorder, &settings).unwrap().record.is_some());
        assert_eq!(decide(&format!("{{{overage}}}"), &VerifierSettings::default()).unwrap().grants, []);
    }

    fn rule(claim: &[&str], value: &str, grant: GrantKind, services: &[&str]) -> GrantRule {
        let strings = |strings: &[&str]| strings.iter().map(|string| (*string).to_owned()).collect::<Vec<_>>();
        let services = (!services.is_empty()).then(|| strings(services));
        GrantRule { claim: strings(claim), values: vec!["other".to_owned(), value.to_owned()], grant, services }
    }

    #[test]
    fn operator_rule_reads_any_claim_and_limits_services() {
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
            assert_eq!(allowed, GrantedAccess::default(), "{nothing}");
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
    fn without_builtin_grants_only_operator_rules_apply() {
        let rules = vec![rule(&["roles"], "Boss", GrantKind::Role(Role::GlobalAdmin), &[])];
        let settings = VerifierSettings { builtin_grants: false, rules, ..VerifierSettings::default() };
        let json = r#"{"roles":["GlobalAdmin","AuditLog.Write"],"permissions":["audit/read","audit/write"],
            "wids":["62e90394-69f5-4237-9190-012177145e10"]}"#;
        assert_eq!(decide(json, &settings), Ok(GrantedAccess::default()));
        assert_eq!(decide(r#"{"roles":["Boss"]}"#, &settings).unwrap().grants, [admin()]);
    }
}
