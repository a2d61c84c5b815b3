//! From the `Authorization` header to a caller in its tenant, or to a refusal with a challenge.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::response::{Media, failure, refusal};
use super::{Door, account, address};
use access::Caller;
use api::error::{ApiError, Code};
use auth::{Principal, Rejected};
use model::Timestamp;

/// The caller of a request.
pub(super) async fn caller(
    door: &Door,
    request: &HttpRequest,
    now: Timestamp,
    media: Media,
    request_id: &str,
) -> Result<Caller, HttpResponse> {
    let verified = verified(door, header(request).and_then(token), now).await;
    let (principal, token) = verified.map_err(|rejected| {
        door.meters.rejected(&rejected);
        unauthenticated(rejected, media)
    })?;
    let caller = door.access.caller(principal).await.map_err(|refused| {
        let error = ApiError::from(refused);
        let status = match error.code() {
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::Unavailable | Code::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut refused = failure(status, media, error, request_id);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        refused
    })?;
    account::note_caller(request, &caller, request_id);
    Ok(caller.with_client_address(address::of(request, door)).with_token(token))
}

/// Who presents a token, and the token.
async fn verified<'t>(
    door: &Door,
    given: Result<&'t str, Rejected>,
    now: Timestamp,
) -> Result<(Arc<Principal>, &'t str), Rejected> {
    let token = given?;
    Ok((door.verifier.verify(token, now).await?, token))
}

/// Whether the token of a caller who stays is still valid: the key that signed it may have been withdrawn. While the keys
/// cannot be read, those at hand decide.
pub(super) async fn still_valid(door: &Door, caller: &Caller) -> Result<(), Rejected> {
    let Some(token) = caller.token() else { return Ok(()) };
    match door.verifier.verify(token, (door.clock)()).await {
        Ok(_) | Err(Rejected::KeysUnavailable) => Ok(()),
        Err(rejected) => Err(rejected),
    }
}

/// The caller that the content of an `Authorization` header names, where there is no status to answer with.
pub(super) async fn admit(door: &Door, header: &str, address: IpAddr, now: Timestamp) -> Result<Caller, ApiError> {
    let verified = verified(door, token(header), now).await;
    let (principal, token) = verified.map_err(|rejected| {
        door.meters.rejected(&rejected);
        if rejected.is_forbidden() { ApiError::TokenForbidden(rejected) } else { rejected.into() }
    })?;
    Ok(door.access.caller(principal).await?.with_client_address(address).with_token(token))
}

fn header(request: &HttpRequest) -> Result<&str, Rejected> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let header = headers.next().ok_or(Rejected::Missing)?;
    if headers.next().is_some() {
        return Err(Rejected::Malformed);
    }
    header.to_str().map_err(|_not_text| Rejected::Malformed)
}

fn token(header: &str) -> Result<&str, Rejected> {
    let (scheme, token) = header.split_once(' ').ok_or(Rejected::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Rejected::Malformed) }
}

/// 401 with a challenge (RFC 6750); 403 where another token of the same kind would not help; 503 where the token
/// could not be judged.
fn unauthenticated(rejected: Rejected, media: Media) -> HttpResponse {
    tracing::debug!(reason = rejected.reason(), "token rejected");
    if rejected.is_forbidden() {
        return refusal(StatusCode::FORBIDDEN, media, ApiError::TokenForbidden(rejected));
    }
    if rejected == Rejected::KeysUnavailable {
        let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, media, rejected.into());
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        return response;
    }
    let challenge = match rejected {
        Rejected::Missing => HeaderValue::from_static("Bearer realm=\"auditgraph\""),
        _ => HeaderValue::from_static("Bearer realm=\"auditgraph\", error=\"invalid_token\""),
    };
    let mut response = refusal(StatusCode::UNAUTHORIZED, media, rejected.into());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
