//! Why a token is not accepted: the closed list, with a sentence for the caller and a label for a metric.
//!
//! The sentences name at most a claim, never its value, a key or what the library said, so they are safe to show
//! before anybody is authenticated.

use std::fmt;

/// Why a token is not accepted. The text is one sentence that is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// There is no token.
    Missing,
    /// It is longer than any token needs to be.
    TooLong,
    /// It is not a signed JSON web token.
    Malformed,
    /// A name appears twice in its header or its claims.
    NameRepeated,
    /// Its algorithm belongs to no configured key.
    AlgorithmNotAllowed,
    /// Its header says that it is not an access token.
    TypeNotAllowed,
    /// It demands an extension.
    ExtensionNotSupported,
    /// No configured key has the name that it gives.
    UnknownKey,
    /// No configured key has signed it.
    BadSignature,
    /// The keys of its issuer could not be read yet.
    KeysUnavailable,
    /// The claim or header parameter of this name is of the wrong type, or cannot be what it says.
    ClaimMalformed(String),
    /// It does not say when it expires.
    ExpiryMissing,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// Somebody else has issued it.
    WrongIssuer,
    /// It was issued for something else.
    WrongAudience,
    /// It does not say who the caller is.
    SubjectMissing,
    /// It does not have the tenant claim, which has this name.
    TenantMissing(String),
    /// Its issuer does not speak for the tenant that it names.
    TenantNotAllowed,
    /// The application does not have the token scope that is demanded.
    ScopeMissing,
    /// It leaves out the groups that would decide, because there are too many of them.
    GroupOverage,
}

impl Rejected {
    /// A label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
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
            Self::TenantMissing(_) => "tenant_missing",
            Self::TenantNotAllowed => "tenant_not_allowed",
            Self::ScopeMissing => "scope_missing",
            Self::GroupOverage => "group_overage",
        }
    }

    /// Whether the caller is known and may not (403): another token of the same kind would not help. Otherwise the
    /// caller is not authenticated (401).
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::TenantNotAllowed | Self::ScopeMissing | Self::GroupOverage)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "A bearer token is required.",
            Self::TooLong => "The token is longer than 16 KiB.",
            Self::Malformed => "The token is not a signed JSON web token.",
            Self::NameRepeated => "A name appears twice in the token's header or claims.",
            Self::AlgorithmNotAllowed => "The token is signed with an algorithm that is not accepted here.",
            Self::TypeNotAllowed => "The token is not an access token: its `typ` is neither `JWT` nor `at+jwt`.",
            Self::ExtensionNotSupported => "The token requires unsupported features (`crit`, `zip` or `cty`).",
            Self::UnknownKey => "The token names a key (`kid`) that its issuer does not publish.",
            Self::BadSignature => "The token's signature was not made with a key that is accepted here.",
            Self::KeysUnavailable => "The keys of the token's issuer cannot be read at the moment; try again.",
            Self::ClaimMalformed(name) => return write!(f, "The token's `{name}` is not valid."),
            Self::ExpiryMissing => "The token does not say when it expires (`exp`).",
            Self::Expired => "The token has expired.",
            Self::NotYetValid => "The token is not valid yet.",
            Self::WrongIssuer => "The token's issuer (`iss`) is not accepted here.",
            Self::WrongAudience => "The token was issued for another audience (`aud`).",
            Self::SubjectMissing => "The token does not say who the caller is (`sub`).",
            Self::TenantMissing(claim) => return write!(f, "The token does not name a tenant (`{claim}`)."),
            Self::TenantNotAllowed => "The token's issuer (`iss`) does not speak for the tenant that it names.",
            Self::ScopeMissing => "The application was not given the token scope (`scp`) that this API requires.",
            Self::GroupOverage => {
                "The caller is in too many groups for the token to list them, so their role cannot be decided: \
                 assign an app role, or let the token have only groups assigned to the application."
            }
        })
    }
}

impl std::error::Error for Rejected {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_caller_is_forbidden() {
        assert!(Rejected::ScopeMissing.is_forbidden());
        assert!(Rejected::GroupOverage.is_forbidden());
        assert!(!Rejected::Expired.is_forbidden());
        assert!(!Rejected::BadSignature.is_forbidden());
        assert!(!Rejected::TenantMissing("tid".into()).is_forbidden());
    }

    #[test]
    fn a_rejection_is_one_sentence_and_has_a_label() {
        let rejected = Rejected::TenantMissing("tid".into());
        assert_eq!(rejected.to_string(), "The token does not name a tenant (`tid`).");
        assert_eq!(rejected.reason(), "tenant_missing");
        assert_eq!(Rejected::ClaimMalformed("roles".into()).to_string(), "The token's `roles` is not valid.");
    }
}
