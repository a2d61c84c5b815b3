//! Signs tokens with the configured secret, for development, demos and tests.
//!
//! A token has the claims that the role map reads and no `scp`, like the token of an application. A server whose tokens
//! come from an issuer has no secret and cannot sign tokens.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

use super::grant::{PERMISSION_READ, ROLE_GLOBAL_ADMIN, ROLE_INTUNE_SERVICE_ADMIN};
use super::keys::check_secret;
use super::{ConfigProblem, Role, TOKEN_BYTES_MAX};
use model::Timestamp;
use model::time::SECOND;

/// A grant of a signed token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantable {
    /// A role for reading.
    Role(Role),
    /// A permission, as in the claim `permissions`, such as `audit/write`.
    Permission(String),
}

/// The content of a token to sign.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// The subject (`sub`).
    pub subject: &'a str,
    /// The key of the tenant.
    pub tenant: &'a str,
    /// The claim with the tenant's key, as in the settings of the verifier.
    pub tenant_claim: &'a str,
    /// The roles and permissions.
    pub grants: &'a [Grantable],
    /// The issuer (`iss`), if the verifier requires one.
    pub issuer: Option<&'a str>,
    /// The audience (`aud`), if the verifier requires one.
    pub audience: Option<&'a str>,
    /// The current time.
    pub now: Timestamp,
    /// The expiry. Fractions of a second are truncated.
    pub expires_at: Timestamp,
}

/// Signs a token with the secret (HS256). Fails if the verifier would reject the token.
pub fn issue(secret: &str, request: &TokenRequest<'_>) -> Result<String, ConfigProblem> {
    check_secret(secret)?;
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(request)?, &key)
        .map_err(|why| ConfigProblem::new(format!("the token could not be signed: {why}")))?;
    if token.len() > TOKEN_BYTES_MAX {
        return Err(ConfigProblem::new(
            "the token would be longer than 16 KiB: grant fewer permissions, or use shorter names",
        ));
    }
    Ok(token)
}

