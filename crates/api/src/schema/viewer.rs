//! The caller and the server.

use async_graphql::{ComplexObject, ID, SimpleObject};

use crate::engine::context::Session;
use crate::schema::enums::AccessRole;
use crate::schema::id::ObjectId;
use crate::schema::scalar::{DateTime, Sequence};

/// The authenticated caller.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// The issuer of the caller's token; null if the token names none. Issuer and subject together identify the caller
    /// within its tenant.
    issuer: Option<String>,
    /// The subject of the caller's token.
    subject: String,
    /// The caller's user principal name, if the token names one.
    user_principal_name: Option<String>,
    /// The caller's display name, if the token names one.
    display_name: Option<String>,
    /// The tenant whose log the caller reads or writes.
    pub(crate) tenant: Tenant,
    /// The services that the caller may read, by role.
    grants: Vec<AccessGrant>,
    /// Whether the caller may record events.
    can_record_audit_events: bool,
    /// The time at which the caller's token expires.
    token_expires_at: DateTime,
}

/// The services that an access role grants to the caller. Several grants are evaluated per event, not merged.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessGrant {
    /// The role.
    role: AccessRole,
    /// The services it covers; null means all.
    services: Option<Vec<String>>,
    /// Whether sensitive values, which are otherwise redacted, are shown under this grant.
    sees_redacted_values: bool,
}

/// The owner of a log.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Tenant {
    /// The value of the token's tenant claim.
    key: String,
    /// The display name.
    display_name: String,
    /// The domain names that belong to it.
    domains: Vec<String>,
}

#[ComplexObject]
impl Viewer {
    /// The caller's global id: the same for every token that its issuer gives the subject.
    pub(crate) async fn id(&self) -> ID {
        self.object_id().to_global()
    }
}

impl Viewer {
    pub(crate) fn object_id(&self) -> ObjectId {
        let (tenant, issuer) = (self.tenant.key.clone(), self.issuer.clone());
        ObjectId::Viewer { tenant, issuer, subject: self.subject.clone() }
    }
}

#[ComplexObject]
impl Tenant {
    /// The tenant's global id.
    pub(crate) async fn id(&self) -> ID {
        self.object_id().to_global()
    }
}

impl Tenant {
    pub(crate) fn object_id(&self) -> ObjectId {
        ObjectId::Tenant(self.key.clone())
    }
}

impl From<&Session> for Viewer {
    fn from(session: &Session) -> Self {
        let principal = &session.caller.principal;
        let tenant = &session.caller.tenant;
        let grant = |grant: &auth::RoleGrant| AccessGrant {
            role: grant.role.into(),
            services: grant.services.clone(),
            sees_redacted_values: grant.sees_sensitive,
        };
        Self {
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            user_principal_name: principal.user_principal_name.clone(),
            display_name: principal.display_name.clone(),
            tenant: Tenant {
                key: tenant.key.clone(),
                display_name: tenant.display_name.clone(),
                domains: tenant.domains.clone(),
            },
            grants: principal.grants.iter().map(grant).collect(),
            can_record_audit_events: principal.may_record(),
            token_expires_at: DateTime(principal.expires_at),
        }
    }
}

/// Properties of the server and the log.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditLogInfo {
    /// The server's version.
    pub version: String,
    /// The number of days for which events are kept; null means without limit.
    pub retention_days: Option<i32>,
    /// The sequence of the newest event in the log; 0 if the log is empty.
    pub last_sequence: Sequence,
    /// A feed cursor at that position, for polling only new events.
    pub feed_cursor: String,
    /// The time of the oldest event in the log; null if the log is empty.
    pub oldest_event_at: Option<DateTime>,
    /// The time of the newest event in the log; null if the log is empty.
    pub newest_event_at: Option<DateTime>,
    /// The most events of a page.
    pub max_page_size: i32,
    /// The most events that one call records.
    pub max_record_batch: i32,
}
