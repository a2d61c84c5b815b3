//! From the text of a token to a principal: which issuer, which key, whether the signature is valid, what it says.
//!
//! Before the signature is verified, a token only chooses among what is configured: by `iss` an issuer, by `alg` and
//! `kid` among that issuer's keys. Nothing else of it is used, and some headers make it unacceptable (`crit`, a `typ`
//! other than an access token's). Keys and addresses in it (`jwk`, `jku`, `x5c`, `x5u`) have no effect.
//!
//! The list of attacks in the tests follows RFC 8725, the best current practices for JSON web tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use tokio::task::JoinSet;

use super::claim::Claims;
use super::issuer::{TokenIssuer, Validated, same_directory};
use super::key_source::KeySource;
use super::keys::VerificationKey;
use super::token_cache::{CachedToken, VerifiedTokenCache, fingerprint};
use super::{ConfigProblem, Principal, Rejected, TENANT_PLACEHOLDER, VerificationKeys, VerifierSettings};
use model::Timestamp;

/// The longest token that is looked at. One with all the groups that fit has about 12 kB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The algorithms that a key of a key set can verify.
const JWKS_ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Decides who the bearer of a token is.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<TokenIssuer>,
    token_cache: VerifiedTokenCache,
}

impl Verifier {
    /// A verifier with these issuers, each with keys and rules that are safe together.
    pub fn new(issuers: impl IntoIterator<Item = (Arc<KeySource>, VerifierSettings)>) -> Result<Self, ConfigProblem> {
        let issuers: Vec<TokenIssuer> =
            issuers.into_iter().map(|(keys, settings)| TokenIssuer { keys, settings }).collect();
        for issuer in &issuers {
            issuer.settings.check(issuer.keys.is_symmetric())?;
        }
        if issuers.len() > 1 && issuers.iter().any(|issuer| issuer.keys.is_symmetric()) {
            return Err(ConfigProblem::new(
                "a JWT secret is configured together with other issuers, and whoever knows it could sign for their \
                 tenants: remove it",
            ));
        }
        let mut names: Vec<&String> = issuers.iter().flat_map(|issuer| &issuer.settings.issuers).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(ConfigProblem::new(format!("the issuer `{twice}` is configured twice: remove one")));
        }
        Ok(Self { issuers, token_cache: VerifiedTokenCache::default() })
    }

    /// Reads the key sets for the first time, all at once. Those that cannot be read now are told; they are read
    /// again later.
    pub async fn load_keys(&self) -> Vec<ConfigProblem> {
        let mut reading = JoinSet::new();
        for issuer in &self.issuers {
            let keys = Arc::clone(&issuer.keys);
            reading.spawn(async move { keys.load().await });
        }
        reading.join_all().await.into_iter().filter_map(Result::err).collect()
    }

    /// Reads the key sets again and again, until the runtime ends.
    pub fn spawn_key_refresh(&self) {
        for issuer in &self.issuers {
            let keys = Arc::clone(&issuer.keys);
            tokio::spawn(async move { keys.refresh_loop().await });
        }
    }

    /// Who the bearer of this token is at this moment, and what they may do. Waits for an issuer only where the token
    /// names a key that is not at hand.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Rejected> {
        if token.is_empty() {
            return Err(Rejected::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Rejected::TooLong);
        }
        let fingerprint = fingerprint(token);
        let version = |place: usize| self.issuers[place].keys.current().version;
        if let Some(principal) = self.token_cache.get(&fingerprint, now, version) {
            return Ok(principal);
        }
        let token = UnverifiedToken::parse(token)?;
        let iss = token.claims.string("iss")?;
        let place = self.issuer_index(iss.as_deref()).ok_or(Rejected::WrongIssuer)?;
        let issuer = &self.issuers[place];
        let mut held = issuer.keys.current();
        let mut signed = token.check_signature(&held.keys, iss.as_deref());
        if signed.is_err() && token.may_use_a_new_key(&held.keys) {
            held = issuer.keys.refreshed(&held).await;
            signed = token.check_signature(&held.keys, iss.as_deref());
        }
        signed?;
        let Validated { principal, from, until } = issuer.validate(&token.claims, now)?;
        let principal = Arc::new(principal);
        let known =
            CachedToken { principal: Arc::clone(&principal), period: (from, until), keys: (place, held.version) };
        self.token_cache.insert(fingerprint, known);
        Ok(principal)
    }

    /// The issuer of this name. One that is configured with exactly this name comes before one with a template.
    fn issuer_index(&self, iss: Option<&str>) -> Option<usize> {
        let exactly = iss.and_then(|iss| self.issuers.iter().position(|issuer| issuer.has_exact_name(iss)));
        exactly.or_else(|| self.issuers.iter().position(|issuer| issuer.matches_template(iss)))
    }
}

/// A token, taken apart and not believed.
struct UnverifiedToken<'a> {
    /// What is signed: header and payload as they came.
    message: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    key_name: Option<String>,
    claims: Claims,
}

impl<'a> UnverifiedToken<'a> {
    fn parse(token: &'a str) -> Result<Self, Rejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Rejected::Malformed)?;
        let header = Claims::parse(&decode(header)?)?;
        let algorithm = algorithm(&header)?;
        let key_name = header.string("kid")?;
        Ok(Self { message, signature, algorithm, key_name, claims: Claims::parse(&decode(payload)?)? })
    }

    /// Whether one of the keys that the token may be signed with has signed it.
    fn check_signature(&self, keys: &VerificationKeys, iss: Option<&str>) -> Result<(), Rejected> {
        if keys.count() == 0 && JWKS_ALGORITHMS.contains(&self.algorithm) {
            return Err(Rejected::KeysUnavailable);
        }
        let mut of_algorithm = keys.for_algorithm(self.algorithm).peekable();
        if of_algorithm.peek().is_none() {
            return Err(Rejected::AlgorithmNotAllowed);
        }
        let mut named = of_algorithm.filter(|key| self.may_use(key) && signs_for(key, iss)).peekable();
        if named.peek().is_none() {
            return Err(Rejected::UnknownKey);
        }
        let message = self.message.as_bytes();
        let verifies = |key: &VerificationKey| crypto::verify(self.signature, message, &key.verifies, self.algorithm);
        if named.any(|key| matches!(verifies(key), Ok(true))) { Ok(()) } else { Err(Rejected::BadSignature) }
    }

    /// Whether the token can mean this key: both have the same name, or one of them has none.
    fn may_use(&self, key: &VerificationKey) -> bool {
        match (&self.key_name, &key.name) {
            (Some(meant), Some(name)) => meant == name,
            _ => true,
        }
    }

    /// Whether keys that the issuer has made since could verify the token.
    fn may_use_a_new_key(&self, keys: &VerificationKeys) -> bool {
        JWKS_ALGORITHMS.contains(&self.algorithm) && self.key_name.as_deref().is_none_or(|name| !keys.has_kid(name))
    }
}

/// Whether a key signs tokens of this issuer. Keys of a set that several issuers share can say whose they are.
fn signs_for(key: &VerificationKey, iss: Option<&str>) -> bool {
    match (&key.issuer, iss) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(owner), Some(iss)) => owner.contains(TENANT_PLACEHOLDER) || owner == iss || same_directory(owner, iss),
    }
}

/// The algorithm that a header names, if the header is one of an access token without extensions.
fn algorithm(header: &Claims) -> Result<Algorithm, Rejected> {
    const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];
    // Compressed claims (`zip`) and a token in a token (`cty`) are for encrypted ones.
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
