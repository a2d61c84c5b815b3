//! A self-signed certificate for a test server.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::keys::pem;

/// A certificate with its private key, both as DER.
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Certificate {
    /// A certificate for a server of this name.
    pub(crate) fn of(name: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
        let public = pair.public_key().as_der().unwrap();
        let algorithm = sequence(&[&object(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])]);
        let common_name = sequence(&[&object(&[0x55, 0x04, 0x03]), &element(0x0c, name.as_bytes())]);
        let subject = sequence(&[&element(0x31, &common_name)]);
        let times = sequence(&[&element(0x17, b"200101000000Z"), &element(0x17, b"491231235959Z")]);
        let names = element(0x04, &sequence(&[&element(0x82, name.as_bytes())]));
        let extension = sequence(&[&object(&[0x55, 0x1d, 0x11]), &names]);
        let to_be_signed = sequence(&[
            &element(0xa0, &element(0x02, &[2])),
            &element(0x02, &[1]),
            &algorithm,
            &subject,
            &times,
            &subject,
            public.as_ref(),
            &element(0xa3, &sequence(&[&extension])),
        ]);
        let signature = [&[0][..], pair.sign(&random, &to_be_signed).unwrap().as_ref()].concat();
        let der = sequence(&[&to_be_signed, &algorithm, &element(0x03, &signature)]);
        Self { der, key: key.as_ref().to_vec() }
    }

    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }
}

fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

fn object(id: &[u8]) -> Vec<u8> {
    element(0x06, id)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag][..], &length, content].concat()
}
