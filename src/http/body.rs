//! Request bodies: read only after authentication, within limits of size, time and memory.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::content_coding::ContentCoding;
use super::cpu_pool::{CpuPool, INLINE_BYTES_MAX};
use super::limits::{ByteReservation, CallerKey, RequestPermit};
use super::response::HttpError;
use api::error::ApiError;
use model::Invalid;
use model::json::{JsonNode, has_more_values_than};

/// The time within which some of a body must arrive.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The size of the buffer of a body when its first bytes arrive.
const BUFFER_BYTES_MIN: usize = 4 << 10;
/// The most JSON values in a body: the values take a multiple of the memory of their text.
const VALUES_MAX: usize = 100_000;

/// Limits of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// The most bytes.
    pub(super) bytes_max: usize,
    /// The time within which all of it must arrive.
    pub(super) timeout: Duration,
}

/// Returns an error if the body is compressed. Only recording takes compressed bodies: those of other requests are short.
pub(super) fn check_not_compressed(request: &HttpRequest) -> Result<(), HttpError> {
    match ContentCoding::of(request) {
        Some(ContentCoding::Identity) => Ok(()),
        _ => Err(HttpError::UnsupportedContentCoding {
            accepted: "identity",
            message: "the body must not have a `Content-Encoding`",
        }),
    }
}

/// Reads a body as it was sent, and reserves the memory that it takes as it arrives. If this fails, the rest of the body is not read, and the
/// connection ends with the response.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limits: BodyLimits,
    reservation: &ByteReservation,
) -> Result<Bytes, HttpError> {
    let limit = limits.bytes_max;
    let too_large = |asked| HttpError::PayloadTooLarge(ApiError::Limit { what: "bytes in the body", asked, limit });
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(asked) = announced.filter(|asked| *asked > limit) {
        return Err(too_large(asked));
    }
    let deadline = Instant::now() + limits.timeout;
    let mut body = GrowingBody { bytes: BytesMut::new(), bytes_max: announced.unwrap_or(limit), reservation };
    loop {
        let next = timeout_at(deadline.min(Instant::now() + STALL_TIMEOUT), payload.next()).await;
        let chunk = match next {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_broken))) => return Err(Invalid::new("the body cannot be read").into()),
            Ok(None) => return Ok(body.bytes.freeze()),
            Err(_elapsed) => return Err(HttpError::BodyTimeout),
        };
        if body.bytes.len() + chunk.len() > limit {
            return Err(too_large(limit + 1));
        }
        body.push(&chunk)?;
    }
}

/// A body that is being read. Its buffer grows with the bytes that arrive, not with those that are announced: the memory
/// of a large buffer is in use before it is written, where the operating system maps it in large pages.
struct GrowingBody<'a> {
    bytes: BytesMut,
    /// The most bytes that are expected.
    bytes_max: usize,
    reservation: &'a ByteReservation,
}

impl GrowingBody<'_> {
    /// Appends a chunk. The capacity of the buffer is reserved in the budget of memory.
    fn push(&mut self, chunk: &[u8]) -> Result<(), HttpError> {
        let capacity = self.bytes.capacity();
        let needed = self.bytes.len() + chunk.len();
        if needed > capacity {
            let grown = (capacity * 2).max(BUFFER_BYTES_MIN).min(self.bytes_max).max(needed);
            self.reservation.grow(grown - capacity)?;
            let mut bytes = BytesMut::with_capacity(grown);
            bytes.extend_from_slice(&self.bytes);
            self.bytes = bytes;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
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
    /// It has more values than a request can have.
    TooManyValues,
    /// An object has two members with the name at this path, and only one of them would count.
    Repeated(String),
}

impl BodyError {
    /// The error message for the client.
    pub(super) fn message(&self) -> String {
        match self {
            Self::NotJson => "the body is not valid JSON".to_owned(),
            Self::List | Self::NotAnObject => "the body must be a JSON object".to_owned(),
            Self::TooManyValues => format!("the body has more than {VALUES_MAX} values"),
            Self::Repeated(path) => format!("`{path}` appears twice"),
        }
    }
}

/// Parses a JSON object. A long one is parsed by the CPU pool, with the permits of its caller.
///
/// # Errors
///
/// The outer error is one of the server.
pub(super) async fn parse_object(
    body: Bytes,
    pool: &CpuPool,
    permit: &RequestPermit<CallerKey>,
) -> Result<Result<Map<String, Value>, BodyError>, ApiError> {
    if body.len() <= INLINE_BYTES_MAX {
        return Ok(object(&body));
    }
    let permits = (permit.permit().await, permit.expensive_permit().await);
    pool.run(permits, move || object(&body)).await
}

/// Parses a JSON object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, BodyError> {
    let text = str::from_utf8(body).map_err(|_not_utf8| BodyError::NotJson)?;
    if has_more_values_than(text, VALUES_MAX) {
        return Err(BodyError::TooManyValues);
    }
    let node = JsonNode::parse(text).ok_or(BodyError::NotJson)?;
    match &node {
        JsonNode::Object(_) => {}
        JsonNode::Array(_) => return Err(BodyError::List),
        JsonNode::Scalar(_) => return Err(BodyError::NotAnObject),
    }
    if let Some(path) = node.repeated() {
        return Err(BodyError::Repeated(path));
    }
    match node.into_value() {
        Value::Object(members) => Ok(members),
        _ => Err(BodyError::NotAnObject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::limits::{ByteBudget, ByteLimits};

    #[test]
    fn buffer_of_a_body_grows_with_the_bytes_that_arrive() {
        let budget = ByteBudget::new(ByteLimits { caller_max: 100_000, total_max: 1 << 20 });
        let reservation = budget.reservation(CallerKey::named("contoso", None, "ada"));
        let mut body = GrowingBody { bytes: BytesMut::new(), bytes_max: 90_000, reservation: &reservation };
        body.push(b"{").unwrap();
        assert!(body.bytes.capacity() < 2 * BUFFER_BYTES_MIN, "whatever is announced");
        for _ in 0..89 {
            body.push(&[b' '; 1_000]).unwrap();
        }
        assert_eq!((body.bytes.len(), body.bytes.capacity()), (89_001, 90_000));
        assert!(body.push(&vec![b' '; 20_000]).is_err(), "the capacity is reserved");
        assert_eq!(body.bytes.len(), 89_001);
        let short = body.bytes.split_to(2).freeze();
        assert_eq!(&short[..], b"{ ");
    }
}
