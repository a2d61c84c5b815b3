//! Responses: the one place where an error becomes a status, a body and a `Retry-After`, and the writer of GraphQL
//! responses, which prints recorded JSON values as they are.

use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::{Response, ServerError, Value};

use super::error_codes::ErrorCodes;
use super::held_body::{HeldBody, HeldBytes};
use super::limits::{ByteReservation, CallerKey, LimitExceeded, RequestPermit};
use super::middleware::request_id::RequestId;
use access::AccessError;
use api::error::{ApiError, Code, code_of, sweep};
use auth::Rejected;
use model::Invalid;

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseFormat {
    /// `application/graphql-response+json`: the status reports whether there is data.
    GraphQl,
    /// `application/json`: the status reports whether there is a GraphQL response.
    Json,
}

impl ResponseFormat {
    const fn content_type(self) -> &'static str {
        match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Why a request gets an error instead of a GraphQL response, a file or a list of outcomes.
#[derive(Debug)]
pub(super) enum HttpError {
    /// There is no resource at the address.
    NotFound(&'static str),
    /// The resource does not support the method; `allow` lists those that it supports.
    MethodNotAllowed { allow: &'static str, message: &'static str },
    /// The client accepts no format or encoding that the server can send.
    NotAcceptable(&'static str),
    /// The body has the wrong content type.
    UnsupportedMediaType(&'static str),
    /// The body has a content coding that the server does not decode; `accepted` lists those that it does.
    UnsupportedContentCoding { accepted: &'static str, message: &'static str },
    /// Pages of the origin may not send requests.
    OriginNotAllowed(&'static str),
    /// The body, or the list of events in it, is too large.
    PayloadTooLarge(ApiError),
    /// The body did not arrive in time.
    BodyTimeout,
    /// A limit of the caller or the client address is reached.
    LimitExceeded(LimitExceeded),
    /// The access token is missing or rejected.
    Rejected(Rejected),
    /// An error of the API.
    Api(ApiError),
    /// An error that the API converted already.
    Server(Box<ServerError>),
}

/// The delay after which a client may retry if the database is unavailable or busy, in seconds.
const RETRY_AFTER_SECS: u64 = 1;
/// The delay after which a client may retry if the keys of an issuer cannot be read, in seconds.
const RETRY_AFTER_KEYS_SECS: u64 = 30;

impl HttpError {
    /// The status of an error and, if a retry may succeed, the delay until then in seconds.
    fn status(&self) -> (StatusCode, Option<u64>) {
        match self {
            Self::NotFound(_) => (StatusCode::NOT_FOUND, None),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, None),
            Self::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, None),
            Self::UnsupportedMediaType(_) | Self::UnsupportedContentCoding { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, None)
            }
            Self::OriginNotAllowed(_) => (StatusCode::FORBIDDEN, None),
            Self::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, None),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, None),
            Self::LimitExceeded(limit) => (StatusCode::TOO_MANY_REQUESTS, Some(limit.retry_after_secs)),
            Self::Rejected(Rejected::KeysUnavailable) => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_KEYS_SECS)),
            Self::Rejected(rejected) if rejected.is_forbidden() => (StatusCode::FORBIDDEN, None),
            Self::Rejected(_) => (StatusCode::UNAUTHORIZED, None),
            Self::Api(error) => status_of_code(Some(error.code())),
            Self::Server(error) => status_of_code(code_of(error).as_deref().and_then(Code::from_name)),
        }
    }

    fn into_server_error(self) -> ServerError {
        let error: ApiError = match self {
            Self::NotFound(message)
            | Self::MethodNotAllowed { message, .. }
            | Self::NotAcceptable(message)
            | Self::UnsupportedMediaType(message)
            | Self::UnsupportedContentCoding { message, .. }
            | Self::OriginNotAllowed(message) => Invalid::new(message).into(),
            Self::PayloadTooLarge(error) | Self::Api(error) => error,
            Self::BodyTimeout => ApiError::Timeout,
            Self::LimitExceeded(limit) => limit.error,
            Self::Rejected(rejected) if rejected.is_forbidden() => ApiError::TokenForbidden(rejected),
            Self::Rejected(rejected) => rejected.into(),
            Self::Server(error) => return *error,
        };
        error.into_server_error()
    }

    /// The header, besides `Retry-After`, by which a client can succeed.
    fn header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::MethodNotAllowed { allow, .. } => Some((header::ALLOW, HeaderValue::from_static(allow))),
            // RFC 9110, section 12.5.3.
            Self::UnsupportedContentCoding { accepted, .. } => {
                Some((header::ACCEPT_ENCODING, HeaderValue::from_static(accepted)))
            }
            // A challenge (RFC 6750).
            Self::Rejected(_) if self.status().0 == StatusCode::UNAUTHORIZED => {
                let challenge = match self {
                    Self::Rejected(Rejected::Missing) => "Bearer realm=\"auditgraph\"",
                    _ => "Bearer realm=\"auditgraph\", error=\"invalid_token\"",
                };
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
            }
            _ => None,
        }
    }
}

