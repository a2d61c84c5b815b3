//! The token verifier, from the options and the configuration file.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::file::{self, ConfigFile, KeyLocation, NonBlankString};
use crate::config::{ServeArgs, TokenSettings};
use auth::{self, ConfigProblem, GrantKind, GrantRule, KeySource, RefreshPolicy, Role, VerificationKeys, Verifier};

/// How to configure keys, for errors about missing or unusable keys.
const HOW_TO_CONFIGURE_KEYS: &str = "set AUDITGRAPH_JWT_SECRET (for development), or AUDITGRAPH_JWKS_URL, \
    AUDITGRAPH_JWKS_FILE or AUDITGRAPH_JWT_PUBLIC_KEY_FILE together with AUDITGRAPH_JWT_ISSUER and \
    AUDITGRAPH_JWT_AUDIENCE, or configure issuers in the file AUDITGRAPH_CONFIG";

/// The error of a server that no caller could use.
pub(crate) const NO_CREDENTIALS: &str = "no key to verify tokens with is configured, and no tenant has an API key that is \
    valid: create an API key for a program with `auditgraph key add`, set a JWT secret of at least 32 bytes for development \
    (AUDITGRAPH_JWT_SECRET), or set the location of the public keys of an issuer (AUDITGRAPH_JWKS_URL, AUDITGRAPH_JWKS_FILE \
    or AUDITGRAPH_JWT_PUBLIC_KEY_FILE, with AUDITGRAPH_JWT_ISSUER and AUDITGRAPH_JWT_AUDIENCE, or issuers in the file \
    AUDITGRAPH_CONFIG)";

/// Returns the verifier, and starts refreshing its keys. A key set that cannot be read now is logged and read again
/// later, because the issuer may start after this server.
pub(super) async fn verifier(tokens: &TokenSettings, file: &ConfigFile) -> anyhow::Result<Verifier> {
    let verifier = new_verifier(tokens, file)?;
    for problem in verifier.load_keys().await {
        tracing::warn!(%problem, "tokens signed with these keys cannot be verified yet");
    }
    verifier.spawn_key_refresh();
    Ok(verifier)
}

/// Checks the settings of tokens and sign-in, the configuration file, and the keys in files and at URLs, without starting
/// a server. Returns a sentence for each problem.
pub async fn token_problems(config: &ServeArgs) -> Vec<String> {
    let file = match ConfigFile::read_if_set(config.config_file.as_deref()) {
        Ok(file) => file,
        Err(problem) => return vec![format!("{problem:#}")],
    };
    let mut problems = match new_verifier(&config.tokens, &file) {
        Ok(verifier) => verifier.load_keys().await.iter().map(ToString::to_string).collect(),
        Err(problem) => vec![format!("{problem:#}")],
    };
    problems.extend(super::sign_in::sign_in(&config.sign_in, &file).err().map(|problem| problem.to_string()));
    problems
}

/// Whether the settings name an issuer of tokens. A problem of the settings is reported by [`token_problems`].
pub(crate) fn accepts_tokens(config: &ServeArgs) -> bool {
    let file = ConfigFile::read_if_set(config.config_file.as_deref()).unwrap_or_default();
    !file.issuers.is_empty() || has_token_settings(&config.tokens)
}

