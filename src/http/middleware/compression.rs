//! The refusal of a client that accepts none of the encodings.

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::Next;

use crate::http::response::{HttpError, ResponseFormat, error_response};

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
