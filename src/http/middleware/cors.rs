//! CORS: which web pages may send requests, by a list of origins.
//!
//! Callers send tokens, so cookies are not needed and credentials are never allowed.

use std::str::FromStr;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use super::client_ip::is_probe;
use crate::http::response::{HttpError, ResponseFormat, error_response};

/// The time for which a browser may cache the response to a preflight request, in seconds.
const MAX_AGE_SECS: &str = "7200";
const METHODS: &str = "GET, POST";
/// The headers that a page may send: those of requests, of client awareness (Apollo) and of tracing (W3C Trace Context and
/// Baggage, Sentry).
const REQUEST_HEADERS: &str = "authorization, content-type, accept, graphql-require-preflight, \
     apollo-require-preflight, x-apollo-operation-name, x-apollo-operation-id, x-apollo-operation-type, \
     apollographql-client-name, apollographql-client-version, traceparent, tracestate, baggage, sentry-trace, \
     x-request-id";
/// The headers that a page may read, besides those that every page may read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, www-authenticate, x-auditgraph-export-id, content-disposition, allow",
);

/// The origins whose pages may send requests, besides this server's own origin. If empty, CORS is off.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Vec<Origin>);

/// An origin as browsers write it: scheme, host, and port unless it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an origin: write `https://audit.example` or `http://localhost:5173`");
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(wrong)?;
        let (host, port) = match rest.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or_else(wrong)?,
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let in_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_' | b':');
        let is_port = |port: &str| port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let fits = !host.is_empty() && host.bytes().all(in_host) && (port.is_empty() || is_port(port));
        let default = if text.starts_with("https") { ":443" } else { ":80" };
        if !fits || port == default {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_invalid| wrong())
    }
}

impl Origin {
    /// The origin as a string, for a content security policy.
    pub(in crate::http) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl AllowedOrigins {
    /// Allows these origins.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    /// Whether pages of the origin may send requests.
    pub(in crate::http) fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|allowed| allowed.0 == origin)
    }

    /// Whether the preflight request is allowed, or `None` if the request is not a preflight request.
    fn preflight(&self, request: &ServiceRequest) -> Option<bool> {
        let headers = request.headers();
        let is_preflight =
            request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(header::ORIGIN).filter(|_| is_preflight && !self.0.is_empty())?;
        Some(self.contains(origin))
    }

    /// Adds the headers by which the browser decides whether the page may read the response.
    fn apply_cors_headers(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin.filter(|origin| self.contains(origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
}

/// Adds the CORS headers to every response.
pub(super) async fn headers<B: MessageBody + 'static>(
    origins: Data<AllowedOrigins>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.call(request).await?;
    origins.apply_cors_headers(origin.as_ref(), response.headers_mut());
    Ok(response)
}

/// Responds to preflight requests.
pub(super) async fn preflight<B: MessageBody + 'static>(
    origins: Data<AllowedOrigins>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_allowed = if is_probe(&request) { None } else { origins.preflight(&request) };
    let response = match is_allowed {
        None => return next.call(request).await.map(ServiceResponse::map_into_left_body),
        Some(true) => HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECS))
            .finish(),
        Some(false) => {
            let format = ResponseFormat::accepted(request.request()).unwrap_or(ResponseFormat::Json);
            let error = HttpError::OriginNotAllowed("this origin is not allowed here");
            error_response(request.request(), format, error)
        }
    };
    Ok(request.into_response(response).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_written_as_browsers_write_it() {
        for right in ["https://audit.example", "http://localhost:5173", "https://[::1]:8443", "http://10.0.0.7"] {
            assert!(right.parse::<Origin>().is_ok(), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "audit.example",
            "https://",
            "https://audit.example/",
            "https://Audit.example",
            "https://a@b.example",
            "https://audit.example:443",
            "http://x:80",
            "https://x:y",
            "https://*.example",
            "ftp://x.example",
            "https://a.example,https://b.example",
            "https://a b",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
