//! The keys that verify tokens: one secret, or public keys, never both.
//!
//! Each key has the algorithms that it verifies; a token can only choose among those. The kind of a public key comes
//! from the key, not from the token. Keys that are too weak, of another curve, private, or certificates are refused at
//! start. So is a secret that looks like PEM, because a public key is no secret.
//!
//! Public keys from PEM have no `kid`, so all keys for the token's algorithm are tried. A key of a key set (see
//! [`super::jwks`]) that has a `kid` is tried for tokens with the same `kid` or none.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use pem::{Pem, PemError};

use super::ConfigProblem;

/// The minimum length of a secret, in bytes: that of the hash in HS256.
const SECRET_BYTES_MIN: usize = 32;
/// The minimum number of different bytes in a secret, and of different steps from one byte to the next. A random secret
/// of [`SECRET_BYTES_MIN`] hexadecimal digits has fewer once in more than a million times.
const SECRET_VARIETY_MIN: usize = 8;
/// The accepted sizes of RSA keys, in bits. The cryptography library refuses others only when it verifies a token.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;
/// The algorithms of RSA keys.
pub(super) const RSA_ALGORITHMS: &[Algorithm] = &[Algorithm::RS256, Algorithm::PS256];
/// The maximum number of keys in a file: each can cost one signature check per token.
const KEYS_MAX: usize = 16;

/// The marker at the start of a PEM block.
const PEM_BEGIN: &str = "-----BEGIN ";
/// The first bytes of every uncompressed P-256 public key (`SubjectPublicKeyInfo`, RFC 5480).
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// The first bytes of every Ed25519 public key (`SubjectPublicKeyInfo`, RFC 8410).
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The keys that verify tokens. `Debug` shows only their algorithms.
#[derive(Clone)]
pub struct VerificationKeys {
    keys: Vec<VerificationKey>,
    is_symmetric: bool,
}

/// A key, and the tokens that it verifies.
#[derive(Clone)]
pub(super) struct VerificationKey {
    pub(super) decoding_key: DecodingKey,
    pub(super) algorithms: &'static [Algorithm],
    /// The key id, if it has one.
    pub(super) kid: Option<String>,
    /// The issuer that signs with the key, if known: Entra ID publishes the keys of several issuers in one set.
    pub(super) issuer: Option<String>,
}

impl VerificationKey {
    /// Creates a key without `kid`, for any issuer.
    fn anonymous(decoding_key: DecodingKey, algorithms: &'static [Algorithm]) -> Self {
        Self { decoding_key, algorithms, kid: None, issuer: None }
    }
}

impl VerificationKeys {
    /// Creates a key from a secret that is shared with the issuer (HS256).
    pub fn secret(secret: &str) -> Result<Self, ConfigProblem> {
        check_secret(secret)?;
        let key = VerificationKey::anonymous(DecodingKey::from_secret(secret.as_bytes()), &[Algorithm::HS256]);
        Ok(Self { keys: vec![key], is_symmetric: true })
    }

    /// Reads public keys from PEM: RSA (RS256 and PS256), P-256 (ES256), Ed25519 (`EdDSA`). Text around the blocks is
    /// ignored.
    pub fn public(pem: &str) -> Result<Self, ConfigProblem> {
        let keys = pem_blocks(pem)?.iter().map(public_key).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(ConfigProblem::new(
                "the public key file has no PEM block: it must have one `-----BEGIN PUBLIC KEY-----` per key",
            )),
            1..=KEYS_MAX => Ok(Self { keys, is_symmetric: false }),
            count => Err(ConfigProblem::new(format!(
                "the public key file has {count} keys, but only {KEYS_MAX} are allowed: remove those no longer in use"
            ))),
        }
    }

    /// Whether the verification key can also sign tokens.
    pub(super) fn is_symmetric(&self) -> bool {
        self.is_symmetric
    }

    /// Creates the keys of a key set.
    pub(super) fn from_key_set(keys: Vec<VerificationKey>) -> Self {
        Self { keys, is_symmetric: false }
    }

    /// Returns the keys that verify this algorithm.
    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter().filter(move |key| key.algorithms.contains(&algorithm))
    }

    /// Whether a key has this `kid`.
    pub(super) fn has_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Returns the number of keys.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }
}

impl fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.algorithms)).finish()
    }
}

/// Fails if a secret must not be used to sign and verify.
pub(super) fn check_secret(secret: &str) -> Result<(), ConfigProblem> {
    if secret.len() < SECRET_BYTES_MIN {
        return Err(ConfigProblem::new(format!(
            "the JWT secret has {} bytes, but must have at least {SECRET_BYTES_MIN}: create one with \
             `openssl rand -base64 48`",
            secret.len()
        )));
    }
    if !is_varied(secret.as_bytes()) {
        return Err(ConfigProblem::new(
            "the JWT secret is easy to guess, because it repeats itself or consists of few different characters: create \
             one with `openssl rand -base64 48`",
        ));
    }
    if secret.contains(PEM_BEGIN) {
        return Err(ConfigProblem::new(
            "the JWT secret is PEM, but a public key is not a secret: put it into a file and configure that as the \
             public key file",
        ));
    }
    Ok(())
}

