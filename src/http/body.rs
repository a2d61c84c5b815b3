//! Request bodies: read only after authentication, within a limit of size and a limit of time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Payload};
use serde_json::{Map, Value};

use super::response::HttpError;
use api::error::ApiError;
use model::Invalid;
use model::json::JsonNode;

/// Limits of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// The most bytes.
    pub(super) bytes_max: usize,
    /// The time within which all of it must arrive.
    pub(super) timeout: Duration,
}

/// Reads a body. If this fails, the rest of the body is not read, and the connection ends with the response.
pub(super) async fn read(request: &HttpRequest, payload: Payload, limits: BodyLimits) -> Result<Bytes, HttpError> {
    let limit = limits.bytes_max;
    let too_large = |asked| HttpError::PayloadTooLarge(ApiError::Limit { what: "bytes in the body", asked, limit });
    let headers = request.headers();
    // A compressed body could have more bytes than the limit.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(HttpError::UnsupportedMediaType("the body must not have a `Content-Encoding`"));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(asked) = announced.filter(|asked| *asked > limit) {
        return Err(too_large(asked));
    }
    match tokio::time::timeout(limits.timeout, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Invalid::new("the body cannot be read").into()),
        Ok(Err(_exceeded)) => Err(too_large(limit + 1)),
        Err(_elapsed) => Err(HttpError::BodyTimeout),
    }
}

/// Whether the content type is `application/json` in UTF-8.
pub(super) fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    let Some(Ok(content_type)) = content_type else { return false };
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_utf8 = |charset: &str| matches!(charset, "utf-8" | "\"utf-8\"" | "utf8");
    parts.next().as_deref() == Some("application/json")
        && parts.all(|part| part.strip_prefix("charset=").is_none_or(is_utf8))
}

/// Why a body is not a JSON object with unique member names.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It is not JSON in UTF-8.
    NotJson,
    /// It is a JSON list.
    List,
    /// It is another JSON value.
    NotAnObject,
    /// An object has two members with the name at this path, and only one of them would count.
    Repeated(String),
}

impl BodyError {
    /// The error message for the client.
    pub(super) fn message(&self) -> String {
        match self {
            Self::NotJson => "the body is not valid JSON".to_owned(),
            Self::List | Self::NotAnObject => "the body must be a JSON object".to_owned(),
            Self::Repeated(path) => format!("`{path}` appears twice"),
        }
    }
}

/// Parses a JSON object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, BodyError> {
    match serde_json::from_slice(body) {
        // The text is UTF-8, or parsing had failed.
        Ok(Value::Object(members)) => match str::from_utf8(body).ok().and_then(JsonNode::parse) {
            Some(node) => node.repeated().map_or(Ok(members), |path| Err(BodyError::Repeated(path))),
            None => Err(BodyError::NotJson),
        },
        Ok(Value::Array(_)) => Err(BodyError::List),
        Ok(_) => Err(BodyError::NotAnObject),
        Err(_) => Err(BodyError::NotJson),
    }
}