/// The status of an error with this code, and the delay until a retry may succeed, in seconds.
const fn status_of_code(code: Option<Code>) -> (StatusCode, Option<u64>) {
    match code {
        Some(Code::Unauthenticated) => (StatusCode::UNAUTHORIZED, None),
        Some(Code::Forbidden) => (StatusCode::FORBIDDEN, None),
        Some(Code::Timeout | Code::Unavailable) => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_SECS)),
        Some(Code::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        _ => (StatusCode::BAD_REQUEST, None),
    }
}

impl From<ApiError> for HttpError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Invalid> for HttpError {
    fn from(invalid: Invalid) -> Self {
        Self::Api(invalid.into())
    }
}

impl From<AccessError> for HttpError {
    fn from(error: AccessError) -> Self {
        Self::Api(error.into())
    }
}

impl From<Rejected> for HttpError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<LimitExceeded> for HttpError {
    fn from(limit: LimitExceeded) -> Self {
        Self::LimitExceeded(limit)
    }
}

/// The response to a request that failed, in the shape of a GraphQL response with one error.
pub(super) fn error_response(
    request: &HttpRequest,
    format: ResponseFormat,
    error: impl Into<HttpError>,
) -> HttpResponse {
    let error = error.into();
    let ((status, retry_after), header) = (error.status(), error.header());
    let mut error = error.into_server_error();
    add_request_id(&mut error, || RequestId::of(request));
    let errors = std::slice::from_ref(&error);
    let mut response = build(status, format, encode_errors(errors), ErrorCodes::of(errors));
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    response
}

/// The encoded response to a GraphQL request that was prepared, whether it was executed or not.
pub(super) struct EncodedResponse {
    status: StatusCode,
    format: ResponseFormat,
    body: Vec<u8>,
    codes: ErrorCodes,
}

impl EncodedResponse {
    /// Encodes a response.
    pub(super) fn of(mut response: Response, format: ResponseFormat, request_id: &str) -> Self {
        let (body, is_executed) = encode(&mut response, request_id);
        let status = match (format, is_executed) {
            (ResponseFormat::GraphQl, false) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        Self { status, format, body, codes: ErrorCodes::of(&response.errors) }
    }

    /// The bytes of the body.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// The HTTP response. The reservation of its memory and the permit of its request are released when it is written.
    pub(super) fn into_http(
        self,
        reservation: Option<ByteReservation>,
        request: Option<RequestPermit<CallerKey>>,
    ) -> HttpResponse {
        let body = HeldBody::new(HeldBytes::new(self.body, reservation), request);
        build(self.status, self.format, body, self.codes)
    }
}

fn build(
    status: StatusCode,
    format: ResponseFormat,
    body: impl MessageBody + 'static,
    codes: ErrorCodes,
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())));
    response.insert_header((header::VARY, HeaderValue::from_static("Accept, Authorization")));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")));
    let mut response = response.body(body);
    response.extensions_mut().insert(codes);
    response
}

