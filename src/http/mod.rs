//! The street door: addresses, methods, headers, bodies and status codes.
//!
//! Everything that comes in passes [`bearer`] before it reaches a resolver; everything that goes out has the shape
//! of a GraphQL response, refusals included. This layer is our own, on the library's `execute`: its ready-made
//! integration answers every method and media type alike and has no limits.

mod graphql;
mod socket;
mod operation;
mod stream;
mod seat;
mod record;
mod bearer;
mod response;
mod viewer;

use std::sync::Arc;

use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, HttpResponse, guard, web};

use crate::access::Access;
use crate::audit::{Invalid, Timestamp};
use crate::auth::Verifier;
use crate::graphql::Schema;
use crate::graphql::check::DocumentLimits;
use crate::graphql::document::Documents;
use crate::graphql::error::ApiError;
use response::{Media, refusal};
pub use seat::{Seats, StreamLimits};

/// Where everything is answered as server-sent events.
const STREAM_PATH: &str = "/graphql/stream";

/// What the door needs to let somebody in.
pub struct Door {
    /// Says who a token names.
    pub verifier: Verifier,
    /// Says whose log that is.
    pub access: Access,
    /// Answers.
    pub schema: Schema,
    /// How large a document may be.
    pub documents: DocumentLimits,
    /// Documents that were read before.
    pub read: Documents,
    /// The most bytes a request body may have.
    pub body_bytes_max: usize,
    /// The most bytes a body with events to record may have.
    pub record_bytes_max: usize,
    /// What the time is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// A new id for a request.
    pub ids: Arc<dyn Fn() -> String + Send + Sync>,
    /// The log, for asking whether it is there.
    pub store: crate::store::Store,
    /// How much may be streamed.
    pub streams: StreamLimits,
    /// Who streams.
    pub seats: Seats,
    /// Becomes true when the server stops: streams end then.
    pub closing: tokio::sync::watch::Receiver<bool>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    fn request_id(&self) -> String {
        (self.ids)()
    }
}

/// Headers of every answer.
pub fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// The addresses.
pub fn routes(door: &web::Data<Door>) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let door = door.clone();
    move |config| {
        config
            .app_data(door.clone())
            .app_data(web::PayloadConfig::new(door.body_bytes_max))
            .service(
                web::resource(["/graphql", STREAM_PATH])
                    .app_data(web::PayloadConfig::new(door.body_bytes_max))
                    .route(web::get().guard(guard::fn_guard(asks_for_websocket)).to(socket::open))
                    .route(web::post().to(graphql_post))
                    .route(web::get().to(graphql::get))
                    .default_service(web::to(method_not_allowed)),
            )
            .service(
                web::resource("/v1/events")
                    .app_data(web::PayloadConfig::new(door.record_bytes_max))
                    .route(web::post().to(record_post))
                    .default_service(web::to(only_post)),
            )
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .configure(viewer::routes)
            .default_service(web::to(not_found));
    }
}

fn asks_for_websocket(context: &guard::GuardContext<'_>) -> bool {
    let upgrade = context.head().headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

async fn graphql_post(
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
    door: web::Data<Door>,
) -> Result<HttpResponse, actix_web::Error> {
    match body {
        Ok(body) => Ok(graphql::post(request, body, door).await),
        Err(error) => Err(unread(&request, error, door.body_bytes_max)),
    }
}

async fn record_post(
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
    door: web::Data<Door>,
) -> Result<HttpResponse, actix_web::Error> {
    match body {
        Ok(body) => Ok(record::post(request, body, door).await),
        Err(error) => Err(unread(&request, error, door.record_bytes_max)),
    }
}

/// A body that is too large is refused in the same shape as everything else. The rest of it is not read: the
/// connection ends with this answer.
fn unread(request: &HttpRequest, error: actix_web::Error, limit: usize) -> actix_web::Error {
    let media = Media::accepted(request).unwrap_or(Media::Json);
    let status = error.as_response_error().status_code();
    let problem = if status == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::Limit { what: "bytes in the body", asked: limit + 1, limit }
    } else {
        Invalid::new("the body cannot be read").into()
    };
    let answer = refusal(status, media, problem);
    InternalError::from_response(error, answer).into()
}

async fn only_post(request: HttpRequest) -> HttpResponse {
    let media = Media::accepted(&request).unwrap_or(Media::Json);
    let sentence = "this address takes POST";
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, media, Invalid::new(sentence).into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    let media = Media::accepted(&request).unwrap_or(Media::Json);
    let sentence = "this address takes GET and POST";
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, media, Invalid::new(sentence).into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

async fn not_found() -> HttpResponse {
    refusal(StatusCode::NOT_FOUND, Media::Json, Invalid::new("there is nothing at this address").into())
}

/// Alive.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Ready: the database is reached and at this version's schema.
async fn readyz(door: web::Data<Door>) -> HttpResponse {
    match door.store.check_schema().await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body("the log is away\n")
        }
    }
}
