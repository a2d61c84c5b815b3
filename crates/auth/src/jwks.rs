//! Reads a key set as an issuer publishes it (JWKS, RFC 7517).
//!
//! Unusable keys are skipped: keys for encryption, of other kinds, curves or algorithms, weak keys, shared secrets, and
//! private keys, with which every reader of the set could sign. A key without `alg` verifies all algorithms of its kind,
//! a key with `alg` only that one. Other members (`x5c`, `x5u`) are ignored: the origin of the set proves that the keys
//! belong to the issuer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::VerificationKeys;
use super::keys::{RSA_ALGORITHMS, RSA_BITS, VerificationKey, bit_length};

/// The maximum number of usable keys in a set.
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

/// Reads the usable keys of a set. Fails with the reason if it has none.
pub(super) fn parse(json: &str) -> Result<VerificationKeys, &'static str> {
    let set: JwkSet = serde_json::from_str(json).map_err(|_invalid| "it is not a JSON object with a list of `keys`")?;
    let keys: Vec<VerificationKey> = set
        .keys
        .iter()
        .filter_map(|raw| serde_json::from_str::<Jwk>(raw.get()).ok())
        .filter_map(Jwk::into_key)
        .take(KEYS_MAX + 1)
        .collect();
    match keys.len() {
        0 => Err("it has no key that can be used (RSA of 2048 bits or more, P-256 or Ed25519, to verify signatures)"),
        1..=KEYS_MAX => Ok(VerificationKeys::from_key_set(keys)),
        _ => Err("it has more than 64 keys"),
    }
}

impl Jwk {
    fn into_key(self) -> Option<VerificationKey> {
        let verifies = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && self.d.is_none();
        let (key, algorithms) = if verifies { self.decoding_key()? } else { return None };
        let algorithms = match &self.alg {
            None => algorithms,
            Some(name) => {
                let algorithm: Algorithm = name.parse().ok()?;
                let pinned = algorithms.iter().position(|allowed| *allowed == algorithm)?;
                &algorithms[pinned..=pinned]
            }
        };
        Some(VerificationKey { decoding_key: key, algorithms, kid: self.kid, issuer: self.issuer })
    }

    fn decoding_key(&self) -> Option<(DecodingKey, &'static [Algorithm])> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = (number(self.n.as_ref())?, number(self.e.as_ref())?);
                // With an even exponent, or 1, forged signatures would be valid.
                let exponent_fits = (2..=33).contains(&bit_length(&e)) && e.last()? % 2 == 1;
                (RSA_BITS.contains(&bit_length(&n)) && exponent_fits)
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

/// Decodes a number and removes leading zeros, which the cryptography library does not accept.
fn number(base64: Option<&String>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(base64?).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn coordinate(base64: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(base64?).ok().filter(|bytes| bytes.len() == 32)
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
    fn key_verifies_its_alg_or_all_algorithms_of_its_kind() {
        let [rsa, p256, ed] = [test_keys::rsa(), test_keys::p256(), test_keys::ed25519()].map(test_keys::TestKey::jwk);
        let printed = |jwk: Value| format!("{:?}", read(&[jwk]).unwrap());
        assert_eq!(printed(rsa.clone()), "[[RS256, PS256]]");
        assert_eq!(printed(with(&rsa, &json!({ "alg": "PS256", "use": "sig" }))), "[[PS256]]");
        assert_eq!(printed(with(&p256, &json!({ "key_ops": ["verify"] }))), "[[ES256]]");
        assert_eq!(printed(with(&ed, &json!({ "alg": "EdDSA" }))), "[[EdDSA]]");
    }

    #[test]
    fn unusable_keys_are_skipped() {
        let rsa = test_keys::rsa().jwk();
        let p256 = test_keys::p256().jwk();
        let short = URL_SAFE_NO_PAD.encode([0xc5; 128]);
        let unusable = [
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
        assert!(read(&unusable).unwrap_err().contains("no key that can be used"));
        let mixed = [&unusable[..], &[rsa]].concat();
        assert_eq!(format!("{:?}", read(&mixed).unwrap()), "[[RS256, PS256]]");
    }

    #[test]
    fn invalid_key_sets_are_refused() {
        for text in ["", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":7}", "<html></html>", "{\"keys\":[]}"] {
            assert!(super::parse(text).is_err(), "{text}");
        }
        let many = vec![test_keys::p256().jwk(); 65];
        assert_eq!(read(&many).unwrap_err(), "it has more than 64 keys");
        assert!(read(&many[1..]).is_ok());
    }
}
