//! Verifies tokens: selects the issuer and the key, checks the signature, and validates the claims.
//!
//! Before its signature is verified, a token only selects among what is configured: an issuer by `iss`, and one of its
//! keys by `alg` and `kid`. Some headers make a token unacceptable (`crit`, a `typ` other than that of an access token).
//! Keys and URLs in the token (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
//!
//! The attacks in the tests follow RFC 8725, the best current practices for JSON web tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use tokio::task::JoinSet;

use super::claim::Claims;
use super::issuer::{TokenIssuer, Validated, same_directory};
use super::key_source::KeySource;
use super::keys::{VerificationKey, VerificationKeys};
use super::settings::{ConfigProblem, TENANT_PLACEHOLDER, VerifierSettings};
use super::token_cache::{CachedToken, VerifiedTokenCache, fingerprint};
use super::{Principal, Rejected};
use model::Timestamp;

/// The maximum length of a token, in bytes. A token with as many groups as Entra ID lists has about 12 kB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The algorithms that keys of a key set verify.
const JWKS_ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Verifies tokens of the configured issuers.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<TokenIssuer>,
    cache: VerifiedTokenCache,
}

impl Verifier {
    /// Creates a verifier for these issuers. Fails if the keys and settings are not safe together.
    pub fn new(issuers: impl IntoIterator<Item = (Arc<KeySource>, VerifierSettings)>) -> Result<Self, ConfigProblem> {
        let issuers: Vec<TokenIssuer> =
            issuers.into_iter().map(|(keys, settings)| TokenIssuer { keys, settings }).collect();
        for issuer in &issuers {
            issuer.settings.check(issuer.keys.is_symmetric())?;
        }
        if issuers.len() > 1 && issuers.iter().any(|issuer| issuer.keys.is_symmetric()) {
            return Err(ConfigProblem::new(
                "a JWT secret is configured together with other issuers, so its owner could sign tokens for their \
                 tenants: remove it",
            ));
        }
        let mut names: Vec<&String> = issuers.iter().flat_map(|issuer| &issuer.settings.issuers).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(ConfigProblem::new(format!("the issuer `{twice}` is configured twice: remove one")));
        }
        Ok(Self { issuers, cache: VerifiedTokenCache::default() })
    }

    /// Whether any issuer is configured. Without one, no token is valid.
    pub fn has_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Loads the key sets for the first time, concurrently. Returns the failures; the refresh retries them.
    pub async fn load_keys(&self) -> Vec<ConfigProblem> {
        let mut loading = JoinSet::new();
        for issuer in &self.issuers {
            let keys = Arc::clone(&issuer.keys);
            loading.spawn(async move { keys.load().await });
        }
        loading.join_all().await.into_iter().filter_map(Result::err).collect()
    }

    /// Spawns the tasks that refresh the key sets until the runtime shuts down.
    pub fn spawn_key_refresh(&self) {
        for issuer in &self.issuers {
            let keys = Arc::clone(&issuer.keys);
            tokio::spawn(async move { keys.refresh_loop().await });
        }
    }

    /// Returns the principal of a token that is valid at `now`. Sends a request to the issuer only if the token names a
    /// key that is not loaded.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Rejected> {
        if token.is_empty() {
            return Err(Rejected::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Rejected::TooLong);
        }
        let fingerprint = fingerprint(token);
        let version = |issuer: usize| self.issuers[issuer].keys.current().version;
        if let Some(principal) = self.cache.get(&fingerprint, now, version) {
            return Ok(principal);
        }
        let token = UnverifiedToken::parse(token)?;
        let iss = token.claims.string("iss")?;
        let index = self.issuer_index(iss.as_deref()).ok_or(Rejected::WrongIssuer)?;
        let issuer = &self.issuers[index];
        let mut snapshot = issuer.keys.current();
        let mut checked = token.check_signature(&snapshot.keys, iss.as_deref());
        if checked.is_err() && token.may_use_a_new_key(&snapshot.keys) {
            snapshot = issuer.keys.refreshed(&snapshot).await;
            checked = token.check_signature(&snapshot.keys, iss.as_deref());
        }
        checked?;
        let Validated { principal, from, until } = issuer.validate(&token.claims, now)?;
        let principal = Arc::new(principal);
        let keys = (index, snapshot.version);
        self.cache.insert(fingerprint, CachedToken { principal: Arc::clone(&principal), period: (from, until), keys });
        Ok(principal)
    }

    /// Returns the index of the issuer for `iss`. An exact name takes precedence over a template.
    fn issuer_index(&self, iss: Option<&str>) -> Option<usize> {
        let exact = iss.and_then(|iss| self.issuers.iter().position(|issuer| issuer.has_exact_name(iss)));
        exact.or_else(|| self.issuers.iter().position(|issuer| issuer.matches_template(iss)))
    }
}

