//! Tokens: which are accepted, which are rejected, and with which message.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::app::{SECRET, TestApp};
use crate::harness::client::{Client, Response};
use crate::harness::keys::{Issuer, hs256, public_key_file};

const VIEWER: &str = "{ viewer { subject grants { role } } }";

/// Claims of a global administrator of `contoso` that expire after an hour.
fn claims(app: &TestApp) -> Value {
    json!({ "sub": "ada", "tid": "contoso", "roles": ["GlobalAdmin"], "exp": app.now().0 / 1_000_000 + 3_600 })
}

fn with(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

#[track_caller]
fn assert_unauthenticated(response: &Response, sentence: &str, challenge: &str) {
    assert_eq!(response.status, 401, "{}", response.text);
    assert_eq!(response.error(), ("UNAUTHENTICATED", sentence));
    assert_eq!(response.header("www-authenticate"), challenge);
    assert_eq!(response.body.get("data"), None);
    assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
}

const ANY: &str = "Bearer realm=\"auditgraph\"";
const INVALID: &str = "Bearer realm=\"auditgraph\", error=\"invalid_token\"";

#[tokio::test]
async fn missing_token_is_challenged() {
    let app = TestApp::start().await;
    for query in [VIEWER, "{ __schema { types { name } } }", "{ __typename }", "no graphql", "{ nothing }"] {
        assert_unauthenticated(&app.anonymous().query(query).await, "A bearer token is required.", ANY);
    }
    let by_get = app.anonymous().get(&[("query", VIEWER)]).await;
    assert_unauthenticated(&by_get, "A bearer token is required.", ANY);
    let malformed = "The token is not a signed JSON web token.";
    let request = |value: &str| {
        app.anonymous().request(reqwest::Method::POST, "/graphql").header("authorization", value).json(&json!({}))
    };
    let scheme = "The authorization must have the form `Bearer TOKEN`: the word `Bearer`, a space and the token.";
    for value in ["Basic YTpi", "Bearer", "abc", &hs256(SECRET.as_bytes(), &claims(&app))] {
        assert_unauthenticated(&app.anonymous().send(request(value)).await, scheme, INVALID);
    }
    for value in ["Bearer a b c", "Bearer a.b"] {
        assert_unauthenticated(&app.anonymous().send(request(value)).await, malformed, INVALID);
    }
    let twice = app.admin().request(reqwest::Method::POST, "/graphql").bearer_auth("another").json(&json!({}));
    assert_unauthenticated(&app.anonymous().send(twice).await, malformed, INVALID);
    let holds = hs256(SECRET.as_bytes(), &claims(&app));
    let lower_case = app.anonymous().request(reqwest::Method::POST, "/graphql");
    let lower_case = lower_case.header("authorization", format!("bearer {holds}")).json(&json!({ "query": VIEWER }));
    app.anonymous().send(lower_case).await.data("/viewer");
}

#[tokio::test]
async fn invalid_token_is_rejected_with_one_sentence() {
    let app = TestApp::start().await;
    let (good, now) = (claims(&app), app.now().0 / 1_000_000);
    let sign = |changes: Value| hs256(SECRET.as_bytes(), &with(&good, &changes));
    let mut tampered: Vec<String> = sign(json!({})).split('.').map(str::to_owned).collect();
    tampered[1] = URL_SAFE_NO_PAD.encode(with(&good, &json!({ "tid": "fabrikam" })).to_string());
    let unsigned =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(good.to_string()));
    for (token, sentence) in [
        (sign(json!({ "exp": now - 31 })), "The token has expired."),
        (sign(json!({ "nbf": now + 3_000 })), "The token is not valid yet."),
        (sign(json!({ "exp": "soon" })), "The token's `exp` is not valid."),
        (sign(json!({ "exp": null })), "The token's `exp` is not valid."),
        (sign(json!({ "sub": "" })), "The token has no subject (`sub`)."),
        (sign(json!({ "tid": "" })), "The token does not name a tenant (`tid`)."),
        (sign(json!({ "tid": "a\0b" })), "The token's `tid` is not valid."),
        (sign(json!({ "roles": { "GlobalAdmin": true } })), "The token's `roles` is not valid."),
        (
            hs256(b"another secret that is long enough to be one", &good),
            "The token's signature is not valid for any key of its issuer.",
        ),
        (tampered.join("."), "The token's signature is not valid for any key of its issuer."),
        (unsigned, "The token is signed with an algorithm that is not accepted here."),
        (Issuer::eddsa().token(&good), "The token is signed with an algorithm that is not accepted here."),
        ("x".repeat(16_385), "The token is longer than 16 KiB."),
    ] {
        let response = app.anonymous().token(&token).query(VIEWER).await;
        assert_unauthenticated(&response, sentence, INVALID);
        assert_eq!(response.header("x-request-id").len(), 36);
    }
    let late = sign(json!({ "exp": now - 5 }));
    app.anonymous().token(&late).query(VIEWER).await.data("/viewer");
}

