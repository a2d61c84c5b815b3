//! An issuer: its names, its keys, and the validation of its signed claims.
//!
//! Except for the matching of names, claims are used only after one of the issuer's own keys has verified the token. An
//! issuer can issue tokens only for the tenants that it is bound to, whatever the tokens contain.

use std::sync::Arc;

use super::api_key_grants::API_KEY_SUBJECT_PREFIX;
use super::claim::Claims;
use super::grant::{GrantedAccess, evaluate_grants, is_app_only, parse_guid};
use super::key_source::KeySource;
use super::settings::TENANT_PLACEHOLDER;
use super::{Principal, Rejected, TenantBinding, VerifierSettings};
use model::Timestamp;
use model::fold::fold;
use model::time::SECOND;

/// The maximum length of a subject, in bytes (OpenID Connect Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;
/// The maximum length of an issuer's name, in bytes. It is stored with every event that its callers record.
const ISSUER_BYTES_MAX: usize = 1_024;

/// An issuer with its keys and settings.
#[derive(Debug)]
pub(super) struct TokenIssuer {
    pub(super) keys: Arc<KeySource>,
    pub(super) settings: VerifierSettings,
}

/// The principal of a valid token, and its validity period with leeway: inclusive start, exclusive end.
#[derive(Debug)]
pub(super) struct Validated {
    pub(super) principal: Principal,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl TokenIssuer {
    /// Whether `iss` equals one of the names without a placeholder.
    pub(super) fn has_exact_name(&self, iss: &str) -> bool {
        self.settings.issuers.iter().any(|name| name == iss && !name.contains(TENANT_PLACEHOLDER))
    }

    /// Whether `iss` matches one of the names for any tenant. Without configured names, every `iss` matches.
    pub(super) fn matches_template(&self, iss: Option<&str>) -> bool {
        let names = &self.settings.issuers;
        names.is_empty() || iss.is_some_and(|iss| names.iter().any(|name| tenant_in(name, iss).is_some()))
    }

    /// Validates the claims of a token that one of this issuer's keys has signed.
    pub(super) fn validate(&self, claims: &Claims, now: Timestamp) -> Result<Validated, Rejected> {
        let (expires_at, from, until) = self.period(claims)?;
        if now >= until {
            return Err(Rejected::Expired);
        }
        if now < from {
            return Err(Rejected::NotYetValid);
        }
        let audiences = claims.strings("aud")?;
        if !self.settings.audiences.is_empty()
            && !self.settings.audiences.iter().any(|accepted| audiences.contains(accepted))
        {
            return Err(Rejected::WrongAudience);
        }
        let subject = claims.first_string(&["sub", "oid", "appid", "azp"])?.ok_or(Rejected::SubjectMissing)?;
        if subject.len() > SUBJECT_BYTES_MAX {
            return Err(Rejected::ClaimMalformed("sub".to_owned()));
        }
        // Filters compare subjects in their folded form.
        if fold(&subject).starts_with(API_KEY_SUBJECT_PREFIX) {
            return Err(Rejected::SubjectReserved);
        }
        let issuer = claims.string("iss")?;
        if issuer.as_ref().is_some_and(|issuer| issuer.len() > ISSUER_BYTES_MAX) {
            return Err(Rejected::ClaimMalformed("iss".to_owned()));
        }
        let tenant = self.tenant(claims)?;
        let user_principal_name = claims.first_string(&["upn", "preferred_username", "unique_name"])?;
        let display_name = claims.string("name")?;
        let client_id = claims.first_string(&["azp", "appid", "client_id"])?;
        let object_id = claims.string("oid")?;
        let GrantedAccess { grants, record, administers } = evaluate_grants(claims, &self.settings)?;
        let principal = Principal {
            issuer,
            subject,
            user_principal_name,
            display_name,
            tenant,
            // A token without a client id names no application.
            is_application: is_app_only(claims)? && client_id.is_some(),
            client_id,
            object_id,
            grants,
            record,
            administers,
            expires_at: Some(expires_at),
        };
        Ok(Validated { principal, from, until })
    }

    /// Returns the expiry, and the validity period with leeway.
    fn period(&self, claims: &Claims) -> Result<(Timestamp, Timestamp, Timestamp), Rejected> {
        let leeway = i64::from(self.settings.leeway_secs) * SECOND;
        let expires_at = claims.timestamp("exp")?.ok_or(Rejected::ExpiryMissing)?;
        let from = claims.timestamp("nbf")?.map_or(Timestamp(i64::MIN), |start| start.plus(-leeway));
        Ok((expires_at, from, expires_at.plus(leeway)))
    }

    /// Returns the token's tenant, if the issuer may issue tokens for it.
    fn tenant(&self, claims: &Claims) -> Result<String, Rejected> {
        if let TenantBinding::One(key) = &self.settings.tenants {
            return Ok(key.clone());
        }
        let claim = &self.settings.tenant_claim;
        let tenant = claims.string(claim)?.ok_or_else(|| Rejected::TenantMissing(claim.clone()))?;
        // If the issuer's name contains the tenant's id, the claim must be equal to it.
        let mut templates = self.settings.issuers.iter().filter(|name| name.contains(TENANT_PLACEHOLDER));
        let iss = claims.string("iss")?.unwrap_or_default();
        let own = templates.find_map(|name| tenant_in(name, &iss));
        let listed = match &self.settings.tenants {
            TenantBinding::Listed(keys) => keys.contains(&tenant),
            TenantBinding::Any | TenantBinding::One(_) => true,
        };
        if listed && own.is_none_or(|own| own == tenant) { Ok(tenant) } else { Err(Rejected::TenantNotAllowed) }
    }
}

/// Returns the tenant's id in `iss`, if `iss` matches the name. The id is empty if the name has no placeholder.
fn tenant_in<'a>(name: &str, iss: &'a str) -> Option<&'a str> {
    let Some((before, after)) = name.split_once(TENANT_PLACEHOLDER) else { return (name == iss).then_some("") };
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!tenant.is_empty() && tenant.bytes().all(plain)).then_some(tenant)
}