fn claims(request: &TokenRequest<'_>) -> Result<Map<String, Value>, ConfigProblem> {
    let (now, expires_at) = (request.now.0.div_euclid(SECOND), request.expires_at.0.div_euclid(SECOND));
    if expires_at <= now {
        return Err(ConfigProblem::new("the token would have expired already: choose a later expiry"));
    }
    let (mut roles, mut permissions) = (Vec::new(), Vec::new());
    for grant in request.grants {
        match grant {
            Grantable::Role(Role::GlobalAdmin) => roles.push(ROLE_GLOBAL_ADMIN),
            Grantable::Role(Role::IntuneServiceAdmin) => roles.push(ROLE_INTUNE_SERVICE_ADMIN),
            Grantable::Role(Role::AuditReader) => permissions.push(PERMISSION_READ),
            Grantable::Permission(name) => permissions.push(name),
        }
    }
    let strings = [("subject", request.subject), ("tenant", request.tenant), ("tenant claim", request.tenant_claim)];
    let strings = strings.into_iter().chain(permissions.iter().map(|name| ("permission", *name)));
    if let Some((part, _)) =
        strings.into_iter().find(|(_, string)| string.trim().is_empty() || string.contains(char::is_control))
    {
        return Err(ConfigProblem::new(format!("the {part} is blank or contains control characters: remove them")));
    }

    let mut claims = Map::from_iter([
        ("sub".to_owned(), Value::from(request.subject)),
        ("iat".to_owned(), Value::from(now)),
        ("exp".to_owned(), Value::from(expires_at)),
    ]);
    let optional = [
        ("iss", request.issuer.map(Value::from)),
        ("aud", request.audience.map(Value::from)),
        ("roles", (!roles.is_empty()).then(|| Value::from(roles))),
        ("permissions", (!permissions.is_empty()).then(|| Value::from(permissions))),
    ];
    claims.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let tenant = Value::from(request.tenant);
    match claims.insert(request.tenant_claim.to_owned(), tenant.clone()) {
        Some(other) if other != tenant => Err(ConfigProblem::new(format!(
            "the tenant claim `{}` already has another meaning in this token: configure another claim",
            request.tenant_claim
        ))),
        _ => Ok(claims),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::test_keys::now_or_panic;
    use super::super::{KeySource, Principal, Rejected, RoleGrant, VerificationKeys, Verifier, VerifierSettings};
    use super::*;
    use model::time::HOUR;

    const SECRET: &str = "a secret of more than 32 bytes, really";
    const NOW: Timestamp = Timestamp(1_800_000_000 * SECOND + 1);

    fn request(grants: &[Grantable]) -> TokenRequest<'_> {
        TokenRequest {
            subject: "ada",
            tenant: "contoso",
            tenant_claim: "tid",
            grants,
            issuer: None,
            audience: None,
            now: NOW,
            expires_at: NOW.plus(HOUR),
        }
    }

    fn verify(token: &str, settings: VerifierSettings) -> Result<Arc<Principal>, Rejected> {
        let keys = KeySource::fixed(VerificationKeys::secret(SECRET).unwrap());
        now_or_panic(Verifier::new([(keys, settings)]).unwrap().verify(token, NOW))
    }

    fn principal(grants: &[Grantable]) -> Arc<Principal> {
        verify(&issue(SECRET, &request(grants)).unwrap(), VerifierSettings::default()).unwrap()
    }

    #[test]
    fn issued_roles_are_verified_and_do_not_permit_recording() {
        for role in Role::ALL {
            let principal = principal(&[Grantable::Role(*role)]);
            let roles: Vec<Role> = principal.grants.iter().map(|grant| grant.role).collect();
            assert_eq!(roles, [*role]);
            assert!(!principal.may_record());
            assert_eq!((principal.subject.as_str(), principal.tenant.as_str()), ("ada", "contoso"));
            assert_eq!(principal.expires_at, Some(Timestamp((1_800_000_000 + 3600) * SECOND)));
        }
    }

    #[test]
    fn issued_permissions_are_verified() {
        let permission = |name: &str| Grantable::Permission(name.to_owned());
        let recorder = principal(&[permission("audit/write")]);
        assert!(recorder.may_record() && recorder.grants.is_empty());
        let both = principal(&[permission("audit/write"), Grantable::Role(Role::AuditReader)]);
        assert!(both.may_record());
        assert_eq!(both.grants, [RoleGrant { role: Role::AuditReader, services: None, sees_sensitive: false }]);
        assert_eq!(principal(&[permission("something/else")]).read_scope(), None);
        assert_eq!(principal(&[]).read_scope(), None);
    }

    #[test]
    fn issued_token_meets_the_verifier_settings() {
        let settings = VerifierSettings {
            issuers: vec!["me".into()],
            audiences: vec!["audit".into()],
            tenant_claim: "org".into(),
            required_scope: Some("Audit.Access".into()),
            ..VerifierSettings::default()
        };
        let full = TokenRequest { issuer: Some("me"), audience: Some("audit"), tenant_claim: "org", ..request(&[]) };
        assert!(verify(&issue(SECRET, &full).unwrap(), settings.clone()).is_ok());
        let no_issuer = TokenRequest { issuer: None, ..full };
        assert_eq!(verify(&issue(SECRET, &no_issuer).unwrap(), settings), Err(Rejected::WrongIssuer));
    }

    #[test]
    fn unusable_token_is_not_signed() {
        let refused = |request: &TokenRequest<'_>| issue(SECRET, request).unwrap_err().to_string();
        assert!(refused(&TokenRequest { expires_at: NOW.plus(SECOND / 2), ..request(&[]) }).contains("expired"));
        assert!(refused(&TokenRequest { tenant: " ", ..request(&[]) }).contains("tenant"));
        assert!(refused(&TokenRequest { subject: "a\n", ..request(&[]) }).contains("subject"));
        assert!(refused(&request(&[Grantable::Permission(String::new())])).contains("permission"));
        assert!(refused(&TokenRequest { tenant_claim: "exp", ..request(&[]) }).contains("`exp`"));
        assert!(refused(&TokenRequest { subject: &"x".repeat(16_384), ..request(&[]) }).contains("16 KiB"));
        assert!(issue("short", &request(&[])).unwrap_err().to_string().contains("5 bytes"));
    }
}
