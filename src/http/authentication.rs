//! Authentication: from the `Authorization` header to a caller in its tenant.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::middleware::client_ip::ClientIp;
use super::middleware::metrics::Metrics;
use super::middleware::request_log;
use super::response::HttpError;
use access::{AccessControl, Caller};
use api::error::ApiError;
use auth::{Principal, Rejected, Verifier};
use model::Timestamp;

/// Verifies tokens and finds the tenant of their principals.
#[derive(Debug)]
pub struct Authentication {
    verifier: Verifier,
    access: AccessControl,
    metrics: Metrics,
}

impl Authentication {
    /// Verifies tokens with `verifier`, resolves tenants with `access`, and counts rejected tokens in `metrics`.
    pub fn new(verifier: Verifier, access: AccessControl, metrics: Metrics) -> Self {
        Self { verifier, access, metrics }
    }

    /// The caller of a request, which the request log then names.
    ///
    /// # Errors
    ///
    /// Fails if the token is missing or rejected, if its tenant has no log, or if the database cannot be reached.
    pub(super) async fn caller(&self, request: &HttpRequest, now: Timestamp) -> Result<Caller, HttpError> {
        let token = authorization(request).and_then(bearer_token);
        let (principal, token) = self.verify(token, now).await?;
        let caller = self.access.caller(principal).await?;
        request_log::set_caller(request, &caller);
        Ok(caller.with_client_address(ClientIp::of(request)).with_token(token))
    }

    /// The caller that the content of an `Authorization` header names, sent by another way than a header.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::caller`] does.
    pub(super) async fn caller_of(
        &self,
        authorization: &str,
        client_ip: IpAddr,
        now: Timestamp,
    ) -> Result<Caller, ApiError> {
        let verified = self.verify(bearer_token(authorization), now).await;
        let (principal, token) = verified.map_err(|rejected| {
            if rejected.is_forbidden() { ApiError::TokenForbidden(rejected) } else { rejected.into() }
        })?;
        Ok(self.access.caller(principal).await?.with_client_address(client_ip).with_token(token))
    }

    /// The same caller again, if it may still send requests: its tenant may have been disabled, or its key withdrawn.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::caller`] does.
    pub(super) async fn refresh(&self, caller: &Caller, now: Timestamp) -> Result<Caller, ApiError> {
        let caller = self.access.refresh(caller).await?;
        self.check_token(&caller, now).await?;
        Ok(caller)
    }

    /// Checks that the token of a caller is still valid: its key may have been withdrawn. While the keys cannot be read,
    /// the cached keys decide.
    ///
    /// # Errors
    ///
    /// Fails if the token has expired, or if its key was withdrawn.
    pub(super) async fn check_token(&self, caller: &Caller, now: Timestamp) -> Result<(), Rejected> {
        let Some(token) = caller.token() else { return Ok(()) };
        match self.verifier.verify(token, now).await {
            Ok(_) | Err(Rejected::KeysUnavailable) => Ok(()),
            Err(rejected) => Err(rejected),
        }
    }

    /// Returns the principal of a token, and the token.
    async fn verify<'t>(
        &self,
        token: Result<&'t str, Rejected>,
        now: Timestamp,
    ) -> Result<(Arc<Principal>, &'t str), Rejected> {
        let verified = match token {
            Ok(token) => self.verifier.verify(token, now).await.map(|principal| (principal, token)),
            Err(rejected) => Err(rejected),
        };
        verified.inspect_err(|rejected| {
            tracing::debug!(reason = rejected.reason(), "token rejected");
            self.metrics.token_rejected(rejected);
        })
    }
}

/// The content of the one `Authorization` header.
fn authorization(request: &HttpRequest) -> Result<&str, Rejected> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let header = headers.next().ok_or(Rejected::Missing)?;
    if headers.next().is_some() {
        return Err(Rejected::Malformed);
    }
    header.to_str().map_err(|_not_text| Rejected::Malformed)
}

fn bearer_token(header: &str) -> Result<&str, Rejected> {
    let (scheme, token) = header.split_once(' ').ok_or(Rejected::NotBearer)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Rejected::NotBearer) }
}
