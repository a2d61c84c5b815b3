//! The sign-in configuration of the web pages: a token that the user enters, or an OpenID Connect issuer.
//!
//! The pages read `/sign-in.json` before a sign-in, and send requests to the issuer themselves (authorization code with
//! PKCE): this server has no client secret and receives only the access token, which it verifies like any other. The
//! content security policy of the pages allows requests to that issuer and to no other server.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use reqwest::Url;
use serde_json::{Value, json};

use crate::http::middleware::cors::Origin;

/// The token scope that makes a request one of OpenID Connect.
const OPEN_ID: &str = "openid";

/// The sign-in configuration. Without an issuer, users enter a token.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    issuer: Option<SignInIssuer>,
    /// Whether the server is the demo, which prints a token for each role.
    is_demo: bool,
}

#[derive(Clone, Debug)]
struct SignInIssuer {
    address: String,
    client_id: String,
    scopes: Vec<String>,
    /// The origins that the pages may send requests to.
    origins: Vec<Origin>,
}

impl SignIn {
    /// Configures sign-in at an issuer, for the client with this id, with token scopes in addition to `openid`.
    /// `origins` lists the origins of the issuer's endpoints that differ from its own.
    ///
    /// # Errors
    ///
    /// Returns a sentence for the operator if the issuer is not an `https` URL, or if a scope contains white space.
    pub fn at(address: &str, client_id: &str, scopes: &[String], origins: Vec<Origin>) -> Result<Self, String> {
        let url =
            Url::parse(address).map_err(|_unreadable| "the issuer is not a URL: begin with `https://`".to_owned())?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !(url.scheme() == "https" || url.scheme() == "http" && is_here) {
            return Err("the issuer is not `https`, so an attacker on the network could intercept the sign-in: `http` is allowed \
                        only on this machine (127.0.0.1, localhost)"
                .to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "the issuer has more than scheme, host, port and path: write it as `iss` in its tokens".to_owned()
            );
        }
        if let Some(wrong) = scopes.iter().find(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err(format!("`{wrong}` is not a token scope: a scope has no white space; list them one by one"));
        }
        let own = url.origin().ascii_serialization().parse()?;
        let scopes = scopes.iter().map(String::as_str).filter(|scope| *scope != OPEN_ID);
        Ok(Self {
            is_demo: false,
            issuer: Some(SignInIssuer {
                address: address.to_owned(),
                client_id: client_id.to_owned(),
                scopes: std::iter::once(OPEN_ID).chain(scopes).map(str::to_owned).collect(),
                origins: std::iter::once(own).chain(origins).collect(),
            }),
        })
    }

    /// Sets whether the sign-in page mentions the tokens that the demo prints.
    #[must_use]
    pub fn for_demo(self, is_demo: bool) -> Self {
        Self { is_demo, ..self }
    }

    /// The origins that the pages may send requests to, in addition to their own, each preceded by a space.
    pub(in crate::http) fn origins(&self) -> String {
        let origins = self.issuer.iter().flat_map(|issuer| &issuer.origins);
        origins.flat_map(|origin| [" ", origin.as_str()]).collect()
    }

    fn document(&self) -> Value {
        let issuer = self.issuer.as_ref().map(|SignInIssuer { address, client_id, scopes, .. }| {
            json!({ "issuer": address, "clientId": client_id, "scopes": scopes })
        });
        if self.is_demo { json!({ "openId": issuer, "isDemo": true }) } else { json!({ "openId": issuer }) }
    }
}

/// `GET /sign-in.json`.
pub(super) async fn get(sign_in: Data<SignIn>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(sign_in.document())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, scopes: &[&str]) -> Result<SignIn, String> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        SignIn::at(address, "viewer", &scopes, vec!["https://token.example".parse().unwrap()])
    }

    #[test]
    fn document_and_origins_name_the_issuer() {
        let found = at("https://Login.example:8443/realms/a", &["openid", "audit"]).unwrap();
        assert_eq!(found.origins(), " https://login.example:8443 https://token.example");
        let issuer = "https://Login.example:8443/realms/a";
        let expected = json!({ "issuer": issuer, "clientId": "viewer", "scopes": ["openid", "audit"] });
        assert_eq!(found.document(), json!({ "openId": expected }));
        assert!(at("http://localhost:9000", &[]).is_ok() && at("http://[::1]:9000/", &[]).is_ok());
        let without = SignIn::default();
        assert_eq!((without.document(), without.origins()), (json!({ "openId": null }), String::new()));
        assert_eq!(without.for_demo(true).document()["isDemo"], true);
    }

    #[test]
    fn invalid_issuer_or_scope_is_refused() {
        for (address, scopes, part) in [
            ("login.example", &[][..], "not a URL"),
            ("http://login.example", &[], "not `https`"),
            ("ftp://localhost", &[], "not `https`"),
            ("https://a:b@login.example", &[], "more than"),
            ("https://login.example?x=1", &[], "more than"),
            ("https://login.example", &["a b"], "token scope"),
            ("https://login.example", &[""], "token scope"),
            ("https://*.example", &[], "origin"),
        ] {
            let wrong = at(address, scopes).unwrap_err();
            assert!(wrong.contains(part), "{address}: {wrong}");
        }
    }
}