#[tokio::test]
async fn missing_required_token_scope_is_forbidden() {
    let app = TestApp::start_with(&["--jwt-required-scope", "Audit.Access"]).await;
    let sign = |scope: &str| hs256(SECRET.as_bytes(), &with(&claims(&app), &json!({ "scp": scope })));
    let response = app.anonymous().token(&sign("Other")).query(VIEWER).await;
    assert_eq!(response.status, 403);
    let sentence = "The token does not have the scope (`scp`) that this API requires: request a token with it.";
    assert_eq!(response.error(), ("FORBIDDEN", sentence));
    assert_eq!(response.body.get("data"), None);
    app.anonymous().token(&sign("openid Audit.Access")).query(VIEWER).await.data("/viewer");
}

#[tokio::test]
async fn issuer_tokens_need_its_keys_algorithm_and_audience() {
    let issuers = [Issuer::rs256(), Issuer::es256(), Issuer::eddsa()];
    let file = public_key_file(&issuers.each_ref());
    let path = file.path().to_str().unwrap();
    let app = TestApp::start_with(&[
        "--jwt-public-key-file",
        path,
        "--jwt-issuer",
        "https://issuer.example",
        "--jwt-audience",
        "api://auditgraph",
        "--tenant-claim",
        "org",
    ])
    .await;
    let good = json!({ "iss": "https://issuer.example", "aud": ["api://other", "api://auditgraph"], "org": "contoso" });
    let good = with(&claims(&app), &good);
    let ask = async |token: String| Client::new(&app.url).token(&token).query(VIEWER).await;
    for issuer in &issuers {
        let response = ask(issuer.token(&good)).await;
        assert_eq!(*response.data("/viewer/subject"), json!("ada"));
        let response = ask(issuer.token(&with(&good, &json!({ "iss": "https://issuer.example/" })))).await;
        assert_unauthenticated(&response, "The token's issuer (`iss`) is not accepted here.", INVALID);
        let response = ask(issuer.token(&with(&good, &json!({ "aud": "api://other" })))).await;
        assert_unauthenticated(&response, "The token was issued for another audience (`aud`).", INVALID);
        let response = ask(issuer.token(&with(&good, &json!({ "org": null })))).await;
        assert_unauthenticated(&response, "The token's `org` is not valid.", INVALID);
        // An attacker signs with the public key as an HMAC secret.
        for secret in [issuer.pem.as_bytes(), issuer.pem.trim_end().as_bytes()] {
            let response = ask(hs256(secret, &good)).await;
            let sentence = "The token is signed with an algorithm that is not accepted here.";
            assert_unauthenticated(&response, sentence, INVALID);
        }
    }
    for stranger in [Issuer::es256(), Issuer::eddsa()] {
        let response = ask(stranger.token(&good)).await;
        let sentence = "The token's signature is not valid for any key of its issuer.";
        assert_unauthenticated(&response, sentence, INVALID);
    }
}
