//! Names of members, compared without regard to how a tool spells them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{LazyLock, OnceLock};

/// The suffix of a column with times in UTC in tables that the Azure portal shows.
const UTC_SUFFIX: &str = " [UTC]";

/// Whether two keys are equal without regard to case, spaces, underscores, hyphens, parentheses and the suffix `[UTC]` of
/// columns.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    normalized_key(a).eq(normalized_key(b))
}

fn normalized_key(key: &str) -> impl Iterator<Item = u8> {
    name_without_zone(key).bytes().filter(|byte| !is_ignored(*byte)).map(|byte| byte.to_ascii_lowercase())
}

fn name_without_zone(key: &str) -> &str {
    if !key.ends_with(']') {
        return key;
    }
    match key.split_at_checked(key.len().saturating_sub(UTC_SUFFIX.len())) {
        Some((name, suffix)) if suffix.eq_ignore_ascii_case(UTC_SUFFIX) => name,
        _ => key,
    }
}

const fn is_ignored(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b' ' | b'(' | b')')
}

/// A hash of a key, the same for keys that [`same_key`] considers equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    /// Returns the hash of a key. It differs from process to process, so that no record can be made of keys that have the
    /// same hash.
    pub(super) fn of(key: &str) -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0_u8));
        let mut hash = *SEED;
        let (mut word, mut length) = (0, 0_u64);
        for byte in normalized_key(key) {
            word = word << 8 | u64::from(byte);
            length += 1;
            if length.is_multiple_of(8) {
                hash = mix(hash, word);
                word = 0;
            }
        }
        Self(mix(mix(hash, word), length))
    }
}

/// Combines a hash with a word.
fn mix(hash: u64, word: u64) -> u64 {
    // The fractional digits of the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(hash ^ word) * u128::from(FACTOR);
    let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
    u64::try_from(low ^ high).unwrap_or_default().rotate_left(23) ^ hash
}

/// A set of keys that are compared as [`same_key`] does.
pub(super) struct KeySet {
    names: &'static [&'static str],
    hashes: OnceLock<Vec<KeyHash>>,
}

impl KeySet {
    /// Creates a set.
    pub(super) const fn new(names: &'static [&'static str]) -> Self {
        Self { names, hashes: OnceLock::new() }
    }

    /// The keys, in the order of the set.
    pub(super) const fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// Whether the set contains a key.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.contains_hashed(key, KeyHash::of(key))
    }

    /// As [`Self::contains`], for a key whose hash is known.
    pub(super) fn contains_hashed(&self, key: &str, hash: KeyHash) -> bool {
        let hashes = self.hashes.get_or_init(|| self.names.iter().map(|name| KeyHash::of(name)).collect());
        let mut candidates = hashes.iter().zip(self.names).filter(|(known, _)| **known == hash);
        candidates.any(|(_, name)| same_key(name, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_match_in_any_spelling() {
        static KEYS: KeySet = KeySet::new(&["targetResources", "activityDateTime"]);
        for key in ["targetResources", "TARGET_RESOURCES", "target-resources", "Activity Date Time [UTC]"] {
            assert!(KEYS.contains(key), "{key}");
        }
        for key in ["", "targetResource", "targetResources2", "[UTC]"] {
            assert!(!KEYS.contains(key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn hashes_are_equal_exactly_for_the_same_keys(a in "[aAbB_ ()-]{0,12}( \\[utc\\])?", b in "[aAbB_ ()-]{0,12}( \\[UTC\\])?") {
            prop_assert_eq!(KeyHash::of(&a) == KeyHash::of(&b), same_key(&a, &b));
        }
    }
}
