//! An authenticated caller, and what its roles permit.

use model::event::RESERVED_SERVICE;
use model::{Scope, ServiceGrant, ServiceSet, Timestamp, wire_enum};

wire_enum! {
    /// A role for reading the log. No role includes recording.
    Role {
        /// Reads every service and sees all values.
        GlobalAdmin = "GLOBAL_ADMIN",
        /// Reads the Intune services and sees all values.
        IntuneServiceAdmin = "INTUNE_SERVICE_ADMIN",
        /// Reads the services granted, all by default; sensitive values are withheld.
        AuditReader = "AUDIT_READER",
    }
}

/// A role, limited to services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// The role.
    pub role: Role,
    /// The names of the services, in their display spelling. `None` means all services.
    pub services: Option<Vec<String>>,
    /// Whether this grant shows sensitive values.
    pub sees_sensitive: bool,
}

impl RoleGrant {
    fn to_grant(&self) -> ServiceGrant {
        ServiceGrant {
            services: self
                .services
                .as_ref()
                .map_or(ServiceSet::All, |names| ServiceSet::of(names.iter().map(String::as_str))),
            sees_sensitive: self.sees_sensitive,
        }
    }
}

/// An authenticated caller: that of a token, which a [`Verifier`](super::Verifier) has verified, or of an API key, by its
/// [`ApiKeyGrants`](super::ApiKeyGrants).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The issuer of the token (`iss`), which vouches for everything else. `None` if the token names none, and for an API
    /// key.
    ///
    /// Issuer and subject together identify a caller within its tenant: two issuers may use the same subject for
    /// different persons.
    pub issuer: Option<String>,
    /// The identifier: the token's subject, else its object id, else the id of its application. That of an API key is
    /// `key:` and its id, with which no token's subject begins.
    pub subject: String,
    /// The user principal name, if the token has one. Only for display: it can change and be reassigned.
    pub user_principal_name: Option<String>,
    /// The display name, if the token has one; the name of an API key.
    pub display_name: Option<String>,
    /// The key of the tenant: the value of the tenant claim.
    pub tenant: String,
    /// The id of the application that the token was issued to; the name of an API key.
    pub client_id: Option<String>,
    /// The id in the directory, if the token has one. A user's subject may differ by application, this id does not.
    pub object_id: Option<String>,
    /// Whether the application acts for itself, without a user.
    pub is_application: bool,
    /// The role grants, without duplicates.
    pub grants: Vec<RoleGrant>,
    /// The services whose events the caller may record. `None` if the caller may not record.
    pub record: Option<ServiceSet>,
    /// Whether the caller may manage the API keys of the tenant.
    pub administers: bool,
    /// The expiry, without leeway. `None` for an API key that does not expire; a token always expires.
    pub expires_at: Option<Timestamp>,
}

impl Principal {
    /// Returns the events and values that the caller may read, or `None` if the caller has no role.
    pub fn read_scope(&self) -> Option<Scope> {
        (!self.grants.is_empty()).then(|| Scope::of(self.grants.iter().map(RoleGrant::to_grant)))
    }

    /// Whether the caller may read the access log.
    pub fn can_read_access_log(&self) -> bool {
        let permits =
            |grant: &RoleGrant| grant.role == Role::GlobalAdmin && grant.to_grant().services.contains(RESERVED_SERVICE);
        self.grants.iter().any(permits)
    }

    /// Whether the caller may record events of any service.
    pub fn may_record(&self) -> bool {
        self.record.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(grants: Vec<RoleGrant>) -> Principal {
        Principal {
            issuer: None,
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: "contoso".into(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants,
            record: None,
            administers: false,
            expires_at: None,
        }
    }

    #[test]
    fn principal_without_role_has_no_scope() {
        assert_eq!(principal(Vec::new()).read_scope(), None);
    }

    #[test]
    fn only_global_admin_of_all_services_can_read_access_log() {
        let grant = |role, services: Option<&str>| RoleGrant {
            role,
            services: services.map(|name| vec![name.to_owned()]),
            sees_sensitive: true,
        };
        let can_read = |grant| principal(vec![grant]).can_read_access_log();
        assert!(can_read(grant(Role::GlobalAdmin, None)));
        assert!(can_read(grant(Role::GlobalAdmin, Some("Auditgraph"))));
        assert!(!can_read(grant(Role::GlobalAdmin, Some("Core Directory"))));
        assert!(!can_read(grant(Role::AuditReader, None)));
        assert!(!can_read(grant(Role::IntuneServiceAdmin, Some("auditgraph"))));
    }

    #[test]
    fn reader_with_intune_admin_sees_all_services_but_only_intune_sensitive_values() {
        let reader = RoleGrant { role: Role::AuditReader, services: None, sees_sensitive: false };
        let admin = RoleGrant {
            role: Role::IntuneServiceAdmin,
            services: Some(vec!["Microsoft Intune".into()]),
            sees_sensitive: true,
        };
        let scope = principal(vec![admin.clone(), reader]).read_scope().unwrap();
        assert_eq!(scope.visible, ServiceSet::All);
        assert_eq!(scope.sensitive, ServiceSet::of(["microsoft intune"]));
        let scope = principal(vec![admin]).read_scope().unwrap();
        assert!(!scope.visible.contains("core directory"));
    }
}
