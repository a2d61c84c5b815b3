//! Authentication: from the `Authorization` header, with a token or an API key, to a caller in its tenant.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::middleware::client_ip::ClientIp;
use super::middleware::metrics::Metrics;
use super::middleware::request_log;
use super::response::HttpError;
use access::{AccessControl, ApiKeys, AuthenticationError, Caller};
use api::error::ApiError;
use auth::{Principal, Rejected, Verifier};
use model::Timestamp;

/// The address of a caller that has none.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Verifies tokens and API keys, and finds the tenant of their principals.
#[derive(Debug)]
pub struct Authentication {
    verifier: Verifier,
    api_keys: Arc<ApiKeys>,
    access: AccessControl,
    metrics: Metrics,
}

impl Authentication {
    /// Verifies tokens with `verifier` and API keys with `api_keys`, resolves tenants with `access`, and counts rejected
    /// tokens and keys in `metrics`.
    pub fn new(verifier: Verifier, api_keys: Arc<ApiKeys>, access: AccessControl, metrics: Metrics) -> Self {
        Self { verifier, api_keys, access, metrics }
    }

    /// The caller of a request, which the request log then names.
    ///
    /// # Errors
    ///
    /// Fails if the token is missing or rejected, if its tenant has no log, or if the database cannot be reached.
    pub(super) async fn caller(&self, request: &HttpRequest, now: Timestamp) -> Result<Caller, HttpError> {
        let (token, client_ip) = (authorization(request).and_then(bearer_token), ClientIp::of(request));
        let (principal, token) = self.verify(token, client_ip, now).await?;
        let caller = self.access.caller(principal).await?;
        request_log::set_caller(request, &caller);
        Ok(caller.with_client_address(client_ip).with_token(token))
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
        let verified = self.verify(bearer_token(authorization), client_ip, now).await;
        let (principal, token) = verified.map_err(|error| match error {
            AuthenticationError::Access(error) => error.into(),
            AuthenticationError::Rejected(rejected) if rejected.is_forbidden() => ApiError::TokenForbidden(rejected),
            AuthenticationError::Rejected(rejected) => rejected.into(),
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

    /// Checks that the token or the API key of a caller is still valid: the key may have been withdrawn. While keys cannot
    /// be read, those read last decide.
    ///
    /// # Errors
    ///
    /// Fails if the token or the key has expired or was withdrawn.
    pub(super) async fn check_token(&self, caller: &Caller, now: Timestamp) -> Result<(), Rejected> {
        let Some(token) = caller.token() else { return Ok(()) };
        match self.principal(token, caller.client_address().unwrap_or(NO_ADDRESS), now).await {
            Ok(_) | Err(AuthenticationError::Rejected(Rejected::KeysUnavailable) | AuthenticationError::Access(_)) => {
                Ok(())
            }
            Err(AuthenticationError::Rejected(rejected)) => Err(rejected),
        }
    }

    /// Reads the keys that verify tokens again. A key that cannot be used is logged, and the one read last stays in use.
    pub async fn reload(&self) {
        for problem in self.verifier.load_keys().await {
            tracing::warn!(%problem, "the keys read last stay in use");
        }
    }

    /// Returns the principal of a token or an API key, and the token or the key.
    async fn verify<'t>(
        &self,
        token: Result<&'t str, Rejected>,
        client_ip: IpAddr,
        now: Timestamp,
    ) -> Result<(Arc<Principal>, &'t str), AuthenticationError> {
        let verified = match token {
            Ok(token) => self.principal(token, client_ip, now).await.map(|principal| (principal, token)),
            Err(rejected) => Err(rejected.into()),
        };
        verified.inspect_err(|error| {
            if let AuthenticationError::Rejected(rejected) = error {
                tracing::debug!(reason = rejected.reason(), "token rejected");
                self.metrics.token_rejected(rejected);
            }
        })
    }

    async fn principal(
        &self,
        token: &str,
        client_ip: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        if auth::is_api_key(token) {
            self.api_keys.verify(token, client_ip, now).await
        } else {
            Ok(self.verifier.verify(token, now).await?)
        }
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
