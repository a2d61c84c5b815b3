//! From the settings about tokens, in options and in the configuration file, to what verifies them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::file::{self, File, KeyPlace, Text};
use crate::config::{Serve, Tokens};
use auth::{self, ConfigProblem, GrantKind, KeySource, Keys, RefreshPolicy, Role, Rule, Verifier};

/// What to do where no token could be verified.
const HOW_TO_CONFIGURE_KEYS: &str = "set AUDITGRAPH_JWT_SECRET (for development), or AUDITGRAPH_JWKS_URL, \
    AUDITGRAPH_JWKS_FILE or AUDITGRAPH_JWT_PUBLIC_KEY_FILE together with AUDITGRAPH_JWT_ISSUER and \
    AUDITGRAPH_JWT_AUDIENCE, or configure issuers in the file AUDITGRAPH_CONFIG";

/// What verifies tokens, with the keys that could be read. That a key set at an address cannot be read now is
/// logged, and it is tried again: the issuer may start after us.
pub(super) async fn verifier(tokens: &Tokens, file: &File) -> anyhow::Result<Verifier> {
    let verifier = configured(tokens, file)?;
    for problem in verifier.read_keys().await {
        tracing::warn!(%problem, "tokens that need these keys cannot be verified yet");
    }
    verifier.keep_keys_fresh();
    Ok(verifier)
}

/// Everything that is wrong with what `serve` is told about tokens, the configuration file and the keys in files and
/// at addresses included: a sentence for each, none if all is well. Starts nothing.
pub async fn token_problems(config: &Serve) -> Vec<String> {
    let file = match File::read_if_set(config.config_file.as_deref()) {
        Ok(file) => file,
        Err(problem) => return vec![format!("{problem:#}")],
    };
    let mut problems = match configured(&config.tokens, &file) {
        Ok(verifier) => verifier.read_keys().await.iter().map(ToString::to_string).collect(),
        Err(problem) => vec![format!("{problem:#}")],
    };
    problems.extend(super::sign_in::sign_in(&config.sign_in, &file).err().map(|problem| problem.to_string()));
    problems
}