/// Whether two issuer names are those of the same Entra directory, which has one name per version of its tokens.
pub(super) fn same_directory(one: &str, other: &str) -> bool {
    let directory = |name: &str| name.split('/').skip(3).find_map(parse_guid);
    directory(one).is_some_and(|id| directory(other) == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_one_tenant_and_nothing_around_it() {
        let v2 = "https://login.microsoftonline.com/{tenantid}/v2.0";
        assert_eq!(tenant_in(v2, "https://login.microsoftonline.com/4f2a-1/v2.0"), Some("4f2a-1"));
        for other in [
            "https://login.microsoftonline.com//v2.0",
            "https://login.microsoftonline.com/v2.0",
            "https://login.microsoftonline.com/a/b/v2.0",
            "https://login.microsoftonline.com/a?x/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com/a/v2.0/",
            "https://login.microsoftonline.com/a%2fv2.0/v2.0",
            "https://login.microsoftonline.com.evil.example/a/v2.0",
            "http://login.microsoftonline.com/a/v2.0",
        ] {
            assert_eq!(tenant_in(v2, other), None, "{other}");
        }
        assert_eq!(tenant_in("https://sts.windows.net/{tenantid}/", "https://sts.windows.net/a/"), Some("a"));
        assert_eq!(tenant_in("https://sts.windows.net/{tenantid}/", "https://sts.windows.net/"), None);
        assert_eq!(tenant_in("ab{tenantid}b", "ab"), None);
        assert_eq!(tenant_in("me", "me"), Some(""));
        assert_eq!(tenant_in("me", "Me"), None);
    }

    #[test]
    fn issuers_of_both_token_versions_are_the_same_directory() {
        let (a, b) = ("9188040d-6c67-4c5b-b112-36a304b66dad", "0f3c1a2b-1111-2222-3333-44445555aaaa");
        let v1 = |id: &str| format!("https://sts.windows.net/{id}/");
        let v2 = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
        assert!(same_directory(&v1(a), &v2(a)) && same_directory(&v2(a), &v2(&a.to_uppercase())));
        assert!(!same_directory(&v1(a), &v2(b)) && !same_directory(&v2("common"), &v2("common")));
        assert!(!same_directory("https://issuer.example/", "https://issuer.example/"));
    }
}