/// Returns the verifier for the issuers of the file or, without these, for the issuer of the options. Without any, it has
/// no issuers: then only API keys are accepted. Fails if both are set.
fn new_verifier(tokens: &TokenSettings, file: &ConfigFile) -> anyhow::Result<Verifier> {
    let mut grants = file.grants.iter().chain(file.issuers.iter().flat_map(|issuer| &issuer.grants));
    anyhow::ensure!(
        grants.all(|grant| grant.gives != file::GrantValue::Administer || grant.services.is_none()),
        "a grant in the configuration file gives ADMINISTER and has `services`, which it is not limited to: remove them"
    );
    if file.issuers.is_empty() {
        if !has_token_settings(tokens) {
            return Ok(Verifier::new([])?);
        }
        let settings = auth::VerifierSettings {
            issuers: tokens.jwt_issuer.iter().cloned().collect(),
            audiences: tokens.jwt_audience.iter().cloned().collect(),
            ..common_settings(tokens, file)
        };
        return Verifier::new([(keys(tokens)?, settings)]).map_err(|problem| with_fix(&problem));
    }
    for (name, is_set) in [
        ("AUDITGRAPH_JWT_SECRET", tokens.jwt_secret.is_some()),
        ("AUDITGRAPH_JWT_SECRET_FILE", tokens.jwt_secret_file.is_some()),
        ("AUDITGRAPH_JWT_PUBLIC_KEY_FILE", tokens.jwt_public_key_file.is_some()),
        ("AUDITGRAPH_JWKS_FILE", tokens.jwks_file.is_some()),
        ("AUDITGRAPH_JWKS_URL", tokens.jwks_url.is_some()),
        ("AUDITGRAPH_JWT_ISSUER", tokens.jwt_issuer.is_some()),
        ("AUDITGRAPH_JWT_AUDIENCE", tokens.jwt_audience.is_some()),
    ] {
        anyhow::ensure!(
            !is_set,
            "the configuration file has issuers and {name} is set too, so it is unclear which keys are valid: keep one"
        );
    }
    let issuers = file.issuers.iter().map(|issuer| {
        issuer_settings(issuer, tokens, file).with_context(|| {
            let names: Vec<&str> = issuer.names.iter().map(NonBlankString::as_str).collect();
            format!("the issuer `{}` in the configuration file", names.join("`, `"))
        })
    });
    Ok(Verifier::new(issuers.collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// Whether the options name a key to verify tokens with, or the required content of tokens.
fn has_token_settings(tokens: &TokenSettings) -> bool {
    tokens.jwt_secret.is_some()
        || tokens.jwt_secret_file.is_some()
        || tokens.jwt_public_key_file.is_some()
        || tokens.jwks_file.is_some()
        || tokens.jwks_url.is_some()
        || tokens.jwt_issuer.is_some()
        || tokens.jwt_audience.is_some()
}

/// Returns the settings that apply to every issuer.
fn common_settings(tokens: &TokenSettings, file: &ConfigFile) -> auth::VerifierSettings {
    auth::VerifierSettings {
        tenant_claim: tokens.tenant_claim.clone(),
        leeway_secs: tokens.jwt_leeway_secs,
        required_scope: tokens.jwt_required_scope.clone(),
        reader_groups: tokens.reader_groups.clone(),
        intune_services: tokens.intune_services.clone(),
        rules: file.grants.iter().map(rule).collect(),
        ..auth::VerifierSettings::default()
    }
}

/// Returns the keys and the settings of an issuer in the file.
fn issuer_settings(
    issuer: &file::IssuerSection,
    tokens: &TokenSettings,
    file: &ConfigFile,
) -> anyhow::Result<(Arc<KeySource>, auth::VerifierSettings)> {
    let refresh_secs = issuer.jwks_refresh_secs.map_or(tokens.jwks_refresh_secs, file::Bounded::get);
    let timeout_ms = issuer.jwks_timeout_ms.map_or(tokens.jwks_timeout_ms, file::Bounded::get);
    let policy =
        RefreshPolicy { refresh: Duration::from_secs(refresh_secs), timeout: Duration::from_millis(timeout_ms) };
    let keys = match &issuer.keys {
        KeyLocation::JwksUrl(address) => KeySource::from_url(address.as_str(), policy, tokens.jwks_ca_file.as_deref())?,
        KeyLocation::JwksFile(path) => KeySource::from_file(path, policy)?,
        KeyLocation::PublicKeyFile(path) => KeySource::from_pem_file(path)?,
    };
    let common = common_settings(tokens, file);
    let leeway_secs = match issuer.leeway_secs {
        Some(seconds) => u32::try_from(seconds.get())?,
        None => common.leeway_secs,
    };
    let settings = auth::VerifierSettings {
        issuers: strings(&issuer.names),
        audiences: strings(&issuer.audiences),
        tenants: match &issuer.tenants {
            file::IssuerTenants::One(key) => auth::TenantBinding::One(key.as_str().to_owned()),
            file::IssuerTenants::Listed(keys) => auth::TenantBinding::Listed(strings(&keys.0).into_iter().collect()),
        },
        tenant_claim: issuer.tenant_claim.as_ref().map_or(common.tenant_claim, |claim| claim.as_str().to_owned()),
        leeway_secs,
        required_scope: issuer.required_scope.as_ref().map(|scope| scope.as_str().to_owned()).or(common.required_scope),
        builtin_grants: issuer.builtin_grants,
        rules: issuer.grants.iter().map(rule).chain(common.rules).collect(),
        ..common
    };
    Ok((keys, settings))
}

fn rule(grant: &file::GrantSection) -> GrantRule {
    GrantRule {
        claim: strings(&grant.claim.0),
        values: strings(&grant.values.0),
        grant: match grant.gives {
            file::GrantValue::GlobalAdmin => GrantKind::Role(Role::GlobalAdmin),
            file::GrantValue::IntuneServiceAdmin => GrantKind::Role(Role::IntuneServiceAdmin),
            file::GrantValue::AuditReader => GrantKind::Role(Role::AuditReader),
            file::GrantValue::Record => GrantKind::Record,
            file::GrantValue::Administer => GrantKind::Administer,
        },
        services: grant.services.as_ref().map(|services| strings(&services.0)),
    }
}

fn strings(list: &[NonBlankString]) -> Vec<String> {
    list.iter().map(|string| string.as_str().to_owned()).collect()
}

/// Returns the source of keys that the options name. Fails unless they name exactly one.
fn keys(tokens: &TokenSettings) -> anyhow::Result<Arc<KeySource>> {
    let policy = RefreshPolicy {
        refresh: Duration::from_secs(tokens.jwks_refresh_secs),
        timeout: Duration::from_millis(tokens.jwks_timeout_ms),
    };
    let secret = match (&tokens.jwt_secret, &tokens.jwt_secret_file) {
        (Some(secret), None) => Some(VerificationKeys::secret(secret).map(KeySource::fixed)),
        (None, Some(file)) => Some(KeySource::from_secret_file(file)),
        (None, None) => None,
        (Some(_), Some(_)) => anyhow::bail!(
            "a JWT secret and a file with one are both configured: keep AUDITGRAPH_JWT_SECRET or \
             AUDITGRAPH_JWT_SECRET_FILE"
        ),
    };
    let sources = (secret, &tokens.jwt_public_key_file, &tokens.jwks_file, &tokens.jwks_url);
    let source = match sources {
        (Some(secret), None, None, None) => secret,
        (None, Some(file), None, None) => KeySource::from_pem_file(file),
        (None, None, Some(file), None) => KeySource::from_file(file, policy),
        (None, None, None, Some(address)) => KeySource::from_url(address, policy, tokens.jwks_ca_file.as_deref()),
        (None, None, None, None) => anyhow::bail!(
            "no key to verify tokens with is configured: set a JWT secret of at least 32 bytes for development, or \
             the location of the public keys of the issuer; {HOW_TO_CONFIGURE_KEYS}"
        ),
        (Some(_), ..) => anyhow::bail!(
            "a JWT secret and public keys are both configured, so a holder of the secret could sign for every issuer: \
             remove one of the two"
        ),
        _ => anyhow::bail!(
            "public keys are configured more than once (as a PEM file, a key set in a file or a key set at a URL): keep \
             one, or configure several issuers in a file"
        ),
    };
    source.map_err(|problem| with_fix(&problem))
}

fn with_fix(problem: &ConfigProblem) -> anyhow::Error {
    anyhow::anyhow!("{problem}; {HOW_TO_CONFIGURE_KEYS}")
}