fn configured(tokens: &Tokens, file: &File) -> anyhow::Result<Verifier> {
    if file.issuers.is_empty() {
        let settings = auth::VerifierSettings {
            issuers: tokens.jwt_issuer.iter().cloned().collect(),
            audiences: tokens.jwt_audience.iter().cloned().collect(),
            ..settings(tokens, file)
        };
        return Verifier::new([(keys(tokens)?, settings)]).map_err(|problem| how_to_mend(&problem));
    }
    for (name, is_set) in [
        ("AUDITGRAPH_JWT_SECRET", tokens.jwt_secret.is_some()),
        ("AUDITGRAPH_JWT_PUBLIC_KEY_FILE", tokens.jwt_public_key_file.is_some()),
        ("AUDITGRAPH_JWKS_FILE", tokens.jwks_file.is_some()),
        ("AUDITGRAPH_JWKS_URL", tokens.jwks_url.is_some()),
        ("AUDITGRAPH_JWT_ISSUER", tokens.jwt_issuer.is_some()),
        ("AUDITGRAPH_JWT_AUDIENCE", tokens.jwt_audience.is_some()),
    ] {
        anyhow::ensure!(
            !is_set,
            "the configuration file has issuers and {name} is set too, so it is unclear who may sign tokens: keep one"
        );
    }
    let issuers = file.issuers.iter().map(|issuer| {
        of_file(issuer, tokens, file).with_context(|| {
            let names: Vec<&str> = issuer.names.iter().map(Text::as_str).collect();
            format!("the issuer `{}` in the configuration file", names.join("`, `"))
        })
    });
    Ok(Verifier::new(issuers.collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// What applies to every issuer.
fn settings(tokens: &Tokens, file: &File) -> auth::VerifierSettings {
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

/// An issuer of the file.
fn of_file(
    issuer: &file::Issuer,
    tokens: &Tokens,
    file: &File,
) -> anyhow::Result<(Arc<KeySource>, auth::VerifierSettings)> {
    let seconds = issuer.jwks_refresh_secs.map_or(tokens.jwks_refresh_secs, file::Bounded::get);
    let milliseconds = issuer.jwks_timeout_ms.map_or(tokens.jwks_timeout_ms, file::Bounded::get);
    let freshness =
        RefreshPolicy { refresh: Duration::from_secs(seconds), timeout: Duration::from_millis(milliseconds) };
    let keys = match &issuer.keys {
        KeyPlace::JwksUrl(address) => KeySource::address(address.as_str(), freshness, tokens.jwks_ca_file.as_deref())?,
        KeyPlace::JwksFile(path) => KeySource::file(path, freshness)?,
        KeyPlace::PublicKeyFile(path) => pem(path)?,
    };
    let common = settings(tokens, file);
    let leeway_secs = match issuer.leeway_secs {
        Some(seconds) => u32::try_from(seconds.get())?,
        None => common.leeway_secs,
    };
    let settings = auth::VerifierSettings {
        issuers: texts(&issuer.names),
        audiences: texts(&issuer.audiences),
        tenants: match &issuer.tenants {
            file::Tenants::One(key) => auth::TenantBinding::One(key.as_str().to_owned()),
            file::Tenants::Listed(keys) => auth::TenantBinding::Listed(texts(&keys.0).into_iter().collect()),
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

fn rule(grant: &file::Grant) -> Rule {
    Rule {
        claim: texts(&grant.claim.0),
        values: texts(&grant.values.0),
        gives: match grant.gives {
            file::Given::GlobalAdmin => GrantKind::Role(Role::GlobalAdmin),
            file::Given::IntuneServiceAdmin => GrantKind::Role(Role::IntuneServiceAdmin),
            file::Given::AuditReader => GrantKind::Role(Role::AuditReader),
            file::Given::Record => GrantKind::Record,
        },
        services: grant.services.as_ref().map(|services| texts(&services.0)),
    }
}

fn texts(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.as_str().to_owned()).collect()
}

/// The one source of keys that the options name.
fn keys(tokens: &Tokens) -> anyhow::Result<Arc<KeySource>> {
    let freshness = RefreshPolicy {
        refresh: Duration::from_secs(tokens.jwks_refresh_secs),
        timeout: Duration::from_millis(tokens.jwks_timeout_ms),
    };
    let sources = (&tokens.jwt_secret, &tokens.jwt_public_key_file, &tokens.jwks_file, &tokens.jwks_url);
    let source = match sources {
        (Some(secret), None, None, None) => Keys::secret(secret).map(KeySource::given),
        (None, Some(file), None, None) => return pem(file),
        (None, None, Some(file), None) => KeySource::file(file, freshness),
        (None, None, None, Some(address)) => KeySource::address(address, freshness, tokens.jwks_ca_file.as_deref()),
        (None, None, None, None) => anyhow::bail!(
            "no key to verify tokens with is configured: set a JWT secret of at least 32 bytes for development, or say \
             where the public keys of the issuer are; {HOW_TO_CONFIGURE_KEYS}"
        ),
        (Some(_), ..) => anyhow::bail!(
            "a JWT secret and public keys are both configured, and whoever knows the secret could sign for every \
             issuer: remove one of the two"
        ),
        _ => anyhow::bail!(
            "public keys are configured in several places (of a PEM file, a key set in a file, a key set at an \
             address): keep one, or configure several issuers in a file"
        ),
    };
    source.map_err(|problem| how_to_mend(&problem))
}

fn pem(path: &Path) -> anyhow::Result<Arc<KeySource>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the keys in {}", path.display()))?;
    Keys::public(&text).map(KeySource::given).map_err(|problem| how_to_mend(&problem))
}

fn how_to_mend(problem: &ConfigProblem) -> anyhow::Error {
    anyhow::anyhow!("{problem}; {HOW_TO_CONFIGURE_KEYS}")
}
