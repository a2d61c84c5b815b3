//! Required and forbidden claims: times, issuer, audience, tenant, roles.

use super::*;

#[test]
fn duplicate_names_are_rejected() {
    assert_eq!(verify_header(r#"{"alg":"HS256","alg":"HS256"}"#), Err(Rejected::NameRepeated));
    for twice in [
        r#""sub":"a","sub":"b","tid":"c","exp":1800000060"#,
        r#""sub":"a","tid":"c","exp":1800000060,"exp":1900000000"#,
        r#""sub":"a","tid":"c","exp":1800000060,"roles":[],"rol\u0065s":["GlobalAdmin"]"#,
        r#""sub":"a","tid":"c","exp":1800000060,"whatever":1,"whatever":1"#,
    ] {
        assert_eq!(verify(twice), Err(Rejected::NameRepeated), "{twice}");
    }
}

#[test]
fn expiry_is_required_and_valid() {
    assert_eq!(verify(BASE), Err(Rejected::ExpiryMissing));
    for exp in ["null", "\"1800000060\"", "-1", "1e999", "1800000060000", "{}", "true"] {
        let refused = verify(&format!("{BASE},\"exp\":{exp}"));
        assert_eq!(refused, Err(Rejected::ClaimMalformed("exp".into())), "{exp}");
    }
    let start = verify(&format!("{BASE},\"exp\":1800000060,\"nbf\":\"1\""));
    assert_eq!(start, Err(Rejected::ClaimMalformed("nbf".into())));
}

#[test]
fn leeway_is_exact() {
    let verifier = with_secret(VerifierSettings::default());
    let token = sign_hs256(HEADER, &format!("{{{BASE},\"nbf\":1800000000,\"exp\":1800000060.5}}"), SECRET);
    let at = |micros: i64| verifier.verify(&token, NOW.plus(micros)).map(|principal| principal.expires_at);
    let expiry = Timestamp(1_800_000_060_500_000);
    assert_eq!(at(90_500_000 - 1), Ok(Some(expiry)));
    assert_eq!(at(90_500_000), Err(Rejected::Expired));
    assert_eq!(at(-30_000_000), Ok(Some(expiry)));
    assert_eq!(at(-30_000_001), Err(Rejected::NotYetValid));
    let strict = with_secret(VerifierSettings { leeway_secs: 0, ..VerifierSettings::default() });
    assert_eq!(strict.verify(&token, expiry), Err(Rejected::Expired));
    assert!(strict.verify(&token, expiry.plus(-1)).is_ok());
    assert_eq!(strict.verify(&token, NOW.plus(-1)), Err(Rejected::NotYetValid));
    assert_eq!(strict.verify(&token, Timestamp(i64::MAX)), Err(Rejected::Expired));
    assert_eq!(strict.verify(&token, Timestamp(i64::MIN)), Err(Rejected::NotYetValid));
}

#[test]
fn issuer_and_audience_are_enforced_when_configured() {
    let verifier = with_secret(settings_with_parties());
    let of = |claims: &str| {
        verifier.verify(&sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060,{claims}}}"), SECRET), NOW)
    };
    assert!(of(r#""iss":"https://issuer","aud":"audit""#).is_ok());
    assert!(of(r#""iss":"https://issuer","aud":["other","audit"]"#).is_ok());
    for iss in [r#""x":1"#, r#""iss":"https://issuer/""#, r#""iss":"HTTPS://ISSUER""#, r#""iss":"""#] {
        assert_eq!(of(&format!("{iss},\"aud\":\"audit\"")), Err(Rejected::WrongIssuer), "{iss}");
    }
    let list = of(r#""iss":["https://issuer"],"aud":"audit""#);
    assert_eq!(list, Err(Rejected::ClaimMalformed("iss".into())));
    for aud in [r#""x":1"#, r#""aud":"audit2""#, r#""aud":[]"#, r#""aud":["Audit","other"]"#, r#""aud":"""#] {
        assert_eq!(of(&format!("\"iss\":\"https://issuer\",{aud}")), Err(Rejected::WrongAudience), "{aud}");
    }
    let number = of(r#""iss":"https://issuer","aud":["audit",1]"#);
    assert_eq!(number, Err(Rejected::ClaimMalformed("aud".into())));
    assert!(verify(&format!("{BASE},\"exp\":1800000060,\"iss\":\"any\",\"aud\":\"any\"")).is_ok());
}

#[test]
fn tenant_claim_is_required() {
    let missing = Err(Rejected::TenantMissing("tid".into()));
    assert_eq!(verify(r#""sub":"a","exp":1800000060"#), missing);
    assert_eq!(verify(r#""sub":"a","tid":" ","exp":1800000060"#), missing);
    let list = verify(r#""sub":"a","tid":["contoso"],"exp":1800000060"#);
    assert_eq!(list, Err(Rejected::ClaimMalformed("tid".into())));
    let renamed = with_secret(VerifierSettings { tenant_claim: "org".into(), ..VerifierSettings::default() });
    let token = sign_hs256(HEADER, r#"{"sub":"a","org":"o","tid":"t","exp":1800000060}"#, SECRET);
    assert_eq!(renamed.verify(&token, NOW).unwrap().tenant, "o");
}

#[test]
fn subject_of_an_api_key_is_rejected() {
    for subject in ["key:0000010AbCdEfGhI", "KEY:1", " key:1", "\u{ff4b}ey:1", "key:"] {
        let claims = format!("\"sub\":\"{subject}\",\"tid\":\"c\",\"exp\":1800000060");
        assert_eq!(verify(&claims), Err(Rejected::SubjectReserved), "{subject}");
    }
    assert_eq!(verify(r#""oid":"key:1","tid":"c","exp":1800000060"#), Err(Rejected::SubjectReserved));
    assert!(verify(r#""sub":"keynes","tid":"c","exp":1800000060"#).is_ok());
}

#[test]
fn token_without_roles_is_valid_and_grants_nothing() {
    let principal = verify(&format!("{BASE},\"exp\":1800000060")).unwrap();
    assert_eq!(principal.grants, []);
    assert_eq!(principal.read_scope(), None);
    assert!(!principal.may_record());
}
