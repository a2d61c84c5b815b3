//! The attacks of RFC 8725 with generated keys: which tokens are valid, and which are rejected and why.

mod claims;

use super::super::jwks;
use super::super::test_keys::{self, TestKey, sign, sign_hs256};
use super::*;
use model::time::SECOND;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than 32 bytes, really";
const NOW: Timestamp = Timestamp(1_800_000_000 * SECOND);
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const BASE: &str = r#""sub":"ada","tid":"contoso""#;

/// A verifier with fixed keys, which never waits.
#[derive(Debug)]
struct ReadyVerifier(Verifier);

impl ReadyVerifier {
    fn new(keys: VerificationKeys, settings: VerifierSettings) -> Result<Self, ConfigProblem> {
        Verifier::new([(KeySource::fixed(keys), settings)]).map(Self)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Rejected> {
        test_keys::now_or_panic(self.0.verify(token, now))
    }
}

fn with_secret(settings: VerifierSettings) -> ReadyVerifier {
    ReadyVerifier::new(VerificationKeys::secret(SECRET).unwrap(), settings).unwrap()
}

fn settings_with_parties() -> VerifierSettings {
    VerifierSettings {
        issuers: vec!["https://issuer".into()],
        audiences: vec!["audit".into()],
        ..VerifierSettings::default()
    }
}

fn with_public(pem: &str) -> ReadyVerifier {
    ReadyVerifier::new(VerificationKeys::public(pem).unwrap(), settings_with_parties()).unwrap()
}

/// Verifies claims that are signed with the secret.
fn verify(claims: &str) -> Result<Arc<Principal>, Rejected> {
    with_secret(VerifierSettings::default()).verify(&sign_hs256(HEADER, &format!("{{{claims}}}"), SECRET), NOW)
}

/// Verifies a header with valid claims, signed with the secret.
fn verify_header(header: &str) -> Result<Arc<Principal>, Rejected> {
    let token = sign_hs256(header, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET);
    with_secret(VerifierSettings::default()).verify(&token, NOW)
}

fn payload() -> String {
    format!("{{{BASE},\"exp\":1800000060,\"iss\":\"https://issuer\",\"aud\":\"audit\"}}")
}

fn signed(algorithm: Algorithm, pair: &TestKey) -> String {
    sign(&format!("{{\"alg\":\"{algorithm:?}\"}}"), &payload(), &pair.private, algorithm)
}

#[test]
fn claims_become_a_principal() {
    let principal = verify(
        r#""sub":"s","oid":"o","tid":"contoso","upn":"ada@contoso.example","name":"Ada","azp":"app-1",
        "exp":1800000060,"roles":["AuditLog.Read.All"]"#,
    )
    .unwrap();
    assert_eq!(principal.subject, "s");
    assert_eq!(principal.tenant, "contoso");
    assert_eq!(principal.user_principal_name.as_deref(), Some("ada@contoso.example"));
    assert_eq!(principal.display_name.as_deref(), Some("Ada"));
    assert_eq!(principal.client_id.as_deref(), Some("app-1"));
    assert_eq!(principal.expires_at, Some(Timestamp(1_800_000_060 * SECOND)));
    assert!(principal.read_scope().is_some());
    assert!(!principal.may_record());
}

#[test]
fn subject_falls_back_to_other_claims() {
    let of = |claims: &str| verify(&format!("\"tid\":\"c\",\"exp\":1800000060,{claims}")).unwrap();
    assert_eq!(of(r#""oid":"o","appid":"a""#).subject, "o");
    let app = of(r#""sub":"","appid":"a""#);
    assert_eq!((app.subject.as_str(), app.client_id.as_deref()), ("a", Some("a")));
    assert_eq!(of(r#""azp":"z""#).subject, "z");
    let user = of(r#""sub":"s","preferred_username":"p","unique_name":"u","email":"e","client_id":"c""#);
    assert_eq!((user.user_principal_name.as_deref(), user.client_id.as_deref()), (Some("p"), Some("c")));
    assert_eq!(of(r#""sub":"s","unique_name":"u""#).user_principal_name.as_deref(), Some("u"));
    assert_eq!(of(r#""sub":"s","email":"e""#).user_principal_name, None);
    assert_eq!(verify(r#""tid":"c","exp":1800000060"#), Err(Rejected::SubjectMissing));
    assert_eq!(verify(r#""sub":7,"tid":"c","exp":1800000060"#), Err(Rejected::ClaimMalformed("sub".into())));
}

#[test]
fn key_verifies_only_its_algorithms() {
    let pairs = [
        (test_keys::rsa(), &[Algorithm::RS256, Algorithm::PS256][..], &[Algorithm::RS512, Algorithm::PS384][..]),
        (test_keys::p256(), &[Algorithm::ES256], &[]),
        (test_keys::ed25519(), &[Algorithm::EdDSA], &[]),
    ];
    let all: String = pairs.iter().map(|(pair, ..)| pair.pem.as_str()).collect();
    for (pair, accepted, refused) in pairs {
        for algorithm in accepted {
            let token = signed(*algorithm, pair);
            assert_eq!(with_public(&pair.pem).verify(&token, NOW).unwrap().subject, "ada");
            assert!(with_public(&all).verify(&token, NOW).is_ok(), "{algorithm:?}");
            let others = pairs.iter().filter(|(other, ..)| other.pem != pair.pem);
            for (other, ..) in others {
                let refused = with_public(&other.pem).verify(&token, NOW);
                assert_eq!(refused, Err(Rejected::AlgorithmNotAllowed), "{algorithm:?}");
            }
        }
        for algorithm in refused {
            let token = signed(*algorithm, pair);
            assert_eq!(with_public(&all).verify(&token, NOW), Err(Rejected::AlgorithmNotAllowed), "{algorithm:?}");
        }
    }
}

#[test]
fn key_that_is_not_configured_is_rejected() {
    let other = test_keys::another_p256();
    let token = signed(Algorithm::ES256, &other);
    assert_eq!(with_public(&test_keys::p256().pem).verify(&token, NOW), Err(Rejected::BadSignature));
    assert!(with_public(&(test_keys::p256().pem.clone() + &other.pem)).verify(&token, NOW).is_ok());
}

#[test]
fn signature_with_another_algorithm_is_bad() {
    let token = sign(r#"{"alg":"PS256"}"#, &payload(), &test_keys::rsa().private, Algorithm::RS256);
    assert_eq!(with_public(&test_keys::rsa().pem).verify(&token, NOW), Err(Rejected::BadSignature));
}

#[test]
fn unsigned_token_is_rejected() {
    let claims = format!("{{{BASE},\"exp\":1800000060}}");
    for (alg, why) in [
        ("none", Rejected::AlgorithmNotAllowed),
        ("None", Rejected::AlgorithmNotAllowed),
        ("HS512", Rejected::AlgorithmNotAllowed),
        ("hs256", Rejected::AlgorithmNotAllowed),
        ("", Rejected::AlgorithmNotAllowed),
        ("HS256", Rejected::BadSignature),
    ] {
        let unsigned = test_keys::unsigned(&format!("{{\"alg\":\"{alg}\"}}"), &claims) + ".";
        assert_eq!(with_secret(VerifierSettings::default()).verify(&unsigned, NOW), Err(why), "{alg}");
    }
    assert_eq!(verify_header("{}"), Err(Rejected::AlgorithmNotAllowed));
    assert_eq!(verify_header(r#"{"alg":null}"#), Err(Rejected::ClaimMalformed("alg".into())));
    assert_eq!(verify_header(r#"{"alg":["HS256"]}"#), Err(Rejected::ClaimMalformed("alg".into())));
}

#[test]
fn public_key_is_not_accepted_as_secret() {
    for pair in [test_keys::rsa(), test_keys::p256(), test_keys::ed25519()] {
        for secret in [pair.pem.as_str(), pair.pem.trim_end()] {
            let token = sign_hs256(HEADER, &payload(), secret);
            assert_eq!(with_public(&pair.pem).verify(&token, NOW), Err(Rejected::AlgorithmNotAllowed));
        }
        let algorithm = if pair.pem == test_keys::rsa().pem { "RS256" } else { "ES256" };
        let token = sign_hs256(&format!("{{\"alg\":\"{algorithm}\"}}"), &payload(), &pair.pem);
        assert!(with_public(&pair.pem).verify(&token, NOW).is_err());
    }
}

#[test]
fn typ_must_be_that_of_an_access_token() {
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(verify_header(&format!("{{\"alg\":\"HS256\",\"typ\":\"{typ}\"}}")).is_ok(), "{typ}");
    }
    assert!(verify_header(r#"{"alg":"HS256"}"#).is_ok());
    for typ in ["dpop+jwt", "logout+jwt", "secevent+jwt", "JWT ", "", "application/jwt+at"] {
        let header = format!("{{\"alg\":\"HS256\",\"typ\":\"{typ}\"}}");
        assert_eq!(verify_header(&header), Err(Rejected::TypeNotAllowed), "{typ}");
    }
    assert_eq!(verify_header(r#"{"alg":"HS256","typ":1}"#), Err(Rejected::ClaimMalformed("typ".into())));
}

#[test]
fn critical_extensions_are_rejected() {
    for crit in [r#"["b64"]"#, r#"["exp"]"#, "[]", "null"] {
        let header = format!("{{\"alg\":\"HS256\",\"b64\":false,\"crit\":{crit}}}");
        assert_eq!(verify_header(&header), Err(Rejected::ExtensionNotSupported));
    }
    for other in [r#""zip":"DEF""#, r#""cty":"JWT""#] {
        let header = format!("{{\"alg\":\"HS256\",{other}}}");
        assert_eq!(verify_header(&header), Err(Rejected::ExtensionNotSupported), "{other}");
    }
}

#[test]
fn keys_in_the_header_are_ignored() {
    let attacker = "the attacker's secret, more than 32 bytes";
    let header = format!(
        r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{}"}},"jku":"https://evil.example/jwks",
        "x5u":"https://evil.example/x5u","x5c":["MIIB"],"kid":"evil"}}"#,
        URL_SAFE_NO_PAD.encode(attacker)
    );
    let claims = format!("{{{BASE},\"exp\":1800000060}}");
    let verifier = with_secret(VerifierSettings::default());
    assert_eq!(verifier.verify(&sign_hs256(&header, &claims, attacker), NOW), Err(Rejected::BadSignature));
    assert!(verifier.verify(&sign_hs256(&header, &claims, SECRET), NOW).is_ok());
    let malformed = r#"{"alg":"HS256","jwk":7,"x5c":{"a":1},"jku":[]}"#;
    assert!(verify_header(malformed).is_ok());
}

#[test]
fn kid_is_not_an_injection_vector() {
    for kid in ["../../../../dev/null", "' OR '1'='1", "x' UNION SELECT 'key' --", "|id", "", "%00"] {
        let header = format!("{{\"alg\":\"HS256\",\"kid\":\"{kid}\"}}");
        assert!(verify_header(&header).is_ok(), "{kid}");
        let token = sign_hs256(&header, &format!("{{{BASE},\"exp\":1800000060}}"), "");
        assert_eq!(with_secret(VerifierSettings::default()).verify(&token, NOW), Err(Rejected::BadSignature), "{kid}");
    }
    for kid in [r#""\u0000""#, "7", "[\"a\"]", "{}", "null"] {
        let refused = verify_header(&format!("{{\"alg\":\"HS256\",\"kid\":{kid}}}"));
        assert_eq!(refused, Err(Rejected::ClaimMalformed("kid".into())), "{kid}");
    }
}

/// Returns a token of an issuer with this `kid` in its header.
fn with_kid(name: Option<&str>, iss: &str, pair: &TestKey) -> String {
    let header = json!({ "alg": "ES256", "kid": name });
    let header = if name.is_some() { header } else { json!({ "alg": "ES256" }) };
    let claims = json!({ "sub": "a", "tid": "t", "exp": 1_800_000_060, "iss": iss, "aud": "audit" });
    sign(&header.to_string(), &claims.to_string(), &pair.private, Algorithm::ES256)
}

fn with_set(keys: &[(&TestKey, Value)], settings: VerifierSettings) -> ReadyVerifier {
    let jwk = |(pair, more): &(&TestKey, Value)| {
        let mut jwk = pair.jwk();
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    };
    let set = json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() });
    ReadyVerifier::new(jwks::parse(&set.to_string()).unwrap(), settings).unwrap()
}

#[test]
fn key_with_kid_verifies_tokens_with_it_or_none() {
    let (one, two) = (test_keys::p256(), test_keys::another_p256());
    let verifier =
        with_set(&[(one, json!({ "kid": "one" })), (&two, json!({ "kid": "two" }))], settings_with_parties());
    let of = |name: Option<&str>, pair: &TestKey| {
        verifier.verify(&with_kid(name, "https://issuer", pair), NOW).map(|principal| principal.subject.clone())
    };
    assert_eq!(of(Some("one"), one), Ok("a".into()));
    assert_eq!(of(None, one), Ok("a".into()));
    assert_eq!(of(None, &two), Ok("a".into()));
    assert_eq!(of(Some("two"), one), Err(Rejected::BadSignature));
    for unknown in ["ONE", "one ", "three"] {
        assert_eq!(of(Some(unknown), one), Err(Rejected::UnknownKey), "{unknown}");
    }
    assert_eq!(of(None, &test_keys::another_p256()), Err(Rejected::BadSignature));
    let nameless = with_set(&[(one, json!({}))], settings_with_parties());
    assert!(nameless.verify(&with_kid(Some("any"), "https://issuer", one), NOW).is_ok());
}

#[test]
fn key_with_alg_verifies_only_that_algorithm() {
    let pair = test_keys::rsa();
    let verifier = with_set(&[(pair, json!({ "alg": "RS256" }))], settings_with_parties());
    assert!(verifier.verify(&signed(Algorithm::RS256, pair), NOW).is_ok());
    assert_eq!(verifier.verify(&signed(Algorithm::PS256, pair), NOW), Err(Rejected::AlgorithmNotAllowed));
}

#[test]
fn key_of_shared_set_verifies_only_its_issuer() {
    let (ours, theirs) = ("0f3c1a2b-1111-2222-3333-44445555aaaa", "9188040d-6c67-4c5b-b112-36a304b66dad");
    let v2 = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
    let v1 = |id: &str| format!("https://sts.windows.net/{id}/");
    let settings = VerifierSettings { issuers: vec![v1(ours), v2(ours)], ..settings_with_parties() };
    let of = |owner: &str, iss: &str| {
        let verifier = with_set(&[(test_keys::p256(), json!({ "kid": "k", "issuer": owner }))], settings.clone());
        verifier.verify(&with_kid(Some("k"), iss, test_keys::p256()), NOW).map(|_| ())
    };
    assert_eq!(of(&v2("{tenantid}"), &v2(ours)), Ok(()));
    assert_eq!(of(&v2(ours), &v2(ours)), Ok(()));
    assert_eq!(of(&v2(ours), &v1(ours)), Ok(()));
    assert_eq!(of(&v2(theirs), &v2(ours)), Err(Rejected::UnknownKey));
    assert_eq!(of(&v2(theirs), &v1(ours)), Err(Rejected::UnknownKey));
    assert_eq!(of("https://other.example", &v2(ours)), Err(Rejected::UnknownKey));
}

#[test]
fn verified_token_is_cached_until_it_expires() {
    let verifier = with_secret(VerifierSettings::default());
    let claims = format!("{{{BASE},\"nbf\":1800000000,\"exp\":1800000060}}");
    let token = sign_hs256(HEADER, &claims, SECRET);
    let first = verifier.verify(&token, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token, NOW.plus(89 * SECOND)).unwrap()));
    assert_eq!(verifier.verify(&token, NOW.plus(90 * SECOND)), Err(Rejected::Expired));
    assert_eq!(verifier.verify(&token, NOW.plus(-31 * SECOND)), Err(Rejected::NotYetValid));
}

#[test]
fn modified_tokens_are_rejected() {
    let verifier = with_secret(VerifierSettings::default());
    let token = sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let admin = URL_SAFE_NO_PAD.encode(format!("{{{BASE},\"exp\":1800000060,\"roles\":[\"GlobalAdmin\"]}}"));
    assert_eq!(verifier.verify(&format!("{header}.{admin}.{signature}"), NOW), Err(Rejected::BadSignature));
    let short = &signature[..signature.len() - 4];
    for other in [short, "", "AAAA", &format!("{signature}="), &format!("{signature}AAAA"), "%%%"] {
        assert_eq!(verifier.verify(&format!("{message}.{other}"), NOW), Err(Rejected::BadSignature), "{other}");
    }
    assert_eq!(verifier.verify(&format!("{token}."), NOW), Err(Rejected::Malformed));
    for other in [" ", "a", "a.b", "..", "a.b.c", "....", &format!(" {token}"), &format!("Bearer {token}"), message] {
        assert_eq!(verifier.verify(other, NOW), Err(Rejected::Malformed), "{other}");
    }
    assert_eq!(verifier.verify("", NOW), Err(Rejected::Missing));
    let flags = sign_hs256(HEADER, "[1]", SECRET);
    assert_eq!(verifier.verify(&flags, NOW), Err(Rejected::Malformed));
}

#[test]
fn token_has_at_most_16_kib() {
    let verifier = with_secret(VerifierSettings::default());
    let of = |filler: usize| {
        sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060,\"x\":\"{}\"}}", "x".repeat(filler)), SECRET)
    };
    let fits = (0..12_300).rev().map(of).find(|token| token.len() <= TOKEN_BYTES_MAX).unwrap();
    assert!(fits.len() > TOKEN_BYTES_MAX - 3);
    assert!(verifier.verify(&fits, NOW).is_ok());
    assert_eq!(verifier.verify(&of(12_300), NOW), Err(Rejected::TooLong));
    assert_eq!(verifier.verify(&"x".repeat(TOKEN_BYTES_MAX), NOW), Err(Rejected::Malformed));
    assert_eq!(verifier.verify(&"x".repeat(TOKEN_BYTES_MAX + 1), NOW), Err(Rejected::TooLong));
    let deep = sign_hs256(HEADER, &format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000)), SECRET);
    assert_eq!(verifier.verify(&deep, NOW), Err(Rejected::Malformed));
}

#[test]
fn public_keys_require_issuer_and_audience() {
    let refused = |settings: VerifierSettings| {
        ReadyVerifier::new(VerificationKeys::public(&test_keys::p256().pem).unwrap(), settings).unwrap_err().to_string()
    };
    let no_issuer = refused(VerifierSettings { issuers: Vec::new(), ..settings_with_parties() });
    assert!(no_issuer.contains("set the JWT issuer"), "{no_issuer}");
    let no_audience = refused(VerifierSettings { audiences: Vec::new(), ..settings_with_parties() });
    assert!(no_audience.contains("set the JWT audience"), "{no_audience}");
    assert!(
        refused(VerifierSettings { audiences: vec![" ".into()], ..settings_with_parties() })
            .contains("audience is blank")
    );
}

#[test]
fn invalid_settings_are_refused() {
    let default = VerifierSettings::default;
    for (settings, part) in [
        (VerifierSettings { tenant_claim: String::new(), ..default() }, "tenant claim"),
        (VerifierSettings { issuers: vec![String::new()], ..default() }, "issuer"),
        (VerifierSettings { leeway_secs: 301, ..default() }, "301 seconds"),
        (VerifierSettings { required_scope: Some("a b".into()), ..default() }, "white space"),
        (VerifierSettings { required_scope: Some(String::new()), ..default() }, "token scope"),
        (VerifierSettings { reader_groups: vec![String::new()], ..default() }, "reader groups"),
        (VerifierSettings { intune_services: vec![" ".into()], ..default() }, "Intune services"),
    ] {
        let why = ReadyVerifier::new(VerificationKeys::secret(SECRET).unwrap(), settings).unwrap_err().to_string();
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn debug_hides_the_secret() {
    let printed = format!("{:?}", with_secret(VerifierSettings::default()).0);
    assert!(printed.contains("HS256") && printed.contains("tenant_claim"), "{printed}");
    assert!(!printed.contains("secret of") && !printed.contains("[97,"), "{printed}");
}

proptest! {
    #[test]
    fn random_tokens_are_rejected_without_panic(text in "\\PC{0,60}", header in "[{}\":,a-z0-9A-Z]{0,40}") {
        let verifier = with_secret(VerifierSettings::default());
        prop_assert!(verifier.verify(&text, NOW).is_err());
        prop_assert!(verifier.verify(&(test_keys::unsigned(&header, &text) + ".AAAA"), NOW).is_err());
    }

    #[test]
    fn flipped_bit_is_rejected(position in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let mut bytes = sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET).into_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        let token = String::from_utf8(bytes).unwrap();
        prop_assert!(with_secret(VerifierSettings::default()).verify(&token, NOW).is_err());
    }
}
