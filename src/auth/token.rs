//! From the text of a token to a principal: signature, times, issuer, audience, subject, tenant, grants.
//!
//! Nothing of the payload is read before the signature is verified, and of the header only what chooses among the
//! configured keys (`alg`) or makes the token unacceptable (`crit`, `typ`). Keys and addresses that a token brings
//! along (`jwk`, `jku`, `x5c`, `x5u`) and names it gives to keys (`kid`) have no effect.
//!
//! The list of attacks in the tests follows RFC 8725, the best current practices for JSON web tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};

use super::claim::Claims;
use super::grant::{Allowed, allowed};
use super::{ConfigProblem, Keys, Principal, Rejected};
use crate::audit::Timestamp;
use crate::audit::time::SECOND;

/// The longest token that is looked at. One with all the groups that fit has about 12 kB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The largest leeway: clocks that differ more should be corrected.
const LEEWAY_SECS_MAX: u32 = 300;

/// What is demanded of tokens, and what their claims mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The claim that says whose log it is (default `tid`).
    pub tenant_claim: String,
    /// The issuer (`iss`) that is accepted; mandatory with public keys.
    pub issuer: Option<String>,
    /// The audience (`aud`) that tokens have to be issued for; mandatory with public keys.
    pub audience: Option<String>,
    /// By how much clocks may differ, in seconds (default 30, at most 300).
    pub leeway_secs: u32,
    /// The token scope (`scp`) that a token acting for a user has to have.
    pub required_scope: Option<String>,
    /// Groups (`groups`) whose members are audit readers.
    pub reader_groups: Vec<String>,
    /// The services that Intune roles cover (default `Microsoft Intune` and `Windows 365`).
    pub intune_services: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tenant_claim: "tid".to_owned(),
            issuer: None,
            audience: None,
            leeway_secs: 30,
            required_scope: None,
            reader_groups: Vec::new(),
            intune_services: vec!["Microsoft Intune".to_owned(), "Windows 365".to_owned()],
        }
    }
}

impl Settings {
    fn check(&self, keys: &Keys) -> Result<(), ConfigProblem> {
        let blank = |text: &str| text.trim().is_empty();
        let blank_part = [
            ("tenant claim", blank(&self.tenant_claim)),
            ("JWT issuer", self.issuer.as_deref().is_some_and(blank)),
            ("JWT audience", self.audience.as_deref().is_some_and(blank)),
            ("required token scope", self.required_scope.as_deref().is_some_and(blank)),
            ("list of reader groups", self.reader_groups.iter().any(|id| blank(id))),
            // Events without a service would be in such a service.
            ("list of Intune services", self.intune_services.iter().any(|name| blank(name))),
        ];
        if let Some((part, _)) = blank_part.iter().find(|(_, is_blank)| *is_blank) {
            return Err(ConfigProblem::new(format!("the {part} is blank, or has a blank element: fill or remove it")));
        }
        if !keys.is_symmetric() {
            for (part, value, example) in [
                ("issuer", &self.issuer, "the value of `iss` in its tokens"),
                ("audience", &self.audience, "the value of `aud` in tokens that are meant for this API"),
            ] {
                if value.is_none() {
                    return Err(ConfigProblem::new(format!(
                        "public keys are configured and no {part}, so tokens that the same keys sign for others would \
                         be accepted: set the JWT {part} to {example}"
                    )));
                }
            }
        }
        if self.leeway_secs > LEEWAY_SECS_MAX {
            return Err(ConfigProblem::new(format!(
                "the leeway is {} seconds and may be {LEEWAY_SECS_MAX}: correct the clocks instead",
                self.leeway_secs
            )));
        }
        if self.required_scope.as_deref().is_some_and(|scope| scope.contains(char::is_whitespace)) {
            return Err(ConfigProblem::new("the required token scope has white space: name exactly one scope"));
        }
        Ok(())
    }
}

/// Decides who the bearer of a token is.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    settings: Settings,
}

