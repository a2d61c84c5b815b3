//! The keys that tokens are verified with: a secret, or public keys, never both.
//!
//! Each key says which algorithms it verifies; a token can only choose among those. A public key's kind comes from the
//! key, not from the token, and a key is refused at start if it is too weak, of another curve, private, or a
//! certificate. A secret that looks like PEM is refused too, because a public key used as a secret is known to all.
//!
//! Public keys from PEM have no name, so a token's `kid` decides nothing: every key for its algorithm is tried. VerificationKeys
//! of a key set (see `jwk`) that have one are tried for tokens that name them, or name none.

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::ConfigProblem;

/// The shortest secret: as long as the hash it feeds.
const SECRET_BYTES_MIN: usize = 32;
/// How long an RSA key may be. The cryptography library refuses others as well, but only when a token comes.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;
/// The algorithms of an RSA key.
pub(super) const RSA_ALGORITHMS: &[Algorithm] = &[Algorithm::RS256, Algorithm::PS256];
/// How many keys a file may have: each can cost a signature check for each token.
const KEYS_MAX: usize = 16;

/// How the base64 text of every uncompressed P-256 public key begins: its header fills these characters exactly.
const P256_START: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
/// How the base64 text of every Ed25519 public key begins.
const ED25519_START: &str = "MCowBQYDK2VwAyEA";

/// The keys that tokens are verified with. Printing them shows their algorithms, nothing else.
#[derive(Clone)]
pub struct VerificationKeys {
    keys: Vec<VerificationKey>,
    /// Whether whoever can verify a token can also make one.
    symmetric: bool,
}

/// A key, and what it is for.
#[derive(Clone)]
pub(super) struct VerificationKey {
    pub(super) verifies: DecodingKey,
    pub(super) algorithms: &'static [Algorithm],
    /// Its name (`kid`), if it has one.
    pub(super) name: Option<String>,
    /// The issuer whose tokens it signs, if it says so: Entra ID publishes the keys of several issuers in one set.
    pub(super) issuer: Option<String>,
}

impl VerificationKey {
    /// A key without a name, for any issuer.
    fn plain(verifies: DecodingKey, algorithms: &'static [Algorithm]) -> Self {
        Self { verifies, algorithms, name: None, issuer: None }
    }
}

impl VerificationKeys {
    /// One secret, shared with whoever signs (HS256).
    pub fn secret(secret: &str) -> Result<Self, ConfigProblem> {
        check_secret(secret)?;
        let key = VerificationKey::plain(DecodingKey::from_secret(secret.as_bytes()), &[Algorithm::HS256]);
        Ok(Self { keys: vec![key], symmetric: true })
    }

    /// Public keys, from the text of a PEM file: RSA (RS256 and PS256), P-256 (ES256), Ed25519 (`EdDSA`).
    pub fn public(pem: &str) -> Result<Self, ConfigProblem> {
        let keys = blocks(pem)?.into_iter().map(|block| public_key(&block)).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(ConfigProblem::new(
                "the public key file has no PEM block: it must have one `-----BEGIN PUBLIC KEY-----` for each key",
            )),
            1..=KEYS_MAX => Ok(Self { keys, symmetric: false }),
            count => Err(ConfigProblem::new(format!(
                "the public key file has {count} keys, but only {KEYS_MAX} are allowed: remove those no longer in use"
            ))),
        }
    }

    /// Whether whoever can verify a token can also make one.
    pub(super) fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    /// The keys of a key set.
    pub(super) fn of_set(keys: Vec<VerificationKey>) -> Self {
        Self { keys, symmetric: false }
    }

    /// The keys that verify this algorithm.
    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter().filter(move |key| key.algorithms.contains(&algorithm))
    }

    /// Whether a key has this name.
    pub(super) fn has_kid(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name.as_deref() == Some(name))
    }

    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }
}

impl fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.algorithms)).finish()
    }
}

/// Whether a secret may sign and verify.
pub(super) fn check_secret(secret: &str) -> Result<(), ConfigProblem> {
    if secret.len() < SECRET_BYTES_MIN {
        return Err(ConfigProblem::new(format!(
            "the JWT secret has {} bytes, but must have at least {SECRET_BYTES_MIN}: make one with \
             `openssl rand -base64 48`",
            secret.len()
        )));
    }
    if secret.contains("-----BEGIN ") {
        return Err(ConfigProblem::new(
            "the JWT secret is a PEM text, but a public key is not a secret: put it into a file and \
             configure that as the public key file",
        ));
    }
    Ok(())
}

/// One block of a PEM text.
struct Block<'a> {
    label: &'a str,
    /// From the first dash to the last.
    text: &'a str,
    /// What is between the first line and the last, without white space.
    base64: String,
}

/// The blocks of a PEM text. What stands around them is a comment.
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, ConfigProblem> {
    const BEGIN: &str = "-----BEGIN ";
    let mut blocks = Vec::new();
    let mut rest = pem;
    while let Some(start) = rest.find(BEGIN) {
        rest = &rest[start..];
        let block = read_block(rest, BEGIN).ok_or_else(|| {
            ConfigProblem::new(format!(
                "block {} of the public key file does not end with the `-----END ...-----` line that belongs to its \
                 first line: copy the file again",
                blocks.len() + 1
            ))
        })?;
        rest = &rest[block.text.len()..];
        blocks.push(block);
    }
    Ok(blocks)
}

