//! The embedded web viewer: its files, caching, compression and sign-in configuration.

use std::path::Path;

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::harness::app::TestApp;

struct Page {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Page {
    let request = reqwest::Client::new().request(method, format!("{}{path}", app.url));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Page { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

fn built() -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/index.html")).ok()
}

#[tokio::test]
async fn viewer_is_served_or_a_build_hint() {
    let app = TestApp::start().await;
    let page = ask(&app, Method::GET, "/", &[]).await;
    let Some(index) = built() else {
        assert_eq!(page.status, 404);
        assert!(String::from_utf8(page.body).unwrap().contains("web/build"));
        return;
    };
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.body, index.as_bytes());
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("x-content-type-options"), "nosniff");

    let explorer = ask(&app, Method::GET, "/graphiql", &[]).await;
    assert_eq!(explorer.header("cross-origin-opener-policy"), "same-origin");
    let policy = explorer.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{policy}");
}

#[tokio::test]
async fn sign_in_configuration_is_served() {
    let app = TestApp::start().await;
    let page = ask(&app, Method::GET, "/sign-in.json", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "application/json"));
    assert_eq!(page.body, br#"{"openId":null}"#);

    let options = ["--oidc-issuer", "https://login.example/realms/staff", "--oidc-client-id", "viewer"];
    let more = ["--oidc-scopes", "audit,email", "--oidc-origins", "https://token.example"];
    let app = TestApp::start_with(&[options, more].concat()).await;
    let page = ask(&app, Method::GET, "/sign-in.json", &[]).await;
    let config: serde_json::Value = serde_json::from_slice(&page.body).unwrap();
    let scopes = ["openid", "audit", "email"];
    let issuer = "https://login.example/realms/staff";
    let expected = serde_json::json!({ "issuer": issuer, "clientId": "viewer", "scopes": scopes });
    assert_eq!(config["openId"], expected);
    for path in ["/", "/graphiql"] {
        let page = ask(&app, Method::GET, path, &[]).await;
        let policy = page.header("content-security-policy");
        let asks = "connect-src 'self' https://login.example https://token.example";
        assert!(built().is_none() || policy.ends_with(asks), "{path}: {policy}");
    }
}

#[tokio::test]
async fn static_file_is_compressed_and_cached() {
    let app = TestApp::start().await;
    let Some(index) = built() else { return };
    let (_, rest) = index.split_once("src=\"./").unwrap();
    let script = format!("/{}", rest.split_once('"').unwrap().0);

    let plain = ask(&app, Method::GET, &script, &[]).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, "identity"));
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let mut tags = vec![plain.header("etag").to_owned()];
    for (accepted, coding) in [("gzip, deflate, br", "br"), ("gzip, br;q=0", "gzip"), ("deflate", "identity")] {
        let coded = ask(&app, Method::GET, &script, &[("accept-encoding", accepted)]).await;
        assert_eq!((coded.status, coded.header("content-encoding")), (200, coding), "{accepted}");
        assert_eq!(
            (coded.header("content-type"), coded.header("vary")),
            ("text/javascript; charset=utf-8", "accept-encoding")
        );
        assert_eq!(coded.body.len() < plain.body.len(), coding != "identity", "{accepted}");
        let tag = coded.header("etag").to_owned();
        let again = ask(
            &app,
            Method::GET,
            &script,
            &[("accept-encoding", accepted), ("if-none-match", &format!("\"x\", W/{tag}"))],
        )
        .await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
        tags.push(tag);
    }
    assert_eq!(tags.pop().as_ref(), tags.first(), "the plain file has one tag");
    tags.dedup();
    assert_eq!(tags.len(), 3, "each coding has a tag of its own: {tags:?}");
    let head = ask(&app, Method::HEAD, &script, &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, plain.header("etag")));
    assert_eq!(head.header("content-length"), plain.header("content-length"));
}

#[tokio::test]
async fn only_built_files_are_served() {
    let app = TestApp::start().await;
    for path in [
        "/assets/none.js",
        "/assets/..%2F..%2FCargo.toml",
        "/assets/..%2findex.html",
        "/index.html.br",
        "/assets/",
        "/src",
    ] {
        let response = ask(&app, Method::GET, path, &[]).await;
        assert_eq!(response.status, 404, "{path}");
    }
}
