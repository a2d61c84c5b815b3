//! Responses as bytes: GraphQL answers written in one pass, JSON values printed as they were recorded.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::{Response, ServerError, Value};

use crate::http::limits::concurrency::LimitReached;
use crate::http::middleware::request_log::ErrorCodes;
use api::error::{ApiError, Code, code_of, sweep};

/// The media types an answer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum ResponseFormat {
    /// `application/graphql-response+json`: the status says whether there is data.
    GraphQl,
    /// `application/json`: the status says whether there is a GraphQL response.
    Json,
}

impl ResponseFormat {
    /// What the caller accepts; none if it accepts neither. The first of equal weight wins, as the caller wrote it,
    /// but where a wildcard is all there is, old clients are meant.
    pub(in crate::http) fn accepted(request: &HttpRequest) -> Option<Self> {
        let header = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
        let header: Vec<&str> = header.flat_map(|value| value.split(',')).collect();
        if header.is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in header {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphQl,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let better = best.is_none_or(|(held, other)| {
                weight > held || weight >= held && media == Self::GraphQl && other == Self::Json
            });
            if weight > 0.0 && better {
                best = Some((weight, media));
            }
        }
        best.map(|(_, media)| media)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// A response as text, and whether it was executed. An error without a path came before execution: then there is no
/// data, not even null.
pub(in crate::http) fn written(response: &mut Response, request_id: &str) -> (Vec<u8>, bool) {
    sweep(response);
    response.errors.iter_mut().for_each(|error| name_request(error, request_id));
    let executed = response.errors.iter().all(|error| !error.path.is_empty());
    let mut body = Vec::with_capacity(4_096);
    body.extend(b"{");
    if executed {
        body.extend(b"\"data\":");
        write(&mut body, &response.data);
    }
    if !response.errors.is_empty() {
        body.extend(if executed { &b",\"errors\":"[..] } else { b"\"errors\":" });
        write_errors(&mut body, &response.errors);
    }
    body.extend(b"}");
    (body, executed)
}

/// The answer to a GraphQL request that was executed, or at least understood.
pub(in crate::http) fn answer(mut response: Response, media: ResponseFormat, request_id: &str) -> HttpResponse {
    let (body, executed) = written(&mut response, request_id);
    let told = ErrorCodes::of(&response.errors);
    let status = match (media, executed) {
        (ResponseFormat::GraphQl, false) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    finish(status, media, body, told)
}

/// An internal error says nothing but which request it was, so that it can be found in the log.
fn name_request(error: &mut ServerError, request_id: &str) {
    if code_of(error).as_deref() == Some(Code::Internal.name()) {
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
}

/// The refusal of a caller with too many concurrent or too frequent requests.
pub(in crate::http) fn too_many(refused: LimitReached, media: ResponseFormat) -> HttpResponse {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, media, refused.error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(refused.retry_after_secs));
    response
}

/// A refusal in the shape of a GraphQL error.
pub(in crate::http) fn refusal(status: StatusCode, media: ResponseFormat, error: ApiError) -> HttpResponse {
    refused(status, media, &error.into_server_error())
}

/// A refusal that may be this service's own fault.
pub(in crate::http) fn failure(
    status: StatusCode,
    media: ResponseFormat,
    error: ApiError,
    request_id: &str,
) -> HttpResponse {
    let mut error = error.into_server_error();
    name_request(&mut error, request_id);
    refused(status, media, &error)
}

pub(in crate::http) fn refused(status: StatusCode, media: ResponseFormat, error: &ServerError) -> HttpResponse {
    let errors = std::slice::from_ref(error);
    finish(status, media, errors_text(errors), ErrorCodes::of(errors))
}

/// The text of a refusal, where there is no status to go with it.
pub(in crate::http) fn refusal_text(error: ApiError) -> Vec<u8> {
    errors_text(&[error.into_server_error()])
}

fn errors_text(errors: &[ServerError]) -> Vec<u8> {
    let mut body = b"{\"errors\":".to_vec();
    write_errors(&mut body, errors);
    body.extend(b"}");
    body
}

fn finish(status: StatusCode, media: ResponseFormat, body: Vec<u8>, errors: ErrorCodes) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media.name())));
    response.insert_header((header::VARY, HeaderValue::from_static("Accept, Authorization")));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")));
    let mut response = response.body(body);
    response.extensions_mut().insert(errors);
    response
}

/// The list of errors alone.
pub(in crate::http) fn error_list(errors: &[ServerError]) -> Vec<u8> {
    let mut list = Vec::new();
    write_errors(&mut list, errors);
    list
}

fn write_errors(out: &mut Vec<u8>, errors: &[ServerError]) {
    // Errors hold text, numbers and lists of them: they always serialise.
    out.extend(serde_json::to_vec(errors).unwrap_or_else(|_| b"[]".to_vec()));
}

pub(in crate::http) fn write_text(out: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a vector takes it.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a value. What the JSON scalar passed through is printed as it is.
pub(in crate::http) fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Number(number) => out.extend(number.to_string().as_bytes()),
        Value::String(text) => write_text(out, text),
        Value::Boolean(true) => out.extend(b"true"),
        Value::Boolean(false) => out.extend(b"false"),
        Value::Enum(name) => write_text(out, name),
        Value::Binary(json) => out.extend(json.as_ref()),
        Value::List(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(out, name);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
    }
}
