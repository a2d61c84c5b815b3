//! RFC 8725 point by point, with freshly generated keys: which tokens are valid, and which are refused and why.

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

/// A verifier whose keys are all at hand.
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

fn parties() -> VerifierSettings {
    VerifierSettings {
        issuers: vec!["https://issuer".into()],
        audiences: vec!["audit".into()],
        ..VerifierSettings::default()
    }
}

fn with_public(pem: &str) -> ReadyVerifier {
    ReadyVerifier::new(VerificationKeys::public(pem).unwrap(), parties()).unwrap()
}

/// What becomes of claims, signed with the secret.
fn verify(claims: &str) -> Result<Arc<Principal>, Rejected> {
    with_secret(VerifierSettings::default()).verify(&sign_hs256(HEADER, &format!("{{{claims}}}"), SECRET), NOW)
}

/// What becomes of a header, with good claims, signed with the secret.
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
fn a_token_becomes_a_principal() {
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
    assert_eq!(principal.expires_at, Timestamp(1_800_000_060 * SECOND));
    assert!(principal.read_scope().is_some());
    assert!(!principal.may_record());
}

#[test]
fn the_next_best_claim_says_who_it_is() {
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
fn every_kind_of_key_verifies_its_algorithms_and_no_others() {
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
fn a_key_of_the_same_kind_that_is_not_configured_signs_nothing() {
    let other = test_keys::another_p256();
    let token = signed(Algorithm::ES256, &other);
    assert_eq!(with_public(&test_keys::p256().pem).verify(&token, NOW), Err(Rejected::BadSignature));
    assert!(with_public(&(test_keys::p256().pem.clone() + &other.pem)).verify(&token, NOW).is_ok());
}

#[test]
fn a_signature_under_another_algorithm_of_the_same_key_is_bad() {
    let token = sign(r#"{"alg":"PS256"}"#, &payload(), &test_keys::rsa().private, Algorithm::RS256);
    assert_eq!(with_public(&test_keys::rsa().pem).verify(&token, NOW), Err(Rejected::BadSignature));
}

#[test]
fn no_signature_is_no_token() {
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
fn a_public_key_is_no_secret() {
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
fn only_access_tokens_are_tokens() {
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
fn an_extension_that_must_be_understood_is_not() {
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
fn a_key_that_a_token_brings_along_is_ignored() {
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
    let nonsense = r#"{"alg":"HS256","jwk":7,"x5c":{"a":1},"jku":[]}"#;
    assert!(verify_header(nonsense).is_ok());
}

#[test]
fn the_name_of_a_key_injects_nothing() {
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

/// A token of this issuer whose header names a key.
fn naming(name: Option<&str>, iss: &str, pair: &TestKey) -> String {
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
fn a_named_key_verifies_tokens_that_name_it_or_none() {
    let (one, two) = (test_keys::p256(), test_keys::another_p256());
    let verifier = with_set(&[(one, json!({ "kid": "one" })), (&two, json!({ "kid": "two" }))], parties());
    let of = |name: Option<&str>, pair: &TestKey| {
        verifier.verify(&naming(name, "https://issuer", pair), NOW).map(|principal| principal.subject.clone())
    };
    assert_eq!(of(Some("one"), one), Ok("a".into()));
    assert_eq!(of(None, one), Ok("a".into()));
    assert_eq!(of(None, &two), Ok("a".into()));
    assert_eq!(of(Some("two"), one), Err(Rejected::BadSignature));
    for unknown in ["ONE", "one ", "three"] {
        assert_eq!(of(Some(unknown), one), Err(Rejected::UnknownKey), "{unknown}");
    }
    assert_eq!(of(None, &test_keys::another_p256()), Err(Rejected::BadSignature));
    let nameless = with_set(&[(one, json!({}))], parties());
    assert!(nameless.verify(&naming(Some("any"), "https://issuer", one), NOW).is_ok());
}

#[test]
fn an_algorithm_that_a_key_is_pinned_to_is_its_only_one() {
    let pair = test_keys::rsa();
    let verifier = with_set(&[(pair, json!({ "alg": "RS256" }))], parties());
    assert!(verifier.verify(&signed(Algorithm::RS256, pair), NOW).is_ok());
    assert_eq!(verifier.verify(&signed(Algorithm::PS256, pair), NOW), Err(Rejected::AlgorithmNotAllowed));
}

#[test]
fn a_key_of_a_shared_set_signs_for_its_owner_alone() {
    let (ours, theirs) = ("0f3c1a2b-1111-2222-3333-44445555aaaa", "9188040d-6c67-4c5b-b112-36a304b66dad");
    let v2 = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
    let v1 = |id: &str| format!("https://sts.windows.net/{id}/");
    let settings = VerifierSettings { issuers: vec![v1(ours), v2(ours)], ..parties() };
    let of = |owner: &str, iss: &str| {
        let verifier = with_set(&[(test_keys::p256(), json!({ "kid": "k", "issuer": owner }))], settings.clone());
        verifier.verify(&naming(Some("k"), iss, test_keys::p256()), NOW).map(|_| ())
    };
    assert_eq!(of(&v2("{tenantid}"), &v2(ours)), Ok(()));
    assert_eq!(of(&v2(ours), &v2(ours)), Ok(()));
    assert_eq!(of(&v2(ours), &v1(ours)), Ok(()));
    assert_eq!(of(&v2(theirs), &v2(ours)), Err(Rejected::UnknownKey));
    assert_eq!(of(&v2(theirs), &v1(ours)), Err(Rejected::UnknownKey));
    assert_eq!(of("https://other.example", &v2(ours)), Err(Rejected::UnknownKey));
}

#[test]
fn a_verified_token_holds_to_the_end_of_its_period_and_no_longer() {
    let verifier = with_secret(VerifierSettings::default());
    let claims = format!("{{{BASE},\"nbf\":1800000000,\"exp\":1800000060}}");
    let token = sign_hs256(HEADER, &claims, SECRET);
    let first = verifier.verify(&token, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token, NOW.plus(89 * SECOND)).unwrap()));
    assert_eq!(verifier.verify(&token, NOW.plus(90 * SECOND)), Err(Rejected::Expired));
    assert_eq!(verifier.verify(&token, NOW.plus(-31 * SECOND)), Err(Rejected::NotYetValid));
}

#[test]
fn what_is_changed_is_refused() {
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
fn a_token_of_16_kib_is_read_and_a_longer_one_is_not() {
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
fn public_keys_demand_an_issuer_and_an_audience() {
    let refused = |settings: VerifierSettings| {
        ReadyVerifier::new(VerificationKeys::public(&test_keys::p256().pem).unwrap(), settings).unwrap_err().to_string()
    };
    let no_issuer = refused(VerifierSettings { issuers: Vec::new(), ..parties() });
    assert!(no_issuer.contains("set the JWT issuer"), "{no_issuer}");
    let no_audience = refused(VerifierSettings { audiences: Vec::new(), ..parties() });
    assert!(no_audience.contains("set the JWT audience"), "{no_audience}");
    assert!(refused(VerifierSettings { audiences: vec![" ".into()], ..parties() }).contains("audience is blank"));
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
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
fn a_secret_is_never_printed() {
    let printed = format!("{:?}", with_secret(VerifierSettings::default()).0);
    assert!(printed.contains("HS256") && printed.contains("tenant_claim"), "{printed}");
    assert!(!printed.contains("secret of") && !printed.contains("[97,"), "{printed}");
}

proptest! {
    #[test]
    fn nothing_that_is_sent_gets_in_or_panics(text in "\\PC{0,60}", header in "[{}\":,a-z0-9A-Z]{0,40}") {
        let verifier = with_secret(VerifierSettings::default());
        prop_assert!(verifier.verify(&text, NOW).is_err());
        prop_assert!(verifier.verify(&(test_keys::unsigned(&header, &text) + ".AAAA"), NOW).is_err());
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(position in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let mut bytes = sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET).into_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        let token = String::from_utf8(bytes).unwrap();
        prop_assert!(with_secret(VerifierSettings::default()).verify(&token, NOW).is_err());
    }
}
