//! An issuer: its names, its keys, and what its signed claims say about the caller.
//!
//! Except for the issuer's names, nothing here is used before one of the issuer's own keys has verified the token. An
//! issuer speaks for the tenants that it is bound to and for no others, whatever its tokens claim.

use std::sync::Arc;

use super::claim::Claims;
use super::grant::{GrantedAccess, evaluate_grants, is_app_only, is_guid};
use super::key_source::KeySource;
use super::{Principal, Rejected, TenantBinding, VerifierSettings};
use model::Timestamp;
use model::time::SECOND;

/// What stands for the tenant in the name of an issuer.
pub(super) const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// The most bytes of a caller's name: what OpenID Connect allows (Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// Who signs tokens, with which keys, and for whom.
#[derive(Debug)]
pub(super) struct TokenIssuer {
    pub(super) keys: Arc<KeySource>,
    pub(super) settings: VerifierSettings,
}

/// A caller, and when its token is valid: from one moment until before another.
#[derive(Debug)]
pub(super) struct Validated {
    pub(super) principal: Principal,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl TokenIssuer {
    /// Whether this is one of its names that are not templates.
    pub(super) fn has_exact_name(&self, iss: &str) -> bool {
        self.settings.issuers.iter().any(|name| name == iss && !name.contains(TENANT_PLACEHOLDER))
    }

    /// Whether this is one of its names for some tenant, or it may have any name.
    pub(super) fn matches_template(&self, iss: Option<&str>) -> bool {
        let names = &self.settings.issuers;
        names.is_empty() || iss.is_some_and(|iss| names.iter().any(|name| tenant_in(name, iss).is_some()))
    }

    /// Who the bearer of a token with these claims is, which one of this issuer's keys has signed.
    pub(super) fn validate(&self, claims: &Claims, now: Timestamp) -> Result<Validated, Rejected> {
        let (expires_at, from, until) = self.period(claims)?;
        if now >= until {
            return Err(Rejected::Expired);
        }
        if now < from {
            return Err(Rejected::NotYetValid);
        }
        let audiences = claims.strings("aud")?;
        if !self.settings.audiences.is_empty() && !self.settings.audiences.iter().any(|ours| audiences.contains(ours)) {
            return Err(Rejected::WrongAudience);
        }
        let subject = claims.first_string(&["sub", "oid", "appid", "azp"])?.ok_or(Rejected::SubjectMissing)?;
        if subject.len() > SUBJECT_BYTES_MAX {
            return Err(Rejected::ClaimMalformed("sub".to_owned()));
        }
        let tenant = self.tenant(claims)?;
        let user_principal_name = claims.first_string(&["upn", "preferred_username", "unique_name"])?;
        let display_name = claims.string("name")?;
        let client_id = claims.first_string(&["azp", "appid", "client_id"])?;
        let object_id = claims.string("oid")?;
        let GrantedAccess { grants, record } = evaluate_grants(claims, &self.settings)?;
        let principal = Principal {
            subject,
            user_principal_name,
            display_name,
            tenant,
            // Without a client there is no application to name.
            is_application: is_app_only(claims)? && client_id.is_some(),
            client_id,
            object_id,
            grants,
            record,
            expires_at,
        };
        Ok(Validated { principal, from, until })
    }

    /// When the token expires; with leeway, from when on and until when it holds.
    fn period(&self, claims: &Claims) -> Result<(Timestamp, Timestamp, Timestamp), Rejected> {
        let leeway = i64::from(self.settings.leeway_secs) * SECOND;
        let expires_at = claims.timestamp("exp")?.ok_or(Rejected::ExpiryMissing)?;
        let from = claims.timestamp("nbf")?.map_or(Timestamp(i64::MIN), |start| start.plus(-leeway));
        Ok((expires_at, from, expires_at.plus(leeway)))
    }

    /// The tenant that the token is about, if the issuer may speak for it.
    fn tenant(&self, claims: &Claims) -> Result<String, Rejected> {
        if let TenantBinding::One(key) = &self.settings.tenants {
            return Ok(key.clone());
        }
        let claim = &self.settings.tenant_claim;
        let tenant = claims.string(claim)?.ok_or_else(|| Rejected::TenantMissing(claim.clone()))?;
        // Where the issuer's name has the tenant in it, that is the tenant it speaks for, and the claim has to agree.
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

/// The tenant that a name of an issuer is about (nothing where the name has no place for one), if `iss` is that name.
fn tenant_in<'a>(name: &str, iss: &'a str) -> Option<&'a str> {
    let Some((before, after)) = name.split_once(TENANT_PLACEHOLDER) else { return (name == iss).then_some("") };
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!tenant.is_empty() && tenant.bytes().all(plain)).then_some(tenant)
}

/// Whether two names of issuers are those of one Entra directory, which has one for each version of its tokens.
pub(super) fn same_directory(one: &str, other: &str) -> bool {
    let directory = |name: &str| name.split('/').skip(3).find(|segment| is_guid(segment)).map(str::to_ascii_lowercase);
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
    fn both_versions_of_tokens_are_of_one_directory() {
        let (a, b) = ("9188040d-6c67-4c5b-b112-36a304b66dad", "0f3c1a2b-1111-2222-3333-44445555aaaa");
        let v1 = |id: &str| format!("https://sts.windows.net/{id}/");
        let v2 = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
        assert!(same_directory(&v1(a), &v2(a)) && same_directory(&v2(a), &v2(&a.to_uppercase())));
        assert!(!same_directory(&v1(a), &v2(b)) && !same_directory(&v2("common"), &v2("common")));
        assert!(!same_directory("https://issuer.example/", "https://issuer.example/"));
    }
}
