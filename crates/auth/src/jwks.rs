//! A key set as an issuer publishes it (JWKS, RFC 7517), read into keys.
//!
//! A set may have keys that we cannot use, and those are left out: keys for encryption, of other kinds, curves or
//! algorithms, weak keys, shared secrets, and private keys, with which anybody who reads the set could sign. Without
//! `alg` a key verifies the algorithms that its kind allows, with `alg` only that one. Other members (`x5c`, `x5u`) are
//! ignored: that the key belongs to the issuer is known from where the set was read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::VerificationKeys;
use super::keys::{RSA_ALGORITHMS, RSA_BITS, VerificationKey, bits};

/// How many usable keys a set may have.
const KEYS_MAX: usize = 64;

#[derive(Deserialize)]
struct JwkSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    issuer: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
}

/// Reads the keys of a set that can be used; how it cannot be read, if none can.
pub(super) fn parse(text: &str) -> Result<VerificationKeys, &'static str> {
    let set: JwkSet =
        serde_json::from_str(text).map_err(|_unreadable| "it is not a JSON object with a list of `keys`")?;
    let keys: Vec<VerificationKey> = set
        .keys
        .iter()
        .filter_map(|raw| serde_json::from_str::<Jwk>(raw.get()).ok())
        .filter_map(Jwk::into_key)
        .take(KEYS_MAX + 1)
        .collect();
    match keys.len() {
        0 => Err("it has no key that can be used (RSA of 2048 bits or more, P-256 or Ed25519, to verify signatures)"),
        1..=KEYS_MAX => Ok(VerificationKeys::of_set(keys)),
        _ => Err("it has more than 64 keys"),
    }
}

impl Jwk {
    fn into_key(self) -> Option<VerificationKey> {
        let verifies = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|acts| acts.iter().any(|act| act == "verify"))
            && self.d.is_none();
        let (key, algorithms) = if verifies { self.parts()? } else { return None };
        let algorithms = match &self.alg {
            None => algorithms,
            Some(name) => {
                let algorithm: Algorithm = name.parse().ok()?;
                let pinned = algorithms.iter().position(|allowed| *allowed == algorithm)?;
                &algorithms[pinned..=pinned]
            }
        };
        Some(VerificationKey { verifies: key, algorithms, name: self.kid, issuer: self.issuer })
    }

    fn parts(&self) -> Option<(DecodingKey, &'static [Algorithm])> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = (number(self.n.as_ref())?, number(self.e.as_ref())?);
                // An even exponent, or 1, would verify what anybody wrote.
                let exponent_fits = (2..=33).contains(&bits(&e)) && e.last()? % 2 == 1;
                (RSA_BITS.contains(&bits(&n)) && exponent_fits)
                    .then(|| (DecodingKey::from_rsa_raw_components(&n, &e), RSA_ALGORITHMS))
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (coordinate(self.x.as_ref())?, coordinate(self.y.as_ref())?);
                Some((DecodingKey::from_ec_der(&[&[4][..], &x, &y].concat()), &[Algorithm::ES256]))
            }
            ("OKP", Some("Ed25519")) => {
                Some((DecodingKey::from_ed_der(&coordinate(self.x.as_ref())?), &[Algorithm::EdDSA]))
            }
            _ => None,
        }
    }
}

/// A number without zeros before it, which the cryptography library does not take.
fn number(text: Option<&String>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text?).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn coordinate(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok().filter(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::super::test_keys;
    use super::*;
    use serde_json::{Value, json};

    fn read(keys: &[Value]) -> Result<VerificationKeys, &'static str> {
        super::parse(&json!({ "keys": keys, "whatever": 1 }).to_string())
    }

    fn with(jwk: &Value, changes: &Value) -> Value {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        jwk
    }

    #[test]
    fn a_key_without_algorithm_has_those_of_its_kind_and_with_it_that_one() {
        let [rsa, p256, ed] = [test_keys::rsa(), test_keys::p256(), test_keys::ed25519()].map(test_keys::TestKey::jwk);
        let printed = |jwk: Value| format!("{:?}", read(&[jwk]).unwrap());
        assert_eq!(printed(rsa.clone()), "[[RS256, PS256]]");
        assert_eq!(printed(with(&rsa, &json!({ "alg": "PS256", "use": "sig" }))), "[[PS256]]");
        assert_eq!(printed(with(&p256, &json!({ "key_ops": ["verify"] }))), "[[ES256]]");
        assert_eq!(printed(with(&ed, &json!({ "alg": "EdDSA" }))), "[[EdDSA]]");
    }

    #[test]
    fn what_is_not_for_us_is_left_out_and_the_rest_holds() {
        let rsa = test_keys::rsa().jwk();
        let p256 = test_keys::p256().jwk();
        let short = URL_SAFE_NO_PAD.encode([0xc5; 128]);
        let left_out = [
            json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "a" }),
            json!({ "kty": "oct", "k": "c2VjcmV0", "n": rsa["n"], "e": rsa["e"] }),
            json!({ "kty": "RSA" }),
            json!({}),
            json!(7),
            json!(["RSA"]),
            with(&rsa, &json!({ "use": "enc" })),
            with(&rsa, &json!({ "key_ops": ["encrypt"] })),
            with(&rsa, &json!({ "alg": "RS512" })),
            with(&rsa, &json!({ "alg": "HS256" })),
            with(&rsa, &json!({ "alg": "none" })),
            with(&rsa, &json!({ "alg": "ES256" })),
            with(&rsa, &json!({ "alg": 1 })),
            with(&rsa, &json!({ "d": "AQAB" })),
            with(&rsa, &json!({ "n": short })),
            with(&rsa, &json!({ "e": "AQ" })),
            with(&rsa, &json!({ "e": "Ag" })),
            with(&rsa, &json!({ "e": "AAAA" })),
            with(&rsa, &json!({ "e": "" })),
            with(&rsa, &json!({ "n": "%" })),
            with(&p256, &json!({ "crv": "P-384" })),
            with(&p256, &json!({ "crv": "secp256k1" })),
            with(&p256, &json!({ "x": "AAAA" })),
            with(&p256, &json!({ "y": null })),
            with(&p256, &json!({ "kty": "OKP" })),
        ];
        assert!(read(&left_out).unwrap_err().contains("no key that can be used"));
        let mixed = [&left_out[..], &[rsa]].concat();
        assert_eq!(format!("{:?}", read(&mixed).unwrap()), "[[RS256, PS256]]");
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":7}", "<html></html>", "{\"keys\":[]}"] {
            assert!(super::parse(text).is_err(), "{text}");
        }
        let many = vec![test_keys::p256().jwk(); 65];
        assert_eq!(read(&many).unwrap_err(), "it has more than 64 keys");
        assert!(read(&many[1..]).is_ok());
    }
}
