//! Tokens that were verified, so that a caller's next request does not pay for the signature and the claims again.
//!
//! A token is identified by the SHA-256 of its whole text, so one that differs in a bit is another, and what is kept
//! could not be used as a token. An entry is valid only within the token's own period, and only while its issuer has
//! the keys that the token was verified with: when a key is withdrawn, its tokens are no longer valid. Refusals are not
//! token_cache; they depend on the time and on keys that may still be published.
//!
//! Their number is bounded, and frequent callers stay.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::Principal;
use model::Timestamp;

/// How many tokens are token_cache: with a kilobyte for each, 16 MB at most.
const TOKENS_MAX: usize = 16_384;

/// What a token is known by.
pub(super) type Fingerprint = [u8; 32];

/// What is known of a token.
#[derive(Clone)]
pub(super) struct CachedToken {
    pub(super) principal: Arc<Principal>,
    /// From when, and until before when, it is valid; leeway included.
    pub(super) period: (Timestamp, Timestamp),
    /// The place of its issuer, and the version of the keys that verified it.
    pub(super) keys: (usize, u64),
}

/// The tokens that were verified lately.
pub(super) struct VerifiedTokenCache(Cache<Fingerprint, CachedToken>);

impl Default for VerifiedTokenCache {
    fn default() -> Self {
        Self(Cache::new(TOKENS_MAX))
    }
}

/// What a token is known by.
pub(super) fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

impl VerifiedTokenCache {
    /// The principal of a token that was verified and is still valid. `version` gives that of an issuer's keys.
    pub(super) fn get(
        &self,
        token: &Fingerprint,
        now: Timestamp,
        version: impl Fn(usize) -> u64,
    ) -> Option<Arc<Principal>> {
        let CachedToken { principal, period: (from, until), keys: (issuer, verified_with) } = self.0.get(token)?;
        (from <= now && now < until && version(issuer) == verified_with).then_some(principal)
    }

    /// Keeps what is known of a token.
    pub(super) fn insert(&self, token: Fingerprint, known: CachedToken) {
        self.0.insert(token, known);
    }
}

impl std::fmt::Debug for VerifiedTokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedTokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(version: u64) -> CachedToken {
        let principal = Principal {
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: "contoso".into(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants: Vec::new(),
            record: None,
            expires_at: Timestamp(20),
        };
        CachedToken { principal: Arc::new(principal), period: (Timestamp(10), Timestamp(20)), keys: (3, version) }
    }

    fn token(number: usize) -> Fingerprint {
        fingerprint(&number.to_string())
    }

    #[test]
    fn what_is_known_holds_in_its_period_and_with_the_keys_that_verified_it() {
        let token_cache = VerifiedTokenCache::default();
        token_cache.insert(token(1), known(7));
        let is_known = |token: &Fingerprint, now, version| {
            let of = |issuer| if issuer == 3 { version } else { 0 };
            token_cache.get(token, Timestamp(now), of).is_some()
        };
        assert!(is_known(&token(1), 10, 7) && is_known(&token(1), 19, 7));
        assert!(!is_known(&token(1), 9, 7) && !is_known(&token(1), 20, 7));
        assert!(!is_known(&token(1), 15, 8) && !is_known(&token(1), 15, 6));
        assert!(!is_known(&token(2), 15, 7));
    }

    #[test]
    fn the_oldest_are_forgotten_and_whoever_comes_often_stays() {
        let token_cache = VerifiedTokenCache::default();
        let comes = |number: usize| token_cache.get(&token(number), Timestamp(15), |_| 0).is_some();
        for number in 0..3 * TOKENS_MAX {
            token_cache.insert(token(number), known(0));
            assert!(comes(0), "{number}");
        }
        assert!(comes(3 * TOKENS_MAX - 1));
        assert!(token_cache.0.len() <= TOKENS_MAX);
    }
}