impl Verifier {
    /// A verifier with these keys and rules, if they are safe together.
    pub fn new(keys: Keys, settings: Settings) -> Result<Self, ConfigProblem> {
        settings.check(&keys)?;
        Ok(Self { keys, settings })
    }

    /// Who the bearer of this token is at this moment, and what they may do.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Rejected> {
        if token.is_empty() {
            return Err(Rejected::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Rejected::TooLong);
        }
        let claims = self.signed_claims(token)?;
        let expires_at = self.check_times(&claims, now)?;
        self.check_parties(&claims)?;
        self.principal(&claims, expires_at)
    }

    /// The claims of a token that one of the keys has signed.
    fn signed_claims(&self, token: &str) -> Result<Claims, Rejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Rejected::Malformed)?;
        let algorithm = algorithm(&Claims::parse(&decode(header)?)?)?;
        let mut keys = self.keys.that_verify(algorithm).peekable();
        if keys.peek().is_none() {
            return Err(Rejected::AlgorithmNotAllowed);
        }
        if !keys.any(|key| matches!(crypto::verify(signature, message.as_bytes(), key, algorithm), Ok(true))) {
            return Err(Rejected::BadSignature);
        }
        Claims::parse(&decode(payload)?)
    }

    /// Whether the token is valid at this moment; if so, when it expires.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, Rejected> {
        let leeway = i64::from(self.settings.leeway_secs) * SECOND;
        let expires_at = claims.moment("exp")?.ok_or(Rejected::ExpiryMissing)?;
        if now >= expires_at.plus(leeway) {
            return Err(Rejected::Expired);
        }
        match claims.moment("nbf")? {
            Some(start) if now.plus(leeway) < start => Err(Rejected::NotYetValid),
            _ => Ok(expires_at),
        }
    }

    /// Whether the token comes from the issuer and is meant for us, as far as that is configured.
    fn check_parties(&self, claims: &Claims) -> Result<(), Rejected> {
        let (issuer, audiences) = (claims.text("iss")?, claims.texts("aud")?);
        if self.settings.issuer.is_some() && issuer != self.settings.issuer {
            return Err(Rejected::WrongIssuer);
        }
        match &self.settings.audience {
            Some(ours) if !audiences.contains(ours) => Err(Rejected::WrongAudience),
            _ => Ok(()),
        }
    }

    fn principal(&self, claims: &Claims, expires_at: Timestamp) -> Result<Principal, Rejected> {
        let tenant_claim = &self.settings.tenant_claim;
        let subject = claims.first_text(&["sub", "oid", "appid", "azp"])?.ok_or(Rejected::SubjectMissing)?;
        let tenant = claims.text(tenant_claim)?.ok_or_else(|| Rejected::TenantMissing(tenant_claim.clone()))?;
        let user_principal_name = claims.first_text(&["upn", "preferred_username", "unique_name"])?;
        let display_name = claims.text("name")?;
        let client_id = claims.first_text(&["azp", "appid", "client_id"])?;
        let Allowed { grants, record } = allowed(claims, &self.settings)?;
        Ok(Principal { subject, user_principal_name, display_name, tenant, client_id, grants, record, expires_at })
    }
}

/// The algorithm that a header names, if the header is one of an access token without extensions.
fn algorithm(header: &Claims) -> Result<Algorithm, Rejected> {
    const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];
    if header.get("crit").is_some() {
        return Err(Rejected::ExtensionNotSupported);
    }
    if header.get("typ").is_some() {
        let kind = header.text("typ")?.ok_or(Rejected::TypeNotAllowed)?;
        if !TYPES.iter().any(|accepted| kind.eq_ignore_ascii_case(accepted)) {
            return Err(Rejected::TypeNotAllowed);
        }
    }
    let name = header.text("alg")?.ok_or(Rejected::AlgorithmNotAllowed)?;
    name.parse().map_err(|_unknown| Rejected::AlgorithmNotAllowed)
}

