//! The reasons why a token is rejected, each with a sentence for the client and a label for metrics.
//!
//! The sentences contain at most the name of a claim, never its value, a key or an error of the library, so they are
//! safe to show to unauthenticated clients.

use std::fmt;

/// The reason why a token is rejected. `Display` is one sentence that is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The request has no token.
    Missing,
    /// The authorization is not `Bearer` and a token.
    NotBearer,
    /// The token is longer than [`TOKEN_BYTES_MAX`](super::TOKEN_BYTES_MAX).
    TooLong,
    /// The token is not a signed JSON web token.
    Malformed,
    /// The header or the claims contain a name twice.
    NameRepeated,
    /// No configured key has the algorithm of the token.
    AlgorithmNotAllowed,
    /// The `typ` of the header is not that of an access token.
    TypeNotAllowed,
    /// The header requires an extension.
    ExtensionNotSupported,
    /// No configured key has the `kid` of the token.
    UnknownKey,
    /// No configured key verifies the signature.
    BadSignature,
    /// The keys of the issuer could not be loaded yet.
    KeysUnavailable,
    /// The claim or header parameter of this name has the wrong type or an invalid value.
    ClaimMalformed(String),
    /// The token has no expiry.
    ExpiryMissing,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The issuer is not configured.
    WrongIssuer,
    /// The token was issued for another audience.
    WrongAudience,
    /// The token has no subject.
    SubjectMissing,
    /// The subject is like that of an API key.
    SubjectReserved,
    /// The token does not have the tenant claim of this name.
    TenantMissing(String),
    /// The issuer may not issue tokens for the tenant.
    TenantNotAllowed,
    /// The token does not have the required scope.
    ScopeMissing,
    /// The token omits the groups that decide about roles, because there are too many.
    GroupOverage,
    /// The API key is mistyped or truncated.
    ApiKeyMalformed,
    /// There is no API key with the id.
    ApiKeyUnknown,
    /// The API key has another secret.
    ApiKeySecret,
    /// The API key has expired.
    ApiKeyExpired,
    /// The API key was revoked.
    ApiKeyRevoked,
    /// The API key may not be used from the client's address.
    ApiKeyNetwork,
}

impl Rejected {
    /// Returns the label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotBearer => "not_bearer",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::NameRepeated => "name_repeated",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::ExtensionNotSupported => "extension_not_supported",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::KeysUnavailable => "keys_unavailable",
            Self::ClaimMalformed(_) => "claim_malformed",
            Self::ExpiryMissing => "expiry_missing",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::SubjectMissing => "subject_missing",
            Self::SubjectReserved => "subject_reserved",
            Self::TenantMissing(_) => "tenant_missing",
            Self::TenantNotAllowed => "tenant_not_allowed",
            Self::ScopeMissing => "scope_missing",
            Self::GroupOverage => "group_overage",
            Self::ApiKeyMalformed => "api_key_malformed",
            Self::ApiKeyUnknown => "api_key_unknown",
            Self::ApiKeySecret => "api_key_secret",
            Self::ApiKeyExpired => "api_key_expired",
            Self::ApiKeyRevoked => "api_key_revoked",
            Self::ApiKeyNetwork => "api_key_network",
        }
    }

    /// Whether the caller is authenticated but not permitted (403), so that another token of the same kind would not
    /// help. Otherwise the caller is not authenticated (401).
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::TenantNotAllowed | Self::ScopeMissing | Self::GroupOverage)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "A bearer token is required.",
            Self::NotBearer => {
                "The authorization must have the form `Bearer TOKEN`: the word `Bearer`, a space and the token."
            }
            Self::TooLong => "The token is longer than 16 KiB.",
            Self::Malformed => "The token is not a signed JSON web token.",
            Self::NameRepeated => "The token's header or claims contain a name twice.",
            Self::AlgorithmNotAllowed => "The token is signed with an algorithm that is not accepted here.",
            Self::TypeNotAllowed => "The token is not an access token: its `typ` is neither `JWT` nor `at+jwt`.",
            Self::ExtensionNotSupported => "The token requires unsupported features (`crit`, `zip` or `cty`).",
            Self::UnknownKey => "The token names a key (`kid`) that its issuer does not publish.",
            Self::BadSignature => "The token's signature is not valid for any key of its issuer.",
            Self::KeysUnavailable => "The keys of the token's issuer cannot be read at the moment; try again later.",
            Self::ClaimMalformed(name) => return write!(f, "The token's `{name}` is not valid."),
            Self::ExpiryMissing => "The token has no expiry (`exp`).",
            Self::Expired => "The token has expired.",
            Self::NotYetValid => "The token is not valid yet.",
            Self::WrongIssuer => "The token's issuer (`iss`) is not accepted here.",
            Self::WrongAudience => "The token was issued for another audience (`aud`).",
            Self::SubjectMissing => "The token has no subject (`sub`).",
            Self::SubjectReserved => "The token's subject (`sub`) begins with `key:`, which is reserved for API keys.",
            Self::TenantMissing(claim) => return write!(f, "The token does not name a tenant (`{claim}`)."),
            Self::TenantNotAllowed => {
                "The token's issuer (`iss`) may not issue tokens for the tenant that the token names."
            }
            Self::ScopeMissing => {
                "The token does not have the scope (`scp`) that this API requires: request a token with it."
            }
            Self::GroupOverage => {
                "The caller is in too many groups for the token to list them, so its role cannot be determined: \
                 assign an app role, or include only groups assigned to the application in the token."
            }
            Self::ApiKeyMalformed => "The API key is mistyped or incomplete: its checksum does not match.",
            // One sentence, so that a caller learns nothing about keys of which it has only the id.
            Self::ApiKeyUnknown
            | Self::ApiKeySecret
            | Self::ApiKeyExpired
            | Self::ApiKeyRevoked
            | Self::ApiKeyNetwork => "The API key is not valid.",
        })
    }
}

impl std::error::Error for Rejected {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_authenticated_callers_are_forbidden() {
        assert!(Rejected::ScopeMissing.is_forbidden());
        assert!(Rejected::GroupOverage.is_forbidden());
        assert!(!Rejected::Expired.is_forbidden());
        assert!(!Rejected::BadSignature.is_forbidden());
        assert!(!Rejected::TenantMissing("tid".into()).is_forbidden());
        assert!(!Rejected::ApiKeyNetwork.is_forbidden());
    }

    #[test]
    fn client_cannot_distinguish_api_keys_that_are_not_valid() {
        use Rejected::{ApiKeyExpired, ApiKeyNetwork, ApiKeyRevoked, ApiKeySecret, ApiKeyUnknown};
        let all = [ApiKeyUnknown, ApiKeySecret, ApiKeyExpired, ApiKeyRevoked, ApiKeyNetwork];
        assert!(all.iter().all(|rejected| rejected.to_string() == "The API key is not valid."));
        let labels: std::collections::BTreeSet<&str> = all.iter().map(Rejected::reason).collect();
        assert_eq!(labels.len(), all.len());
    }

    #[test]
    fn rejection_is_one_sentence_and_has_a_label() {
        let rejected = Rejected::TenantMissing("tid".into());
        assert_eq!(rejected.to_string(), "The token does not name a tenant (`tid`).");
        assert_eq!(rejected.reason(), "tenant_missing");
        assert_eq!(Rejected::ClaimMalformed("roles".into()).to_string(), "The token's `roles` is not valid.");
    }
}
