//! Tokens: an accepted token is signed by the configured key with its only algorithm, names a tenant and has not
//! expired; any token that differs from it in one character is rejected.
#![expect(clippy::cast_precision_loss, reason = "current times in seconds are exact enough as floats")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use auth::{KeySource, Principal, Rejected, VerificationKeys, Verifier, VerifierSettings};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use model::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

const NOW: Timestamp = Timestamp(1_800_000_000 * SECOND);
const SECOND: i64 = 1_000_000;
const MILLISECOND: f64 = 1_000.0;
const LEEWAY_SECS: u32 = 30;
const SECRET: &str = "a secret for tests that is long enough to be one";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "audit";

/// A verifier with one key, and the private key or secret that signs for it.
struct TestIssuer {
    verifier: Verifier,
    key: EncodingKey,
    algorithm: Algorithm,
    /// Whether the key is public: tokens must then name issuer and audience.
    is_public: bool,
}

impl TestIssuer {
    fn new(keys: VerificationKeys, key: EncodingKey, algorithm: Algorithm) -> Self {
        let is_public = algorithm != Algorithm::HS256;
        let required = |name: &str| if is_public { vec![name.to_owned()] } else { Vec::new() };
        let settings = VerifierSettings {
            issuers: required(ISSUER),
            audiences: required(AUDIENCE),
            leeway_secs: LEEWAY_SECS,
            ..VerifierSettings::default()
        };
        let verifier = Verifier::new([(KeySource::fixed(keys), settings)]).expect("the settings are valid");
        Self { verifier, key, algorithm, is_public }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Rejected> {
        // Static keys need no I/O, so the future is ready at once.
        let verified = self.verifier.verify(token, now).now_or_never().expect("verification does no I/O");
        verified.map(|principal| (*principal).clone())
    }

    fn signed(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.signature(&message);
        format!("{message}.{signature}")
    }

    fn signature(&self, message: &str) -> String {
        crypto::sign(message.as_bytes(), &self.key, self.algorithm).expect("the key signs")
    }
}

static ISSUERS: LazyLock<[TestIssuer; 2]> = LazyLock::new(|| {
    let secret = TestIssuer::new(
        VerificationKeys::secret(SECRET).expect("the secret has the minimum length"),
        EncodingKey::from_secret(SECRET.as_bytes()),
        Algorithm::HS256,
    );
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed");
    let public = STANDARD.encode(pair.public_key().as_der().expect("the public key encodes as DER").as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let pkcs8 = pair.to_pkcs8().expect("the private key encodes as PKCS#8");
    let public = TestIssuer::new(
        VerificationKeys::public(&pem).expect("the key type is accepted"),
        EncodingKey::from_ed_der(pkcs8.as_ref()),
        Algorithm::EdDSA,
    );
    [secret, public]
});

/// Checks a token. The first character selects the form of the rest: `0` and `1` a header and, after a line break,
/// claims, which are signed with the secret or the private key; `2` and `3` a complete token.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut chars = text.chars();
    let Some(choice) = chars.next().and_then(|digit| digit.to_digit(4)) else { return };
    let issuer = &ISSUERS[usize::from(choice % 2 == 1)];
    let rest = chars.as_str();
    let token = if choice < 2 {
        let (header, claims) = rest.split_once('\n').unwrap_or((rest, ""));
        issuer.signed(header, claims)
    } else {
        rest.to_owned()
    };
    match issuer.verify(&token, NOW) {
        Ok(principal) => check_accepted(issuer, &token, &principal),
        Err(rejected) => assert!(!rejected.to_string().contains(char::is_control), "{rejected}"),
    }
}

/// The members of a decoded part. Members that the verifier ignores may hold numbers out of range.
fn read(part: &str) -> Value {
    let json = URL_SAFE_NO_PAD.decode(part).expect("an accepted part is base64");
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(&json).expect("an accepted part is a JSON object");
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_default();
    members.iter().map(|(name, raw)| (name.clone(), value(raw))).collect()
}

/// Checks the properties of an accepted token.
fn check_accepted(issuer: &TestIssuer, token: &str, principal: &Principal) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{} parts", parts.len()) };
    assert_eq!(
        signature,
        issuer.signature(&format!("{header}.{claims}")),
        "the signature is not from the key of the issuer"
    );
    let (header, claims) = (read(header), read(claims));
    let algorithm = if issuer.is_public { "EdDSA" } else { "HS256" };
    assert_eq!((&header["alg"], header.get("crit")), (&algorithm.into(), None));
    assert_eq!(claims["tid"], principal.tenant);
    let time = |name: &str| claims[name].as_f64().map(|seconds| seconds * SECOND as f64);
    // A float cannot represent every microsecond.
    let expiry = principal.expires_at.expect("a token expires");
    let expires_at = time("exp").expect("an accepted token has an expiry");
    assert!((expires_at - expiry.0 as f64).abs() < MILLISECOND);
    let leeway = i64::from(LEEWAY_SECS) * SECOND;
    assert!(expiry.0 + leeway > NOW.0);
    assert!(time("nbf").is_none_or(|from| from < (NOW.0 + leeway) as f64 + MILLISECOND));
    if issuer.is_public {
        let holds =
            |claim: &Value, text: &str| claim == text || claim.as_array().is_some_and(|all| all.contains(&text.into()));
        assert!(claims["iss"] == ISSUER && holds(&claims["aud"], AUDIENCE));
    }
    assert!(!principal.subject.trim().is_empty() && !principal.tenant.trim().is_empty());
    let has_grants = ["roles", "wids", "permissions"].iter().any(|name| claims.get(*name).is_some());
    assert!(has_grants || (principal.read_scope().is_none() && !principal.may_record() && !principal.administers));
    assert!(!principal.subject.starts_with("key:"));
    assert_eq!(issuer.verify(token, NOW).as_ref(), Ok(principal), "the cached result differs");
    assert!(issuer.verify(token, Timestamp(expiry.0 + leeway + 1)).is_err(), "the token does not expire");
    // Changes one character at a time, at positions that depend on the token.
    for position in [1, token.len() / 3, token.len() / 2, token.len() - 1] {
        let mut other = token.as_bytes().to_vec();
        other[position] = if other[position] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("a token is ASCII");
        assert!(issuer.verify(&other, NOW).is_err(), "{other} is accepted as well");
    }
}
