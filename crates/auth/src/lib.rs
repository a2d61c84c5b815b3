//! Who is it, and what may they do: from the text of a token to a [`Principal`].
//!
//! A [`Verifier`] has issuers, each with its keys and rules; the current time is an argument, so nothing here uses a
//! clock of its own. Only `source` reads files and addresses, for keys. A role is never checked elsewhere by name: it
//! is turned into a [`Scope`] here, and everything below works with the scope alone.
//!
//! The decision worth knowing: of the JWT library only the signature check is used. The algorithm is pinned to the key,
//! header and claims are read by `claim` (each name once, each type exact) and checked by `token`, because the
//! library's own checks read the clock, skip claims of a wrong type and take the last of two equal names.
//!
//! Wrong configuration (see [`VerifierSettings`], [`Keys`]) is refused with a sentence that says how to fix it; a token is
//! [`Rejected`] with a sentence that is safe to show to its sender.

mod claim;
#[cfg(test)]
mod forge;
mod grant;
mod issue;
mod issuer;
mod jwk;
mod keys;
mod rejected;
mod remembered;
mod settings;
mod source;
mod token;

use std::fmt;

use model::event::RESERVED_SERVICE;
use model::{Scope, ServiceGrant, ServiceSet, Timestamp, wire_enum};

pub use grant::{GrantKind, Rule};
pub use issue::{Grantable, TokenRequest, issue};
pub use keys::Keys;
pub use rejected::Rejected;
pub use settings::{TenantBinding, VerifierSettings};
pub use source::{KeySource, RefreshPolicy};
pub use token::{TOKEN_BYTES_MAX, Verifier};

use issuer::TENANT_IN_ISSUER;

wire_enum! {
    /// A role in reading the log. None of them includes recording.
    Role {
        /// Reads every service and sees all values.
        GlobalAdmin = "GLOBAL_ADMIN",
        /// Reads the Intune services and sees all values.
        IntuneServiceAdmin = "INTUNE_SERVICE_ADMIN",
        /// Reads the services granted, all by default; sensitive values are withheld.
        AuditReader = "AUDIT_READER",
    }
}

/// What one role grants a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessGrant {
    /// The role.
    pub role: Role,
    /// The services it covers, as they are spelled for display; none means all.
    pub services: Option<Vec<String>>,
    /// Whether sensitive values are shown under this grant.
    pub sees_sensitive: bool,
}

impl AccessGrant {
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

/// An authenticated caller. Only a [`Verifier`] makes one from a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who it is: the token's subject, else the object, else the application it was issued to.
    pub subject: String,
    /// The user principal name, if the token has one. For display: it can change, and others can get it.
    pub user_principal_name: Option<String>,
    /// The display name, if the token has one.
    pub display_name: Option<String>,
    /// Whose log it is about: the value of the tenant claim.
    pub tenant: String,
    /// The application that the token was issued to.
    pub client_id: Option<String>,
    /// The id of its object in the directory, if the token says so; a person's subject may differ by application.
    pub object_id: Option<String>,
    /// Whether that application acts for itself.
    pub is_application: bool,
    /// What the caller may read, each role with its services once.
    pub grants: Vec<AccessGrant>,
    /// The services whose events the caller may record; none if it may not record.
    pub record: Option<ServiceSet>,
    /// When the token expires, without leeway.
    pub expires_at: Timestamp,
}

impl Principal {
    /// What the caller may see; none if no role was granted.
    pub fn read_scope(&self) -> Option<Scope> {
        (!self.grants.is_empty()).then(|| Scope::of(self.grants.iter().map(AccessGrant::to_grant)))
    }

    /// Whether the caller may see who read the log.
    pub fn sees_accesses(&self) -> bool {
        let shows = |grant: &AccessGrant| {
            grant.role == Role::GlobalAdmin && grant.to_grant().services.contains(RESERVED_SERVICE)
        };
        self.grants.iter().any(shows)
    }

    /// Whether the caller may record events of some service.
    pub fn may_record(&self) -> bool {
        self.record.is_some()
    }
}

/// Why keys or settings cannot be used: a sentence for the operator that says how to fix it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem(String);

impl ConfigProblem {
    fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigProblem {}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(grants: Vec<AccessGrant>) -> Principal {
        Principal {
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: "contoso".into(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants,
            record: None,
            expires_at: Timestamp(0),
        }
    }

    #[test]
    fn who_has_no_role_has_no_scope() {
        assert_eq!(principal(Vec::new()).read_scope(), None);
    }

    #[test]
    fn only_administrators_of_everything_see_who_read() {
        let grant = |role, services: Option<&str>| AccessGrant {
            role,
            services: services.map(|name| vec![name.to_owned()]),
            sees_sensitive: true,
        };
        let sees = |grant| principal(vec![grant]).sees_accesses();
        assert!(sees(grant(Role::GlobalAdmin, None)));
        assert!(sees(grant(Role::GlobalAdmin, Some("Auditgraph"))));
        assert!(!sees(grant(Role::GlobalAdmin, Some("Core Directory"))));
        assert!(!sees(grant(Role::AuditReader, None)));
        assert!(!sees(grant(Role::IntuneServiceAdmin, Some("auditgraph"))));
    }

    #[test]
    fn a_reader_who_is_intune_admin_too_sees_everything_but_only_intune_secrets() {
        let reader = AccessGrant { role: Role::AuditReader, services: None, sees_sensitive: false };
        let admin = AccessGrant {
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