/// Whether a secret has neither few different bytes, nor regular steps (`abcdef...`), nor a shorter string that it
/// repeats.
fn is_varied(secret: &[u8]) -> bool {
    let bytes: BTreeSet<u8> = secret.iter().copied().collect();
    let steps: BTreeSet<u8> = secret.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let repeats = |period: usize| secret.iter().skip(period).eq(secret.iter().take(secret.len() - period));
    bytes.len() >= SECRET_VARIETY_MIN && steps.len() >= SECRET_VARIETY_MIN && !(1..SECRET_BYTES_MIN).any(repeats)
}

/// Reads the blocks of a PEM file. `pem::parse_many` would skip blocks without an end, so each is parsed by itself.
fn pem_blocks(pem: &str) -> Result<Vec<Pem>, ConfigProblem> {
    let starts = pem.match_indices(PEM_BEGIN).map(|(start, _)| start);
    let ends = starts.clone().skip(1).chain([pem.len()]);
    let blocks = starts.zip(ends).enumerate().map(|(index, (start, end))| {
        pem::parse(&pem[start..end]).map_err(|error| match error {
            PemError::MismatchedTags(..) | PemError::MalformedFraming | PemError::MissingEndTag => {
                ConfigProblem::new(format!(
                    "block {} of the public key file does not end with the `-----END ...-----` line that belongs to \
                     its first line: copy the file again",
                    index + 1
                ))
            }
            _ => unusable(),
        })
    });
    blocks.collect()
}

fn public_key(block: &Pem) -> Result<VerificationKey, ConfigProblem> {
    match block.tag() {
        "PUBLIC KEY" if block.contents().starts_with(P256_PREFIX) => ec_key(block),
        "PUBLIC KEY" if block.contents().starts_with(ED25519_PREFIX) => ed_key(block),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => rsa_key(block),
        "CERTIFICATE" => Err(ConfigProblem::new(
            "the public key file has a certificate, whose validity would not be checked: extract its key with \
             `openssl x509 -pubkey -noout -in FILE`",
        )),
        tag if tag.ends_with("PRIVATE KEY") => Err(ConfigProblem::new(
            "the public key file has a private key, which only the issuer should have: extract the public one with \
             `openssl pkey -pubout -in FILE`, and replace the private one if it was exposed",
        )),
        _ => Err(unusable()),
    }
}

fn ec_key(block: &Pem) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_ec_pem(pem::encode(block).as_bytes()).map_err(|_invalid| unusable())?;
    match parameters(&key)? {
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            Ok(VerificationKey::anonymous(key, &[Algorithm::ES256]))
        }
        _ => Err(unusable()),
    }
}

fn ed_key(block: &Pem) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_ed_pem(pem::encode(block).as_bytes()).map_err(|_invalid| unusable())?;
    parameters(&key)?;
    Ok(VerificationKey::anonymous(key, &[Algorithm::EdDSA]))
}

fn rsa_key(block: &Pem) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_rsa_pem(pem::encode(block).as_bytes()).map_err(|_invalid| unusable())?;
    let AlgorithmParameters::RSA(rsa) = parameters(&key)? else { return Err(unusable()) };
    let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).map_err(|_invalid| unusable())?;
    let bits = bit_length(&modulus);
    if !RSA_BITS.contains(&bits) {
        return Err(ConfigProblem::new(format!(
            "the public key file has an RSA key of {bits} bits, but only {} to {} are accepted: let the issuer create \
             a new one",
            RSA_BITS.start(),
            RSA_BITS.end()
        )));
    }
    Ok(VerificationKey::anonymous(key, RSA_ALGORITHMS))
}

/// Returns the number of bits of a big-endian number, without leading zeros.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let first = number.iter().position(|byte| *byte != 0);
    first.map_or(0, |first| 8 * (number.len() - first) - number[first].leading_zeros() as usize)
}

/// Returns the parameters of a key, or fails if the cryptography library cannot read it.
fn parameters(key: &DecodingKey) -> Result<AlgorithmParameters, ConfigProblem> {
    Jwk::from_decoding_key(key, None).map(|jwk| jwk.algorithm).map_err(|_invalid| unusable())
}

fn unusable() -> ConfigProblem {
    ConfigProblem::new(
        "the public key file has a key that cannot be used: it must be RSA of 2048 bits or more, P-256 \
         (uncompressed) or Ed25519, as written by `openssl pkey -pubout`",
    )
}

