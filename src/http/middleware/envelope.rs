//! What applies to every request and response, 404 and 413 included: a request id, security headers for browsers, CORS
//! headers, and the limits of the client's address.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use tracing::Instrument as _;

use crate::http::AppState;
use crate::http::middleware::client_ip::{self as address, rate_limit_key};
use crate::http::response::{ResponseFormat, refusal, too_many};
use model::Invalid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer that has none of its own by that name.
const SAFE: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Addresses that are asked often by machines nearby, and cost next to nothing.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The id of a request: the caller's own if it is well-formed, else a new one.
#[derive(Clone, Debug)]
pub(in crate::http) struct RequestId(pub(in crate::http) String);

impl RequestId {
    fn of(headers: &HeaderMap, state: &AppState) -> Self {
        let mut given = headers.get_all(REQUEST_ID);
        let id = given.next().and_then(|id| id.to_str().ok()).filter(|id| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            (8..=64).contains(&id.len()) && id.bytes().all(fits)
        });
        match (id, given.next()) {
            (Some(id), None) => Self(id.to_owned()),
            _ => Self(state.request_id()),
        }
    }

    /// The id that a request was given.
    pub(in crate::http) fn given(request: &HttpRequest, state: &AppState) -> String {
        request.extensions().get::<Self>().map_or_else(|| state.request_id(), |id| id.0.clone())
    }
}

/// Around everything.
pub async fn envelope(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::of(request.headers(), &state);
    request.extensions_mut().insert(id.clone());
    let from = request.headers().get(header::ORIGIN).cloned();
    let span = tracing::info_span!("request", request_id = id.0);
    let mut response = inside(&state, request, next).instrument(span).await?;
    let headers = response.headers_mut();
    for (name, value) in SAFE {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    state.origins.mark(from.as_ref(), headers);
    Ok(response)
}

async fn inside<B: MessageBody + 'static>(
    state: &AppState,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if PROBES.contains(&request.path()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let address = address::of(request.request(), state);
    let _place = match state.addresses.admit(&rate_limit_key(address)) {
        Ok(place) => place,
        Err(refused) => return Ok(answered(request, |media| too_many(refused, media))),
    };
    match preflight(state, &request) {
        Some(true) => Ok(answered(request, |_| state.origins.preflight())),
        Some(false) => Ok(answered(request, |media| {
            refusal(StatusCode::FORBIDDEN, media, Invalid::new("this origin is not allowed here").into())
        })),
        None => {
            let response = next.call(request).await?;
            // The compression says in plain text that no encoding is acceptable.
            let is_plain = response.status() == StatusCode::NOT_ACCEPTABLE
                && !response
                    .headers()
                    .get(header::CONTENT_TYPE)
                    .is_some_and(|it| it.as_bytes().starts_with(b"application/"));
            if !is_plain {
                return Ok(response.map_into_left_body());
            }
            let sentence = "responses can be compressed by zstd or gzip, or sent as they are: accept one of these";
            let refused = refusal(StatusCode::NOT_ACCEPTABLE, ResponseFormat::Json, Invalid::new(sentence).into());
            Ok(ServiceResponse::new(response.into_parts().0, refused).map_into_right_body())
        }
    }
}

/// The response to a browser's preflight request; none if it is not one.
fn preflight(state: &AppState, request: &ServiceRequest) -> Option<bool> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let from = headers.get(header::ORIGIN).filter(|_| asks && !state.origins.is_empty())?;
    Some(state.origins.contains(from))
}

fn answered<B>(
    request: ServiceRequest,
    answer: impl FnOnce(ResponseFormat) -> HttpResponse,
) -> ServiceResponse<EitherBody<B>> {
    let answer = answer(ResponseFormat::accepted(request.request()).unwrap_or(ResponseFormat::Json));
    request.into_response(answer).map_into_right_body()
}
