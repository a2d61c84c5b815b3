//! From the settings about tokens to what verifies them.

use std::time::Duration;

use anyhow::Context as _;

use crate::auth::{self, ConfigProblem, Freshness, KeySource, Keys, Verifier};
use crate::config::Tokens;

/// What to do where no token could be verified.
const HOW_TO_CONFIGURE_KEYS: &str = "set AUDITGRAPH_JWT_SECRET (for development), or AUDITGRAPH_JWKS_URL, \
    AUDITGRAPH_JWKS_FILE or AUDITGRAPH_JWT_PUBLIC_KEY_FILE together with AUDITGRAPH_JWT_ISSUER and \
    AUDITGRAPH_JWT_AUDIENCE";

/// What verifies tokens, with the keys that could be read. That a key set at an address cannot be read now is
/// logged, and it is tried again: the issuer may start after us.
pub(super) async fn verifier(tokens: &Tokens) -> anyhow::Result<Verifier> {
    let verifier = configured(tokens)?;
    for problem in verifier.read_keys().await {
        tracing::warn!(%problem, "tokens that need these keys cannot be verified yet");
    }
    verifier.keep_keys_fresh();
    Ok(verifier)
}

fn configured(tokens: &Tokens) -> anyhow::Result<Verifier> {
    let settings = auth::Settings {
        issuers: tokens.jwt_issuer.iter().cloned().collect(),
        audiences: tokens.jwt_audience.iter().cloned().collect(),
        tenant_claim: tokens.tenant_claim.clone(),
        leeway_secs: tokens.jwt_leeway_secs,
        required_scope: tokens.jwt_required_scope.clone(),
        reader_groups: tokens.reader_groups.clone(),
        intune_services: tokens.intune_services.clone(),
        ..auth::Settings::default()
    };
    Verifier::new([(keys(tokens)?, settings)]).map_err(|problem| how_to_mend(&problem))
}

/// The one source of keys that is configured.
fn keys(tokens: &Tokens) -> anyhow::Result<std::sync::Arc<KeySource>> {
    let freshness = Freshness {
        refresh: Duration::from_secs(tokens.jwks_refresh_secs),
        timeout: Duration::from_millis(tokens.jwks_timeout_ms),
    };
    let sources = (&tokens.jwt_secret, &tokens.jwt_public_key_file, &tokens.jwks_file, &tokens.jwks_url);
    let source = match sources {
        (Some(secret), None, None, None) => Keys::secret(secret).map(KeySource::given),
        (None, Some(file), None, None) => {
            let pem = std::fs::read_to_string(file);
            let pem = pem.with_context(|| format!("cannot read the keys in {}", file.display()))?;
            Keys::public(&pem).map(KeySource::given)
        }
        (None, None, Some(file), None) => KeySource::file(file, freshness),
        (None, None, None, Some(address)) => KeySource::address(address, freshness),
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

fn how_to_mend(problem: &ConfigProblem) -> anyhow::Error {
    anyhow::anyhow!("{problem}; {HOW_TO_CONFIGURE_KEYS}")
}