/// A parsed token whose signature is not verified.
struct UnverifiedToken<'a> {
    /// The signed part: header and payload, encoded.
    message: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Claims,
}

impl<'a> UnverifiedToken<'a> {
    fn parse(token: &'a str) -> Result<Self, Rejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Rejected::Malformed)?;
        let header = Claims::parse(&decode(header)?)?;
        let algorithm = algorithm(&header)?;
        let kid = header.string("kid")?;
        Ok(Self { message, signature, algorithm, kid, claims: Claims::parse(&decode(payload)?)? })
    }

    /// Checks the signature with the keys that the token may use.
    fn check_signature(&self, keys: &VerificationKeys, iss: Option<&str>) -> Result<(), Rejected> {
        if keys.count() == 0 && JWKS_ALGORITHMS.contains(&self.algorithm) {
            return Err(Rejected::KeysUnavailable);
        }
        let mut candidates = keys.for_algorithm(self.algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(Rejected::AlgorithmNotAllowed);
        }
        let mut usable = candidates.filter(|key| self.may_use(key) && belongs_to(key, iss)).peekable();
        if usable.peek().is_none() {
            return Err(Rejected::UnknownKey);
        }
        let message = self.message.as_bytes();
        let verifies =
            |key: &VerificationKey| crypto::verify(self.signature, message, &key.decoding_key, self.algorithm);
        if usable.any(|key| matches!(verifies(key), Ok(true))) { Ok(()) } else { Err(Rejected::BadSignature) }
    }

    /// Whether the token may use this key: both have the same `kid`, or one of them has none.
    fn may_use(&self, key: &VerificationKey) -> bool {
        match (&self.kid, &key.kid) {
            (Some(token), Some(key)) => token == key,
            _ => true,
        }
    }

    /// Whether keys that the issuer published since could verify the token.
    fn may_use_a_new_key(&self, keys: &VerificationKeys) -> bool {
        JWKS_ALGORITHMS.contains(&self.algorithm) && self.kid.as_deref().is_none_or(|kid| !keys.has_kid(kid))
    }
}

/// Whether a key verifies tokens of this issuer. Keys of a set that several issuers share can name their issuer.
fn belongs_to(key: &VerificationKey, iss: Option<&str>) -> bool {
    match (&key.issuer, iss) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(owner), Some(iss)) => owner.contains(TENANT_PLACEHOLDER) || owner == iss || same_directory(owner, iss),
    }
}

/// Returns the algorithm of a header. Fails if the header is not that of an access token, or has extensions.
fn algorithm(header: &Claims) -> Result<Algorithm, Rejected> {
    const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];
    // Compressed claims (`zip`) and nested tokens (`cty`) exist only in encrypted tokens.
    if ["crit", "zip", "cty"].iter().any(|name| header.get(name).is_some()) {
        return Err(Rejected::ExtensionNotSupported);
    }
    if header.get("typ").is_some() {
        let kind = header.string("typ")?.ok_or(Rejected::TypeNotAllowed)?;
        if !TYPES.iter().any(|accepted| kind.eq_ignore_ascii_case(accepted)) {
            return Err(Rejected::TypeNotAllowed);
        }
    }
    let name = header.string("alg")?.ok_or(Rejected::AlgorithmNotAllowed)?;
    name.parse().map_err(|_unknown| Rejected::AlgorithmNotAllowed)
}

fn decode(part: &str) -> Result<Vec<u8>, Rejected> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_invalid| Rejected::Malformed)
}

#[cfg(test)]
mod tests;