/// Encodes a response as JSON, and returns whether it was executed. An error without a path occurred before execution:
/// then the response has no `data`, not even `null`.
pub(super) fn encode(response: &mut Response, request_id: &str) -> (Vec<u8>, bool) {
    sweep(response);
    response.errors.iter_mut().for_each(|error| add_request_id(error, || request_id.to_owned()));
    let is_executed = response.errors.iter().all(|error| !error.path.is_empty());
    let mut body = Vec::with_capacity(4_096 + json_bytes(&response.data));
    body.extend(b"{");
    if is_executed {
        body.extend(b"\"data\":");
        write_value(&mut body, &response.data);
    }
    if !response.errors.is_empty() {
        body.extend(if is_executed { &b",\"errors\":"[..] } else { b"\"errors\":" });
        write_errors(&mut body, &response.errors);
    }
    body.extend(b"}");
    (body, is_executed)
}

/// The bytes of the JSON values in a value, which are most of a large one.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len(),
        Value::List(items) => items.iter().map(json_bytes).sum(),
        Value::Object(members) => members.values().map(json_bytes).sum(),
        _ => 0,
    }
}

/// Adds the request id to an internal error, whose message names no cause, so that the cause is found in the log.
fn add_request_id(error: &mut ServerError, request_id: impl FnOnce() -> String) {
    if code_of(error).as_deref() == Some(Code::Internal.name()) {
        error.extensions.get_or_insert_default().set("requestId", request_id());
    }
}

/// Encodes a response that consists of errors.
pub(super) fn encode_errors(errors: &[ServerError]) -> Vec<u8> {
    let mut body = b"{\"errors\":".to_vec();
    write_errors(&mut body, errors);
    body.extend(b"}");
    body
}

/// Encodes a list of errors.
pub(super) fn encode_error_list(errors: &[ServerError]) -> Vec<u8> {
    let mut list = Vec::new();
    write_errors(&mut list, errors);
    list
}

fn write_errors(out: &mut Vec<u8>, errors: &[ServerError]) {
    // Serialising cannot fail: errors consist of strings, numbers and lists of them.
    out.extend(serde_json::to_vec(errors).unwrap_or_else(|_| b"[]".to_vec()));
}

/// Writes a string as JSON.
pub(super) fn write_string(out: &mut Vec<u8>, string: &str) {
    // Neither serialising a string nor writing to a vector can fail.
    let _ = serde_json::to_writer(out, string);
}

/// Writes a value as JSON. A value of the scalar `JSON` is printed as it was recorded.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Number(number) => out.extend(number.to_string().as_bytes()),
        Value::String(string) => write_string(out, string),
        Value::Boolean(true) => out.extend(b"true"),
        Value::Boolean(false) => out.extend(b"false"),
        Value::Enum(name) => write_string(out, name),
        Value::Binary(json) => out.extend(json.as_ref()),
        Value::List(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_value(out, value);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_and_only_503_may_be_retried() {
        let shown: Vec<String> = Code::ALL
            .into_iter()
            .map(|code| {
                let (status, retry_after) = status_of_code(Some(code));
                assert_eq!(retry_after.is_some(), status == StatusCode::SERVICE_UNAVAILABLE);
                format!("{} {}", status.as_u16(), code.name())
            })
            .collect();
        let expected = [
            "401 UNAUTHENTICATED",
            "403 FORBIDDEN",
            "400 BAD_USER_INPUT",
            "400 LIMIT_EXCEEDED",
            "503 TIMEOUT",
            "400 CURSOR_EXPIRED",
            "400 FEED_LAGGED",
            "503 UNAVAILABLE",
            "400 GRAPHQL_PARSE_FAILED",
            "400 GRAPHQL_VALIDATION_FAILED",
            "400 PERSISTED_QUERY_NOT_FOUND",
            "400 DOCUMENT_NOT_FOUND",
            "500 INTERNAL_SERVER_ERROR",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn rejected_token_has_a_challenge_unless_the_keys_are_unavailable() {
        for (rejected, status, retry_after, has_challenge) in [
            (Rejected::Missing, 401, None, true),
            (Rejected::Expired, 401, None, true),
            (Rejected::TenantNotAllowed, 403, None, false),
            (Rejected::KeysUnavailable, 503, Some(RETRY_AFTER_KEYS_SECS), false),
        ] {
            let error = HttpError::from(rejected);
            assert_eq!((error.status().0.as_u16(), error.status().1), (status, retry_after), "{error:?}");
            assert_eq!(error.header().is_some(), has_challenge, "{error:?}");
        }
    }
}
