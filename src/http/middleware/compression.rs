//! The choice of the encoding of responses, and the refusal of a client that accepts none of them.

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;

use crate::http::response::{HttpError, ResponseFormat, error_response};

/// Prefers gzip to zstd where a client accepts both with the same weight. Some clients list zstd whether they can read it
/// or not, for example the loader of `graphql-codegen` on Node 20.
pub(super) async fn prefer_gzip<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(accepted) = without_zstd(request.headers()) {
        request.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    }
    next.call(request).await
}

/// The accepted encodings without zstd, or `None` if the header may stay as it is.
fn without_zstd(headers: &HeaderMap) -> Option<HeaderValue> {
    let values: Vec<&str> = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok()).collect();
    let accepted = values.join(", ");
    let weight = |encoding: &str| {
        let mut items = accepted.split(',').map(|item| item.split_once(';').unwrap_or((item, "")));
        let (_, parameter) = items.find(|(name, _)| name.trim().eq_ignore_ascii_case(encoding))?;
        let weight = parameter.trim().to_ascii_lowercase();
        Some(weight.strip_prefix("q=").map_or(1.0, |weight| weight.trim().parse::<f32>().unwrap_or(0.0)))
    };
    let gzip = weight("gzip").or_else(|| weight("*")).filter(|gzip| *gzip > 0.0)?;
    if weight("zstd").or_else(|| weight("*")).is_none_or(|zstd| zstd > gzip) {
        return None;
    }
    let others = accepted.split(',').filter(|item| {
        let name = item.split(';').next().unwrap_or_default();
        !name.trim().eq_ignore_ascii_case("zstd") && !name.trim().is_empty()
    });
    let others: Vec<&str> = others.map(str::trim).chain(["zstd;q=0"]).collect();
    HeaderValue::from_str(&others.join(", ")).ok()
}

/// Replaces the 406 of actix's `Compress`, which is plain text, by an error in JSON. The handlers' own 406 is JSON.
pub(super) async fn refuse_in_json<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = next.call(request).await?;
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/"));
    if response.status() != StatusCode::NOT_ACCEPTABLE || is_json {
        return Ok(response.map_into_left_body());
    }
    let message = "responses can be compressed by zstd or gzip, or sent as they are: accept one of these";
    let request = response.into_parts().0;
    let refused = error_response(&request, ResponseFormat::Json, HttpError::NotAcceptable(message));
    Ok(ServiceResponse::new(request, refused).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zstd_is_removed_where_gzip_has_at_least_its_weight() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some("gzip, deflate, br, zstd;q=0")),
            ("zstd, GZIP", Some("GZIP, zstd;q=0")),
            ("zstd;q=0.5, gzip;q=0.8, identity", Some("gzip;q=0.8, identity, zstd;q=0")),
            ("*", Some("*, zstd;q=0")),
            ("gzip, *", Some("gzip, *, zstd;q=0")),
            ("zstd", None),
            ("gzip", None),
            ("zstd;q=1.0, gzip;q=0.8", None),
            ("gzip;q=0, zstd", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            let found = without_zstd(&headers);
            assert_eq!(found.as_ref().and_then(|value| value.to_str().ok()), expected, "{accepted}");
        }
    }
}
