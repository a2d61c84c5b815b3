//! The body of a request: read only after the caller is known, with a limit of size and a limit of time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};
use serde_json::{Map, Value};

use api::error::ApiError;
use model::Invalid;
use model::json::Node;

/// How a body is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct BodyLimits {
    /// The most bytes it may have.
    pub(in crate::http) bytes_max: usize,
    /// How long it may take to arrive.
    pub(in crate::http) patience: Duration,
}

/// Reads a body. What was not read is not waited for: the connection ends with the answer.
pub(in crate::http) async fn read(
    request: &HttpRequest,
    payload: Payload,
    reading: BodyLimits,
) -> Result<Bytes, (StatusCode, ApiError)> {
    let limit = reading.bytes_max;
    let too_large =
        |asked| (StatusCode::PAYLOAD_TOO_LARGE, ApiError::Limit { what: "bytes in the body", asked, limit });
    let headers = request.headers();
    // What unpacks to more than it seems would be a way around the limit.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let sentence = "the body must not have a `Content-Encoding`";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Invalid::new(sentence).into()));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(asked) = announced.filter(|asked| *asked > limit) {
        return Err(too_large(asked));
    }
    match tokio::time::timeout(reading.patience, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err((StatusCode::BAD_REQUEST, Invalid::new("the body cannot be read").into())),
        Ok(Err(_exceeded)) => Err(too_large(limit + 1)),
        Err(_elapsed) => Err((StatusCode::REQUEST_TIMEOUT, ApiError::Timeout)),
    }
}

/// Why a text is not an object with one member of each name.
pub(in crate::http) enum BodyError {
    NotJson,
    /// It is something else.
    Other(Value),
    /// Two members of an object have the name at this path: only one of them would be heard.
    Repeated(String),
}

/// The JSON object that a body holds.
pub(in crate::http) fn object(text: &[u8]) -> Result<Map<String, Value>, BodyError> {
    match serde_json::from_slice(text) {
        // In UTF-8, or it would not have been read.
        Ok(Value::Object(members)) => match str::from_utf8(text).ok().and_then(Node::parse) {
            Some(node) => node.repeated().map_or(Ok(members), |path| Err(BodyError::Repeated(path))),
            None => Err(BodyError::NotJson),
        },
        Ok(other) => Err(BodyError::Other(other)),
        Err(_) => Err(BodyError::NotJson),
    }
}
