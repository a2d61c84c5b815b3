//! The cache of verified tokens, so that a caller's next request does not verify the signature and claims again.
//!
//! The key is the SHA-256 of the whole token, so the cache contains no usable tokens. An entry is valid only within the
//! validity period of its token, and only while its issuer has the same version of the keys: withdrawing a key
//! invalidates the tokens signed with it. Rejections are not cached, because they depend on the time and on keys that
//! may still be published.
//!
//! The cache is bounded, and keeps the tokens that are used most.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::Principal;
use model::Timestamp;

/// The maximum number of cached tokens: at about one kilobyte each, 16 MB.
const TOKENS_MAX: usize = 16_384;

/// The SHA-256 of a token.
pub(super) type Fingerprint = [u8; 32];

/// The result of verifying a token.
#[derive(Clone)]
pub(super) struct CachedToken {
    pub(super) principal: Arc<Principal>,
    /// The validity period with leeway: inclusive start, exclusive end.
    pub(super) period: (Timestamp, Timestamp),
    /// The index of the issuer, and the version of the keys that verified the token.
    pub(super) keys: (usize, u64),
}

/// The cache of verified tokens.
pub(super) struct VerifiedTokenCache(Cache<Fingerprint, CachedToken>);

impl Default for VerifiedTokenCache {
    fn default() -> Self {
        Self(Cache::new(TOKENS_MAX))
    }
}

/// Returns the cache key of a token.
pub(super) fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

impl VerifiedTokenCache {
    /// Returns the principal of a verified token that is still valid. `version` returns the current version of an
    /// issuer's keys.
    pub(super) fn get(
        &self,
        token: &Fingerprint,
        now: Timestamp,
        version: impl Fn(usize) -> u64,
    ) -> Option<Arc<Principal>> {
        let CachedToken { principal, period: (from, until), keys: (issuer, verified_with) } = self.0.get(token)?;
        (from <= now && now < until && version(issuer) == verified_with).then_some(principal)
    }

    pub(super) fn insert(&self, token: Fingerprint, verified: CachedToken) {
        self.0.insert(token, verified);
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

    fn cached(version: u64) -> CachedToken {
        let principal = Principal {
            issuer: None,
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: "contoso".into(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants: Vec::new(),
            record: None,
            administers: false,
            expires_at: Some(Timestamp(20)),
        };
        CachedToken { principal: Arc::new(principal), period: (Timestamp(10), Timestamp(20)), keys: (3, version) }
    }

    fn token(number: usize) -> Fingerprint {
        fingerprint(&number.to_string())
    }

    #[test]
    fn cached_token_is_valid_in_its_period_with_the_same_keys() {
        let cache = VerifiedTokenCache::default();
        cache.insert(token(1), cached(7));
        let is_valid = |token: &Fingerprint, now, version| {
            let of = |issuer| if issuer == 3 { version } else { 0 };
            cache.get(token, Timestamp(now), of).is_some()
        };
        assert!(is_valid(&token(1), 10, 7) && is_valid(&token(1), 19, 7));
        assert!(!is_valid(&token(1), 9, 7) && !is_valid(&token(1), 20, 7));
        assert!(!is_valid(&token(1), 15, 8) && !is_valid(&token(1), 15, 6));
        assert!(!is_valid(&token(2), 15, 7));
    }

    #[test]
    fn cache_is_bounded_and_keeps_frequent_tokens() {
        let cache = VerifiedTokenCache::default();
        let is_cached = |number: usize| cache.get(&token(number), Timestamp(15), |_| 0).is_some();
        for number in 0..3 * TOKENS_MAX {
            cache.insert(token(number), cached(0));
            assert!(is_cached(0), "{number}");
        }
        assert!(is_cached(3 * TOKENS_MAX - 1));
        assert!(cache.0.len() <= TOKENS_MAX);
    }
}