fn decode(part: &str) -> Result<Vec<u8>, Rejected> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_invalid| Rejected::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::forge::{self, Pair, sign, sign_hs256};
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "a secret of more than 32 bytes, really";
    const NOW: Timestamp = Timestamp(1_800_000_000 * SECOND);
    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const BASE: &str = r#""sub":"ada","tid":"contoso""#;

    fn with_secret(settings: Settings) -> Verifier {
        Verifier::new(Keys::secret(SECRET).unwrap(), settings).unwrap()
    }

    fn parties() -> Settings {
        Settings { issuer: Some("https://issuer".into()), audience: Some("audit".into()), ..Settings::default() }
    }

    fn with_public(pem: &str) -> Verifier {
        Verifier::new(Keys::public(pem).unwrap(), parties()).unwrap()
    }

    /// What becomes of claims, signed with the secret.
    fn verify(claims: &str) -> Result<Principal, Rejected> {
        with_secret(Settings::default()).verify(&sign_hs256(HEADER, &format!("{{{claims}}}"), SECRET), NOW)
    }

    /// What becomes of a header, with good claims, signed with the secret.
    fn verify_header(header: &str) -> Result<Principal, Rejected> {
        let token = sign_hs256(header, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET);
        with_secret(Settings::default()).verify(&token, NOW)
    }

    fn payload() -> String {
        format!("{{{BASE},\"exp\":1800000060,\"iss\":\"https://issuer\",\"aud\":\"audit\"}}")
    }

    fn signed(algorithm: Algorithm, pair: &Pair) -> String {
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
            (forge::rsa(), &[Algorithm::RS256, Algorithm::PS256][..], &[Algorithm::RS512, Algorithm::PS384][..]),
            (forge::p256(), &[Algorithm::ES256], &[]),
            (forge::ed25519(), &[Algorithm::EdDSA], &[]),
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
        let other = forge::another_p256();
        let token = signed(Algorithm::ES256, &other);
        assert_eq!(with_public(&forge::p256().pem).verify(&token, NOW), Err(Rejected::BadSignature));
        assert!(with_public(&(forge::p256().pem.clone() + &other.pem)).verify(&token, NOW).is_ok());
    }

    #[test]
    fn a_signature_under_another_algorithm_of_the_same_key_is_bad() {
        let token = sign(r#"{"alg":"PS256"}"#, &payload(), &forge::rsa().private, Algorithm::RS256);
        assert_eq!(with_public(&forge::rsa().pem).verify(&token, NOW), Err(Rejected::BadSignature));
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
            let unsigned = forge::unsigned(&format!("{{\"alg\":\"{alg}\"}}"), &claims) + ".";
            assert_eq!(with_secret(Settings::default()).verify(&unsigned, NOW), Err(why), "{alg}");
        }
        assert_eq!(verify_header("{}"), Err(Rejected::AlgorithmNotAllowed));
        assert_eq!(verify_header(r#"{"alg":null}"#), Err(Rejected::ClaimMalformed("alg".into())));
        assert_eq!(verify_header(r#"{"alg":["HS256"]}"#), Err(Rejected::ClaimMalformed("alg".into())));
    }

    #[test]
    fn a_public_key_is_no_secret() {
        for pair in [forge::rsa(), forge::p256(), forge::ed25519()] {
            for secret in [pair.pem.as_str(), pair.pem.trim_end()] {
                let token = sign_hs256(HEADER, &payload(), secret);
                assert_eq!(with_public(&pair.pem).verify(&token, NOW), Err(Rejected::AlgorithmNotAllowed));
            }
            let algorithm = if pair.pem == forge::rsa().pem { "RS256" } else { "ES256" };
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
        let verifier = with_secret(Settings::default());
        assert_eq!(verifier.verify(&sign_hs256(&header, &claims, attacker), NOW), Err(Rejected::BadSignature));
        assert!(verifier.verify(&sign_hs256(&header, &claims, SECRET), NOW).is_ok());
        let nonsense = r#"{"alg":"HS256","jwk":7,"x5c":{"a":1},"jku":[],"kid":{"a":[]}}"#;
        assert!(verify_header(nonsense).is_ok());
    }

    #[test]
    fn the_name_of_a_key_injects_nothing() {
        for kid in ["../../../../dev/null", "' OR '1'='1", "x' UNION SELECT 'key' --", "|id", "\\u0000", "", "%00"] {
            let header = format!("{{\"alg\":\"HS256\",\"kid\":\"{kid}\"}}");
            assert!(verify_header(&header).is_ok(), "{kid}");
            let token = sign_hs256(&header, &format!("{{{BASE},\"exp\":1800000060}}"), "");
            assert_eq!(with_secret(Settings::default()).verify(&token, NOW), Err(Rejected::BadSignature), "{kid}");
        }
    }

    #[test]
    fn names_that_stand_twice_are_refused() {
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
    fn an_expiry_is_demanded_and_has_to_make_sense() {
        assert_eq!(verify(BASE), Err(Rejected::ExpiryMissing));
        for exp in ["null", "\"1800000060\"", "-1", "1e999", "1800000060000", "{}", "true"] {
            let refused = verify(&format!("{BASE},\"exp\":{exp}"));
            assert_eq!(refused, Err(Rejected::ClaimMalformed("exp".into())), "{exp}");
        }
        let start = verify(&format!("{BASE},\"exp\":1800000060,\"nbf\":\"1\""));
        assert_eq!(start, Err(Rejected::ClaimMalformed("nbf".into())));
    }

    #[test]
    fn leeway_ends_exactly_where_it_ends() {
        let verifier = with_secret(Settings::default());
        let token = sign_hs256(HEADER, &format!("{{{BASE},\"nbf\":1800000000,\"exp\":1800000060.5}}"), SECRET);
        let at = |micros: i64| verifier.verify(&token, NOW.plus(micros)).map(|principal| principal.expires_at);
        let expiry = Timestamp(1_800_000_060_500_000);
        assert_eq!(at(90_500_000 - 1), Ok(expiry));
        assert_eq!(at(90_500_000), Err(Rejected::Expired));
        assert_eq!(at(-30_000_000), Ok(expiry));
        assert_eq!(at(-30_000_001), Err(Rejected::NotYetValid));
        let strict = with_secret(Settings { leeway_secs: 0, ..Settings::default() });
        assert_eq!(strict.verify(&token, expiry), Err(Rejected::Expired));
        assert!(strict.verify(&token, expiry.plus(-1)).is_ok());
        assert_eq!(strict.verify(&token, NOW.plus(-1)), Err(Rejected::NotYetValid));
        assert_eq!(strict.verify(&token, Timestamp(i64::MAX)), Err(Rejected::Expired));
        assert_eq!(strict.verify(&token, Timestamp(i64::MIN)), Err(Rejected::NotYetValid));
    }

    #[test]
    fn issuer_and_audience_are_enforced_when_configured() {
        let verifier = with_secret(parties());
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
    fn a_token_names_its_tenant() {
        let missing = Err(Rejected::TenantMissing("tid".into()));
        assert_eq!(verify(r#""sub":"a","exp":1800000060"#), missing);
        assert_eq!(verify(r#""sub":"a","tid":" ","exp":1800000060"#), missing);
        let list = verify(r#""sub":"a","tid":["contoso"],"exp":1800000060"#);
        assert_eq!(list, Err(Rejected::ClaimMalformed("tid".into())));
        let renamed = with_secret(Settings { tenant_claim: "org".into(), ..Settings::default() });
        let token = sign_hs256(HEADER, r#"{"sub":"a","org":"o","tid":"t","exp":1800000060}"#, SECRET);
        assert_eq!(renamed.verify(&token, NOW).unwrap().tenant, "o");
    }

    #[test]
    fn a_token_without_roles_is_fine_and_may_do_nothing() {
        let principal = verify(&format!("{BASE},\"exp\":1800000060")).unwrap();
        assert_eq!(principal.grants, []);
        assert_eq!(principal.read_scope(), None);
        assert!(!principal.may_record());
    }

    #[test]
    fn what_is_changed_is_refused() {
        let verifier = with_secret(Settings::default());
        let token = sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let admin = URL_SAFE_NO_PAD.encode(format!("{{{BASE},\"exp\":1800000060,\"roles\":[\"GlobalAdmin\"]}}"));
        assert_eq!(verifier.verify(&format!("{header}.{admin}.{signature}"), NOW), Err(Rejected::BadSignature));
        let short = &signature[..signature.len() - 4];
        for other in [short, "", "AAAA", &format!("{signature}="), &format!("{signature}AAAA"), "%%%"] {
            assert_eq!(verifier.verify(&format!("{message}.{other}"), NOW), Err(Rejected::BadSignature), "{other}");
        }
        assert_eq!(verifier.verify(&format!("{token}."), NOW), Err(Rejected::BadSignature));
        for other in [" ", "a", "a.b", "..", "a.b.c", "....", &format!(" {token}"), &format!("Bearer {token}"), message]
        {
            assert_eq!(verifier.verify(other, NOW), Err(Rejected::Malformed), "{other}");
        }
        assert_eq!(verifier.verify("", NOW), Err(Rejected::Missing));
        let flags = sign_hs256(HEADER, "[1]", SECRET);
        assert_eq!(verifier.verify(&flags, NOW), Err(Rejected::Malformed));
    }

    #[test]
    fn a_token_of_16_kib_is_read_and_a_longer_one_is_not() {
        let verifier = with_secret(Settings::default());
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
        let refused = |settings: Settings| {
            Verifier::new(Keys::public(&forge::p256().pem).unwrap(), settings).unwrap_err().to_string()
        };
        let no_issuer = refused(Settings { issuer: None, ..parties() });
        assert!(no_issuer.contains("set the JWT issuer"), "{no_issuer}");
        let no_audience = refused(Settings { audience: None, ..parties() });
        assert!(no_audience.contains("set the JWT audience"), "{no_audience}");
        assert!(refused(Settings { audience: Some(" ".into()), ..parties() }).contains("audience is blank"));
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let default = Settings::default;
        for (settings, part) in [
            (Settings { tenant_claim: String::new(), ..default() }, "tenant claim"),
            (Settings { issuer: Some(String::new()), ..default() }, "issuer"),
            (Settings { leeway_secs: 301, ..default() }, "301 seconds"),
            (Settings { required_scope: Some("a b".into()), ..default() }, "white space"),
            (Settings { required_scope: Some(String::new()), ..default() }, "token scope"),
            (Settings { reader_groups: vec![String::new()], ..default() }, "reader groups"),
            (Settings { intune_services: vec![" ".into()], ..default() }, "Intune services"),
        ] {
            let why = Verifier::new(Keys::secret(SECRET).unwrap(), settings).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let printed = format!("{:?}", with_secret(Settings::default()));
        assert!(printed.contains("HS256") && printed.contains("tenant_claim"), "{printed}");
        assert!(!printed.contains("secret of") && !printed.contains("[97,"), "{printed}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_gets_in_or_panics(text in "\\PC{0,60}", header in "[{}\":,a-z0-9A-Z]{0,40}") {
            let verifier = with_secret(Settings::default());
            prop_assert!(verifier.verify(&text, NOW).is_err());
            prop_assert!(verifier.verify(&(forge::unsigned(&header, &text) + ".AAAA"), NOW).is_err());
        }

        #[test]
        fn a_flipped_bit_anywhere_is_refused(position in any::<prop::sample::Index>(), bit in 0..7_u8) {
            let mut bytes = sign_hs256(HEADER, &format!("{{{BASE},\"exp\":1800000060}}"), SECRET).into_bytes();
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let token = String::from_utf8(bytes).unwrap();
            prop_assert!(with_secret(Settings::default()).verify(&token, NOW).is_err());
        }
    }
}
