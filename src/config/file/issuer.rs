//! The sections `[[issuer]]` and `[[grant]]` of the configuration file.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::{Bounded, NonBlankString, NonEmptyList, OneOrMore};

/// An issuer of tokens. The options apply to settings that are omitted.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "IssuerFields")]
pub struct IssuerSection {
    /// Its names (`iss`). `{tenantid}` is a placeholder for the tenant's id.
    pub names: Vec<NonBlankString>,
    /// The accepted audiences (`aud`).
    pub audiences: Vec<NonBlankString>,
    /// The location of its public keys.
    pub keys: KeyLocation,
    /// The interval at which a key set is read again, in seconds.
    pub jwks_refresh_secs: Option<Bounded<1, 86_400>>,
    /// The timeout for reading a key set, in milliseconds.
    pub jwks_timeout_ms: Option<Bounded<100, 60_000>>,
    /// The tenants that its tokens can belong to.
    pub tenants: IssuerTenants,
    /// The claim that contains the tenant key.
    pub tenant_claim: Option<NonBlankString>,
    /// The allowed difference between clocks, in seconds.
    pub leeway_secs: Option<Bounded<0, 300>>,
    /// The token scope (`scp`) that tokens of users must have.
    pub required_scope: Option<NonBlankString>,
    /// Whether the built-in grants apply to its tokens.
    pub builtin_grants: bool,
    /// Further grants to its tokens.
    pub grants: Vec<GrantSection>,
}

/// The location of public keys.
#[derive(Clone, Debug)]
pub enum KeyLocation {
    /// The URL of a key set.
    JwksUrl(NonBlankString),
    /// A file with a key set.
    JwksFile(PathBuf),
    /// A PEM file.
    PublicKeyFile(PathBuf),
}

/// The tenants that the tokens of an issuer can belong to.
#[derive(Clone, Debug)]
pub enum IssuerTenants {
    /// All tokens belong to this tenant, and their tenant claim is ignored.
    One(NonBlankString),
    /// The tenant claim must name one of these tenants.
    Listed(NonEmptyList<NonBlankString>),
}

/// A role or a permission, granted to tokens with one of some values in a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantSection {
    /// The name of the claim, or the path to it through objects.
    pub claim: OneOrMore<NonBlankString>,
    /// The values, one of which the claim must contain.
    pub values: NonEmptyList<NonBlankString>,
    /// The role or permission.
    pub gives: GrantValue,
    /// The services that the role can read. The default depends on the role.
    pub services: Option<NonEmptyList<NonBlankString>>,
}

/// A role, or a permission.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GrantValue {
    /// The role `GLOBAL_ADMIN`.
    GlobalAdmin,
    /// The role `INTUNE_SERVICE_ADMIN`.
    IntuneServiceAdmin,
    /// The role `AUDIT_READER`.
    AuditReader,
    /// The permission to record events.
    Record,
    /// The permission to manage the API keys of the tenant.
    Administer,
}

/// The keys of an `[[issuer]]`, before they are checked together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFields {
    iss: OneOrMore<NonBlankString>,
    audiences: NonEmptyList<NonBlankString>,
    jwks_url: Option<NonBlankString>,
    jwks_file: Option<PathBuf>,
    public_key_file: Option<PathBuf>,
    jwks_refresh_secs: Option<Bounded<1, 86_400>>,
    jwks_timeout_ms: Option<Bounded<100, 60_000>>,
    tenant: Option<NonBlankString>,
    tenants: Option<NonEmptyList<NonBlankString>>,
    tenant_claim: Option<NonBlankString>,
    leeway_secs: Option<Bounded<0, 300>>,
    required_scope: Option<NonBlankString>,
    #[serde(default = "default_builtin_grants")]
    builtin_grants: bool,
    #[serde(default, rename = "grant")]
    grants: Vec<GrantSection>,
}

fn default_builtin_grants() -> bool {
    true
}

impl TryFrom<IssuerFields> for IssuerSection {
    type Error = &'static str;

    fn try_from(fields: IssuerFields) -> Result<Self, Self::Error> {
        let keys = match (fields.jwks_url, fields.jwks_file, fields.public_key_file) {
            (Some(url), None, None) => KeyLocation::JwksUrl(url),
            (None, Some(file), None) => KeyLocation::JwksFile(file),
            (None, None, Some(file)) => KeyLocation::PublicKeyFile(file),
            _ => return Err("an issuer needs exactly one of `jwks_url`, `jwks_file` and `public_key_file`"),
        };
        let tenants = match (fields.tenant, fields.tenants) {
            (Some(key), None) => IssuerTenants::One(key),
            (None, Some(keys)) => IssuerTenants::Listed(keys),
            _ => {
                return Err("an issuer is bound to tenants: it needs either `tenant` (all its tokens belong to that \
                            tenant) or `tenants` (the tenants that its tokens may name)");
            }
        };
        if matches!(tenants, IssuerTenants::One(_)) && fields.tenant_claim.is_some() {
            return Err("an issuer with `tenant` takes no `tenant_claim`: all its tokens belong to that tenant");
        }
        Ok(Self {
            names: fields.iss.0,
            audiences: fields.audiences.0,
            keys,
            jwks_refresh_secs: fields.jwks_refresh_secs,
            jwks_timeout_ms: fields.jwks_timeout_ms,
            tenants,
            tenant_claim: fields.tenant_claim,
            leeway_secs: fields.leeway_secs,
            required_scope: fields.required_scope,
            builtin_grants: fields.builtin_grants,
            grants: fields.grants,
        })
    }
}
