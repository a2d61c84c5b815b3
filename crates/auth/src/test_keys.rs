//! Generated keys, and signed tokens with any header and payload, for the tests of this crate.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::Value;

/// A private key, and its public key as PEM.
pub(super) struct TestKey {
    pub(super) private: EncodingKey,
    pub(super) pem: String,
}

impl TestKey {
    /// Returns the public key as a JWK without `kid`.
    pub(super) fn jwk(&self) -> Value {
        let pem = self.pem.as_bytes();
        let read = [DecodingKey::from_rsa_pem, DecodingKey::from_ec_pem, DecodingKey::from_ed_pem];
        let key = read.into_iter().find_map(|read| read(pem).ok()).unwrap();
        serde_json::to_value(Jwk::from_decoding_key(&key, None).unwrap()).unwrap()
    }
}

/// Returns the result of a future that is ready at once.
pub(super) fn now_or_panic<F: Future>(future: F) -> F::Output {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}

/// Returns the signed part of a token: header and payload, encoded.
pub(super) fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// Returns a signed token.
pub(super) fn sign(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = unsigned(header, payload);
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Returns a token that is signed with a secret.
pub(super) fn sign_hs256(header: &str, payload: &str, secret: &str) -> String {
    sign(header, payload, &EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256)
}

fn pem_of(label: &str, der: &[u8]) -> String {
    pem::encode_config(&pem::Pem::new(label, der), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}

fn rsa_key() -> &'static rsa::KeyPair {
    static KEY: OnceLock<rsa::KeyPair> = OnceLock::new();
    KEY.get_or_init(|| rsa::KeyPair::generate(KeySize::Rsa2048).unwrap())
}

/// Returns an RSA key of 2048 bits.
pub(super) fn rsa() -> &'static TestKey {
    static PAIR: OnceLock<TestKey> = OnceLock::new();
    PAIR.get_or_init(|| TestKey {
        private: EncodingKey::from_rsa_pem(private_pem().as_bytes()).unwrap(),
        pem: pem_of("PUBLIC KEY", rsa_key().public_key().as_der().unwrap().as_ref()),
    })
}

/// Returns the private RSA key, as PKCS #8.
pub(super) fn private_pem() -> String {
    pem_of("PRIVATE KEY", rsa_key().as_der().unwrap().as_ref())
}

/// Returns the public RSA key, as PKCS #1.
pub(super) fn rsa_pkcs1_pem() -> String {
    pem_of("RSA PUBLIC KEY", rsa_key().public_key().as_ref())
}

/// Returns a public RSA key that is too short, as PKCS #1.
pub(super) fn rsa_pem_of_1024_bits() -> String {
    let modulus = [&[0x02, 0x81, 0x81, 0x00][..], &[0xc5; 128]].concat();
    let body = [&modulus[..], &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    let der = [&[0x30, 0x81, u8::try_from(body.len()).unwrap()][..], &body].concat();
    pem_of("RSA PUBLIC KEY", &der)
}

fn ec_pkcs8(algorithm: &'static EcdsaSigningAlgorithm) -> (Vec<u8>, String) {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let public = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    let pem = pem_of("PUBLIC KEY", public.public_key().as_der().unwrap().as_ref());
    (pkcs8.as_ref().to_vec(), pem)
}

/// Generates a P-256 key.
pub(super) fn another_p256() -> TestKey {
    let (pkcs8, pem) = ec_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
    TestKey { private: EncodingKey::from_ec_der(&pkcs8), pem }
}

/// Returns a P-256 key.
pub(super) fn p256() -> &'static TestKey {
    static PAIR: OnceLock<TestKey> = OnceLock::new();
    PAIR.get_or_init(another_p256)
}

/// Generates a public P-384 key.
pub(super) fn p384_pem() -> String {
    ec_pkcs8(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).1
}

/// Generates a public secp256k1 key, which is as long as a P-256 key.
pub(super) fn secp256k1_pem() -> String {
    ec_pkcs8(&signature::ECDSA_P256K1_SHA256_ASN1_SIGNING).1
}

/// Returns an Ed25519 key.
pub(super) fn ed25519() -> &'static TestKey {
    static PAIR: OnceLock<TestKey> = OnceLock::new();
    PAIR.get_or_init(|| {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let public = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        TestKey {
            private: EncodingKey::from_ed_der(pkcs8.as_ref()),
            pem: pem_of("PUBLIC KEY", public.public_key().as_der().unwrap().as_ref()),
        }
    })
}
