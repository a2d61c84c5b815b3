//! Authentication: turns a bearer token or an API key into a [`Principal`].
//!
//! A [`Verifier`] has issuers, each with its keys and rules. The current time is an argument; only [`key_source`] reads
//! files and URLs, for keys. Roles are mapped to a [`Scope`](model::Scope) here, so that no other crate checks a role by
//! its name.
//!
//! Of the JWT library, only the signature check is used. The algorithm is pinned to the key; header and claims are read
//! by [`claim`] (unique names, exact types) and checked by [`verifier`] and [`issuer`], because the library's own checks
//! read the clock, skip claims of a wrong type and accept duplicate names.
//!
//! An invalid configuration is a [`ConfigProblem`] with a sentence that explains how to fix it. An invalid token is
//! [`Rejected`] with a sentence that is safe to show to the client.

mod api_key;
mod api_key_grants;
mod claim;
mod grant;
mod issue;
mod issuer;
mod jwks;
mod key_source;
mod keys;
mod principal;
mod rejected;
mod settings;
#[cfg(test)]
mod test_keys;
mod token_cache;
mod verifier;

pub use api_key::{API_KEY_ID_LENGTH, API_KEY_PREFIX, ParsedApiKey, SecretHash, is_api_key, new_api_key};
pub use api_key_grants::{API_KEY_SUBJECT_PREFIX, ApiKeyGrants, ApiKeyIdentity, Network, Permission};
pub use issue::{Grantable, TokenRequest, issue};
pub use key_source::{KeySource, RefreshPolicy, without_line_break};
pub use keys::VerificationKeys;
pub use principal::{Principal, Role, RoleGrant};
pub use rejected::Rejected;
pub use settings::{ConfigProblem, GrantKind, GrantRule, TenantBinding, VerifierSettings};
pub use verifier::{TOKEN_BYTES_MAX, Verifier};