fn read_block<'a>(text: &'a str, begin: &str) -> Option<Block<'a>> {
    let (label, after) = text.strip_prefix(begin)?.split_once("-----")?;
    let end = format!("-----END {label}-----");
    let (body, _) = after.split_once(&end)?;
    let length = text.len() - after.len() + body.len() + end.len();
    Some(Block { label, text: &text[..length], base64: body.split_ascii_whitespace().collect() })
}

fn public_key(block: &Block<'_>) -> Result<VerificationKey, ConfigProblem> {
    match block.label {
        "PUBLIC KEY" if block.base64.starts_with(P256_START) => ec_key(block),
        "PUBLIC KEY" if block.base64.starts_with(ED25519_START) => ed_key(block),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => rsa_key(block),
        "CERTIFICATE" => Err(ConfigProblem::new(
            "the public key file has a certificate, whose validity would not be checked: extract its key with \
             `openssl x509 -pubkey -noout -in FILE`",
        )),
        label if label.ends_with("PRIVATE KEY") => Err(ConfigProblem::new(
            "the public key file has a private key, which only the issuer should have: extract the public one with \
             `openssl pkey -pubout -in FILE`, and replace the private one if nobody here should know it",
        )),
        _ => Err(unusable()),
    }
}

fn ec_key(block: &Block<'_>) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_ec_pem(block.text.as_bytes()).map_err(|_unreadable| unusable())?;
    match parameters(&key)? {
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            Ok(VerificationKey::plain(key, &[Algorithm::ES256]))
        }
        _ => Err(unusable()),
    }
}

fn ed_key(block: &Block<'_>) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_ed_pem(block.text.as_bytes()).map_err(|_unreadable| unusable())?;
    parameters(&key)?;
    Ok(VerificationKey::plain(key, &[Algorithm::EdDSA]))
}

fn rsa_key(block: &Block<'_>) -> Result<VerificationKey, ConfigProblem> {
    let key = DecodingKey::from_rsa_pem(block.text.as_bytes()).map_err(|_unreadable| unusable())?;
    let AlgorithmParameters::RSA(rsa) = parameters(&key)? else { return Err(unusable()) };
    let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).map_err(|_unreadable| unusable())?;
    let bits = bits(&modulus);
    if !RSA_BITS.contains(&bits) {
        return Err(ConfigProblem::new(format!(
            "the public key file has an RSA key of {bits} bits, but only {} to {} are accepted: let the issuer make a \
             new one",
            RSA_BITS.start(),
            RSA_BITS.end()
        )));
    }
    Ok(VerificationKey::plain(key, RSA_ALGORITHMS))
}

/// How many bits a number has that is written as bytes, the highest first.
pub(super) fn bits(number: &[u8]) -> usize {
    let first = number.iter().position(|byte| *byte != 0);
    first.map_or(0, |first| 8 * (number.len() - first) - number[first].leading_zeros() as usize)
}

/// What a key consists of, if the cryptography library can read it.
fn parameters(key: &DecodingKey) -> Result<AlgorithmParameters, ConfigProblem> {
    Jwk::from_decoding_key(key, None).map(|jwk| jwk.algorithm).map_err(|_unreadable| unusable())
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
    fn a_secret_is_at_least_32_bytes_and_no_public_key() {
        assert!(VerificationKeys::secret(&"s".repeat(32)).is_ok());
        let why = VerificationKeys::secret(&"s".repeat(31)).unwrap_err().to_string();
        assert!(why.contains("31 bytes") && why.contains("openssl rand"), "{why}");
        assert!(VerificationKeys::secret(&test_keys::rsa().pem).unwrap_err().to_string().contains("PEM"));
    }

    #[test]
    fn a_file_may_have_several_keys_with_text_around_them() {
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
    fn an_rsa_key_may_be_written_in_the_older_form() {
        let pem = test_keys::rsa_pkcs1_pem();
        assert!(pem.starts_with("-----BEGIN RSA PUBLIC KEY"));
        assert_eq!(algorithms(&VerificationKeys::public(&pem).unwrap()), [[Algorithm::RS256, Algorithm::PS256]]);
    }

    #[test]
    fn what_is_no_usable_public_key_is_refused_with_advice() {
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
        assert!(
            refused(&format!("-----BEGIN PUBLIC KEY-----\n{P256_START}AAAA\n-----END PUBLIC KEY-----"))
                .contains(usable)
        );
        assert!(
            refused(&format!("-----BEGIN PUBLIC KEY-----\n{ED25519_START}AA==\n-----END PUBLIC KEY-----"))
                .contains(usable)
        );
        assert!(refused(&test_keys::rsa_pem_of_1024_bits()).contains("1024 bits"));
    }

    #[test]
    fn printing_keys_shows_algorithms_only() {
        let keys = VerificationKeys::secret("a secret of more than 32 bytes, really").unwrap();
        assert_eq!(format!("{keys:?}"), "[[HS256]]");
        assert_eq!(format!("{:?}", VerificationKeys::public(&test_keys::rsa().pem).unwrap()), "[[RS256, PS256]]");
    }
}
