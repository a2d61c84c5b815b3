//! The caller, and what this server is.

use async_graphql::SimpleObject;

use crate::engine::context::Session;
use crate::schema::enums::AccessRole;
use crate::schema::scalar::{DateTime, Sequence};

/// The authenticated caller.
#[derive(Clone, Debug, SimpleObject)]
pub struct Viewer {
    /// The subject of the caller's token.
    subject: String,
    /// The caller's user principal name, if the token names one.
    user_principal_name: Option<String>,
    /// The caller's display name, if the token names one.
    display_name: Option<String>,
    /// The tenant whose log the caller reads or writes.
    tenant: Tenant,
    /// What the caller may read.
    grants: Vec<AccessGrant>,
    /// Whether the caller may record events.
    can_record_audit_events: bool,
    /// When the caller's token expires.
    token_expires_at: DateTime,
}

/// What an access role grants this caller. Several grants are evaluated per event, not merged.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessGrant {
    /// The role.
    role: AccessRole,
    /// The services it covers; null means all.
    services: Option<Vec<String>>,
    /// Whether sensitive values are shown under this grant.
    sees_sensitive_values: bool,
}

/// The owner of a log.
#[derive(Clone, Debug, SimpleObject)]
pub struct Tenant {
    /// The value of the token's tenant claim.
    key: String,
    /// The name shown to people.
    display_name: String,
    /// The domain names that belong to it.
    domains: Vec<String>,
}

impl From<&Session> for Viewer {
    fn from(session: &Session) -> Self {
        let principal = &session.caller.principal;
        let tenant = &session.caller.tenant;
        let grant = |grant: &auth::RoleGrant| AccessGrant {
            role: grant.role.into(),
            services: grant.services.clone(),
            sees_sensitive_values: grant.sees_sensitive,
        };
        Self {
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

/// What this server stores and allows.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditLogInfo {
    /// The server's version.
    pub version: String,
    /// How many days events are kept; null means for ever.
    pub retention_days: Option<i32>,
    /// The sequence of the newest event in the log; 0 if the log is empty.
    pub last_sequence: Sequence,
    /// A feed cursor at that place, for pollers that want only new events.
    pub feed_cursor: String,
    /// When the oldest event kept happened; null if there is none.
    pub oldest_event_at: Option<DateTime>,
    /// When the newest event kept happened; null if there is none.
    pub newest_event_at: Option<DateTime>,
    /// The most events that one page can have.
    pub max_page_size: i32,
    /// The most events that one call can record.
    pub max_record_batch: i32,
}
