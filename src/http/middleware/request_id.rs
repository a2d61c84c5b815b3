//! The request id: in the response header `X-Request-Id`, in internal errors, and in every log line of the request.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use tracing::Instrument as _;

use crate::http::environment::Environment;

/// The header, of requests and responses.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Clone, Debug)]
pub(in crate::http) struct RequestId(String);

impl RequestId {
    /// The id of a request. The middleware has set it before a handler runs.
    pub(in crate::http) fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }

    /// The id that the client sent, if it is the only one and well-formed: 8 to 64 letters, digits, `-`, `_` and `.`.
    fn from_client(headers: &HeaderMap) -> Option<Self> {
        let mut sent = headers.get_all(REQUEST_ID);
        let id = sent.next()?.to_str().ok()?;
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_well_formed = (8..=64).contains(&id.len()) && id.bytes().all(is_allowed);
        (is_well_formed && sent.next().is_none()).then(|| Self(id.to_owned()))
    }
}

/// Gives the request an id: that of the client, or a new one.
pub(super) async fn request_id<B: MessageBody + 'static>(
    environment: Data<Environment>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId::from_client(request.headers()).unwrap_or_else(|| RequestId(environment.new_id()));
    let header = HeaderValue::from_str(&id.0);
    let span = tracing::info_span!("request", request_id = id.0);
    request.extensions_mut().insert(id);
    let mut response = next.call(request).instrument(span).await?;
    if let Ok(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    Ok(response)
}