#[cfg(test)]
mod tests {
    use super::super::test_keys;
    use super::*;

    fn algorithms(keys: &VerificationKeys) -> Vec<&'static [Algorithm]> {
        keys.keys.iter().map(|key| key.algorithms).collect()
    }

    fn refused(pem: &str) -> String {
        VerificationKeys::public(pem).unwrap_err().to_string()
    }

    #[test]
    fn secret_has_32_bytes_and_is_not_pem() {
        assert!(VerificationKeys::secret("8f1c0e6b7a92d45388e0aa3f16c2d97b").is_ok());
        let why = VerificationKeys::secret("8f1c0e6b7a92d45388e0aa3f16c2d97").unwrap_err().to_string();
        assert!(why.contains("31 bytes") && why.contains("openssl rand"), "{why}");
        assert!(VerificationKeys::secret(&test_keys::rsa().pem).unwrap_err().to_string().contains("PEM"));
    }

    #[test]
    fn secret_that_is_easy_to_guess_is_refused() {
        let alphabet: String = ('a'..='z').chain('0'..='9').collect();
        let repeated = ["s", "ab", "changeme", "secret", "0123456789", "correct horse battery ", "a-b-c-d-"];
        let repeated = repeated.map(|unit| unit.repeat(40 / unit.len() + 1));
        for weak in repeated.iter().map(String::as_str).chain([&*alphabet, &format!("{}x", "s".repeat(40))]) {
            let why = VerificationKeys::secret(weak).unwrap_err().to_string();
            assert!(why.contains("easy to guess") && !why.contains(weak), "{why}");
        }
        let passphrase = "correct horse battery staple anchor";
        for good in [passphrase, "a secret of more than 32 bytes, really", "9wJZ0lq3mVd7Tz1kXy5bQe8rUc2nHs4f"] {
            assert!(VerificationKeys::secret(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn file_may_have_several_keys_with_text_around_them() {
        let pem = format!(
            "the old one:\r\n{}\nthe new one:\n{}{}bye",
            test_keys::rsa().pem.replace('\n', "\r\n"),
            test_keys::p256().pem,
            test_keys::ed25519().pem
        );
        let keys = VerificationKeys::public(&pem).unwrap();
        assert_eq!(
            algorithms(&keys),
            [&[Algorithm::RS256, Algorithm::PS256][..], &[Algorithm::ES256], &[Algorithm::EdDSA]]
        );
        assert!(refused(&test_keys::p256().pem.repeat(17)).contains("17 keys"));
    }

    #[test]
    fn pkcs1_rsa_key_is_accepted() {
        let pem = test_keys::rsa_pkcs1_pem();
        assert!(pem.starts_with("-----BEGIN RSA PUBLIC KEY"));
        assert_eq!(algorithms(&VerificationKeys::public(&pem).unwrap()), [[Algorithm::RS256, Algorithm::PS256]]);
    }

    #[test]
    fn unusable_public_keys_are_refused_with_advice() {
        assert!(refused("").contains("no PEM block"));
        assert!(refused(&test_keys::private_pem()).contains("pkey -pubout"));
        assert!(refused("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").contains("x509 -pubkey"));
        assert!(refused("-----BEGIN PUBLIC KEY-----\nMFkw\n").contains("block 1"));
        assert!(refused("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END RSA PUBLIC KEY-----\n").contains("block 1"));
        let usable = "cannot be used";
        assert!(refused("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n").contains(usable));
        assert!(refused("-----BEGIN PUBLIC KEY-----\n%\n-----END PUBLIC KEY-----\n").contains(usable));
        assert!(refused("-----BEGIN OPENSSH KEY-----\nMFkw\n-----END OPENSSH KEY-----\n").contains(usable));
        assert!(refused(&test_keys::p384_pem()).contains(usable));
        assert!(refused(&test_keys::secp256k1_pem()).contains(usable));
        for (prefix, rest) in [(P256_PREFIX, &[0; 3][..]), (ED25519_PREFIX, &[0])] {
            let pem = pem::encode(&Pem::new("PUBLIC KEY", [prefix, rest].concat()));
            assert!(refused(&pem).contains(usable));
        }
        assert!(refused(&test_keys::rsa_pem_of_1024_bits()).contains("1024 bits"));
    }

    #[test]
    fn debug_of_keys_shows_only_algorithms() {
        let keys = VerificationKeys::secret("a secret of more than 32 bytes, really").unwrap();
        assert_eq!(format!("{keys:?}"), "[[HS256]]");
        assert_eq!(format!("{:?}", VerificationKeys::public(&test_keys::rsa().pem).unwrap()), "[[RS256, PS256]]");
    }
}
