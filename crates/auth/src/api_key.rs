//! The format of API keys: `agk_<id>_<secret>_<checksum>`.
//!
//! - The *id* names the key in the log and in the database, and is no secret.
//! - The *secret* has 256 random bits, as 44 digits and letters. Only its SHA-256 is stored: a random secret of this
//!   length cannot be guessed from its hash, so that the hash needs no salt and no slow function.
//! - The *checksum* is the CRC-32 of everything before it, as six digits and letters. A mistyped or truncated key is
//!   recognised without a look-up, and a secret scanner can distinguish keys from other strings.
//!
//! [`ApiKeyGrants`](super::ApiKeyGrants) are what a key permits; `access` looks keys up and creates their principals.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Rejected;
use model::base62;

/// The beginning of every API key.
pub const API_KEY_PREFIX: &str = "agk_";
/// The length of an id.
pub const API_KEY_ID_LENGTH: usize = 16;
/// The length of a secret: two numbers of 128 bits.
const SECRET_LENGTH: usize = 2 * base62::U128_DIGITS;
/// The length of a checksum, which every `u32` fits into.
const CHECKSUM_LENGTH: usize = 6;

/// The SHA-256 of the secret of an API key, as it is stored.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The bytes to store.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether stored bytes are those of the same hash. The time taken does not depend on where they differ.
    pub fn equals(&self, stored: &[u8]) -> bool {
        self.0.as_slice().ct_eq(stored).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// An API key that a caller sent, whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub struct ParsedApiKey<'a> {
    /// The id of the key.
    pub id: &'a str,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
}

impl<'a> ParsedApiKey<'a> {
    /// Parses a token that [`is_api_key`]. Fails if it is mistyped or truncated.
    pub fn parse(token: &'a str) -> Result<Self, Rejected> {
        let (before, checksum) = token.rsplit_once('_').ok_or(Rejected::ApiKeyMalformed)?;
        let parts = before.strip_prefix(API_KEY_PREFIX).and_then(|rest| rest.split_once('_'));
        let (id, secret) = parts.ok_or(Rejected::ApiKeyMalformed)?;
        let is_whole = id.len() == API_KEY_ID_LENGTH && secret.len() == SECRET_LENGTH;
        let is_plain = id.bytes().chain(secret.bytes()).all(|byte| byte.is_ascii_alphanumeric());
        if is_whole && is_plain && checksum == checksum_of(before) {
            Ok(Self { id, secret_hash: SecretHash::of(secret) })
        } else {
            Err(Rejected::ApiKeyMalformed)
        }
    }
}

/// Whether a bearer token is an API key and not a JSON web token, which contains dots.
pub fn is_api_key(token: &str) -> bool {
    token.starts_with(API_KEY_PREFIX)
}

/// Returns a new API key with this id, and the hash of its secret. `random` are random bytes of a secure source.
pub fn new_api_key(id: &str, random: [u8; 32]) -> (String, SecretHash) {
    let (high, low) = random.split_at(16);
    let number = |half: &[u8]| half.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let half = |bytes| base62::encode(number(bytes), base62::U128_DIGITS);
    let secret = half(high) + &half(low);
    let before = format!("{API_KEY_PREFIX}{id}_{secret}");
    let checksum = checksum_of(&before);
    (format!("{before}_{checksum}"), SecretHash::of(&secret))
}

fn checksum_of(before: &str) -> String {
    base62::encode(u128::from(crc32(before.as_bytes())), CHECKSUM_LENGTH)
}

/// The CRC-32 of ISO/IEC 3309, as in gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let shifted = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shifted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0000010AbCdEfGhI";

    #[test]
    fn checksum_is_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn new_key_has_its_format_and_hash() {
        let (key, hash) = new_api_key(ID, [0xff; 32]);
        let parts: Vec<&str> = key.split('_').collect();
        assert_eq!(parts[..2], ["agk", ID]);
        assert_eq!((parts[2].len(), parts[3].len(), parts.len()), (44, 6, 4));
        let parsed = ParsedApiKey::parse(&key).unwrap();
        assert_eq!(parsed.id, ID);
        assert!(parsed.secret_hash.equals(hash.bytes()));
        let other = new_api_key(ID, [0xfe; 32]).1;
        assert!(!parsed.secret_hash.equals(other.bytes()) && !parsed.secret_hash.equals(&[]));
        assert!(is_api_key(&key) && !is_api_key("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"));
        assert!(!format!("{parsed:?}").contains(parts[2]));
    }

    #[test]
    fn every_changed_or_missing_character_is_recognised() {
        let (key, _) = new_api_key(ID, [7; 32]);
        for at in 0..key.len() {
            for other in ["0", "Z", "_", ""] {
                let mut mistyped = key.clone();
                mistyped.replace_range(at..=at, other);
                let refused = ParsedApiKey::parse(&mistyped).err();
                assert_eq!(refused, (mistyped != key).then_some(Rejected::ApiKeyMalformed), "{mistyped}");
            }
            assert_eq!(ParsedApiKey::parse(&key[..at]).err(), Some(Rejected::ApiKeyMalformed));
        }
        // A right checksum does not make another string a key.
        for before in ["agk_", "agk__", "agk_a_b", "x_y", "agk_0000010AbCdEfGh\u{e9}_"] {
            let token = format!("{before}_{}", checksum_of(before));
            assert_eq!(ParsedApiKey::parse(&token).err(), Some(Rejected::ApiKeyMalformed), "{token}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(token in "agk_.{0,80}", random in any::<[u8; 32]>()) {
            let _ = ParsedApiKey::parse(&token);
            let (key, hash) = new_api_key(ID, random);
            prop_assert!(ParsedApiKey::parse(&key).unwrap().secret_hash.equals(hash.bytes()));
        }
    }
}
