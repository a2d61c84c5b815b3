//! How people sign in to the pages: with a token that they have, or at an OpenID Connect issuer if one is configured.
//!
//! The pages read `/sign-in.json` when somebody has to sign in, and talk to the issuer themselves (authorization code
//! with PKCE): this server has no secret for it and sees only the access token, which is verified like any other.
//! The pages' content security policy lets them call that issuer and no other server.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use reqwest::Url;
use serde_json::{Value, json};

use crate::http::AppState;
use crate::http::Origin;

/// The token scope that makes a request one of OpenID Connect.
const OPEN_ID: &str = "openid";

/// What the pages know about signing in.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    issuer: Option<Issuer>,
}

#[derive(Clone, Debug)]
struct Issuer {
    address: String,
    client_id: String,
    scopes: Vec<String>,
    /// What the pages may ask.
    origins: Vec<Origin>,
}

impl SignIn {
    /// Signing in at an issuer, for an application that it knows, with token scopes besides `openid`. Endpoints of the
    /// issuer that are not at its own origin have theirs named.
    pub fn at(address: &str, client_id: &str, scopes: &[String], origins: Vec<Origin>) -> Result<Self, String> {
        let url =
            Url::parse(address).map_err(|_unreadable| "the issuer is not a URL: begin with `https://`".to_owned())?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !(url.scheme() == "https" || url.scheme() == "http" && is_here) {
            return Err("the issuer is not `https`, so somebody in between could sign in instead: `http` is allowed \
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
            issuer: Some(Issuer {
                address: address.to_owned(),
                client_id: client_id.to_owned(),
                scopes: std::iter::once(OPEN_ID).chain(scopes).map(str::to_owned).collect(),
                origins: std::iter::once(own).chain(origins).collect(),
            }),
        })
    }

    /// The origins that the pages may ask besides their own, each with a blank in front.
    pub(in crate::http) fn origins(&self) -> String {
        let origins = self.issuer.iter().flat_map(|issuer| &issuer.origins);
        origins.flat_map(|origin| [" ", origin.as_str()]).collect()
    }

    fn document(&self) -> Value {
        let issuer = self.issuer.as_ref().map(|Issuer { address, client_id, scopes, .. }| {
            json!({ "issuer": address, "clientId": client_id, "scopes": scopes })
        });
        json!({ "openId": issuer })
    }
}

/// `GET /sign-in.json`.
pub(in crate::http) async fn get(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(state.sign_in.document())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, scopes: &[&str]) -> Result<SignIn, String> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        SignIn::at(address, "viewer", &scopes, vec!["https://token.example".parse().unwrap()])
    }

    #[test]
    fn pages_may_ask_the_issuer_and_learn_where_it_is() {
        let found = at("https://Login.example:8443/realms/a", &["openid", "audit"]).unwrap();
        assert_eq!(found.origins(), " https://login.example:8443 https://token.example");
        let issuer = "https://Login.example:8443/realms/a";
        let expected = json!({ "issuer": issuer, "clientId": "viewer", "scopes": ["openid", "audit"] });
        assert_eq!(found.document(), json!({ "openId": expected }));
        assert!(at("http://localhost:9000", &[]).is_ok() && at("http://[::1]:9000/", &[]).is_ok());
        let without = SignIn::default();
        assert_eq!((without.document(), without.origins()), (json!({ "openId": null }), String::new()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
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
