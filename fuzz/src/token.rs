//! Tokens: who is let in holds a token that our key signed with its one algorithm, that says whose log it is about,
//! and that has not expired; and nobody gets in with a token that differs from it in any character.
#![allow(clippy::cast_precision_loss, reason = "moments of these days are exact enough as floats")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::Timestamp;
use auth::{KeySource, VerificationKeys, Principal, Rejected, VerifierSettings, Verifier};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;
use serde_json::value::RawValue;

const NOW: Timestamp = Timestamp(1_800_000_000 * SECOND);
const SECOND: i64 = 1_000_000;
const MILLISECOND: f64 = 1_000.0;
const LEEWAY_SECS: u32 = 30;
const SECRET: &str = "a secret for trials that is long enough to be one";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "audit";

/// A verifier of one key, and the key.
struct Side {
    verifier: Verifier,
    key: EncodingKey,
    algorithm: Algorithm,
    /// Whether the token has to name issuer and audience.
    is_public: bool,
}

impl Side {
    fn new(keys: VerificationKeys, key: EncodingKey, algorithm: Algorithm) -> Self {
        let is_public = algorithm != Algorithm::HS256;
        let demanded = |name: &str| if is_public { vec![name.to_owned()] } else { Vec::new() };
        let settings = VerifierSettings {
            issuers: demanded(ISSUER),
            audiences: demanded(AUDIENCE),
            leeway_secs: LEEWAY_SECS,
            ..VerifierSettings::default()
        };
        let verifier = Verifier::new([(KeySource::fixed(keys), settings)]).expect("these settings are safe");
        Self { verifier, key, algorithm, is_public }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Rejected> {
        // Fixed keys are loaded: there is nothing to wait for.
        let verified = self.verifier.verify(token, now).now_or_never().expect("nothing is waited for");
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

static SIDES: LazyLock<[Side; 2]> = LazyLock::new(|| {
    let secret = Side::new(
        VerificationKeys::secret(SECRET).expect("the secret is long enough"),
        EncodingKey::from_secret(SECRET.as_bytes()),
        Algorithm::HS256,
    );
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed");
    let public = STANDARD.encode(pair.public_key().as_der().expect("a public key has a form").as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let pkcs8 = pair.to_pkcs8().expect("a private key has a form");
    let public = Side::new(
        VerificationKeys::public(&pem).expect("the key is one that is accepted"),
        EncodingKey::from_ed_der(pkcs8.as_ref()),
        Algorithm::EdDSA,
    );
    [secret, public]
});

/// The first character says what follows: `0` and `1` a header and, on the lines after it, claims, which are signed
/// with the secret or the private key; `2` and `3` a token as it is.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut chars = text.chars();
    let Some(choice) = chars.next().and_then(|digit| digit.to_digit(4)) else { return };
    let side = &SIDES[usize::from(choice % 2 == 1)];
    let rest = chars.as_str();
    let token = if choice < 2 {
        let (header, claims) = rest.split_once('\n').unwrap_or((rest, ""));
        side.signed(header, claims)
    } else {
        rest.to_owned()
    };
    match side.verify(&token, NOW) {
        Ok(principal) => let_in(side, &token, &principal),
        Err(rejected) => assert!(!rejected.to_string().contains(char::is_control), "{rejected}"),
    }
}

/// The members of a part. Numbers that nobody can reckon with may stand in it, where nobody looks at them.
fn read(part: &str) -> Value {
    let json = URL_SAFE_NO_PAD.decode(part).expect("what was accepted is base64");
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&json).expect("what was accepted is JSON");
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_default();
    members.iter().map(|(name, raw)| (name.clone(), value(raw))).collect()
}

/// What must hold of a token that was accepted.
fn let_in(side: &Side, token: &str, principal: &Principal) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{} parts", parts.len()) };
    assert_eq!(signature, side.signature(&format!("{header}.{claims}")), "our key did not sign it");
    let (header, claims) = (read(header), read(claims));
    let algorithm = if side.is_public { "EdDSA" } else { "HS256" };
    assert_eq!((&header["alg"], header.get("crit")), (&algorithm.into(), None));
    assert_eq!(claims["tid"], principal.tenant);
    let moment = |name: &str| claims[name].as_f64().map(|seconds| seconds * SECOND as f64);
    // A number has not the digits for every microsecond.
    let expires_at = moment("exp").expect("a token says when it expires");
    assert!((expires_at - principal.expires_at.0 as f64).abs() < MILLISECOND);
    let leeway = i64::from(LEEWAY_SECS) * SECOND;
    assert!(principal.expires_at.0 + leeway > NOW.0);
    assert!(moment("nbf").is_none_or(|from| from < (NOW.0 + leeway) as f64 + MILLISECOND));
    if side.is_public {
        let holds =
            |claim: &Value, text: &str| claim == text || claim.as_array().is_some_and(|all| all.contains(&text.into()));
        assert!(claims["iss"] == ISSUER && holds(&claims["aud"], AUDIENCE));
    }
    assert!(!principal.subject.trim().is_empty() && !principal.tenant.trim().is_empty());
    let given = ["roles", "wids", "permissions"].iter().any(|name| claims.get(*name).is_some());
    assert!(given || (principal.read_scope().is_none() && !principal.may_record()));
    assert_eq!(side.verify(token, NOW).as_ref(), Ok(principal), "it is the same once it is remembered");
    assert!(side.verify(token, Timestamp(principal.expires_at.0 + leeway + 1)).is_err(), "it does not expire");
    // One character at a time, at places that depend on the token.
    for at in [1, token.len() / 3, token.len() / 2, token.len() - 1] {
        let mut other = token.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("a token is ASCII");
        assert!(side.verify(&other, NOW).is_err(), "{other} is let in as well");
    }
}
