//! The street door: addresses, methods, headers, bodies and status codes.
//!
//! Every request passes [`bearer`] before it reaches a resolver; every response has the shape of a GraphQL response,
//! refusals included. This layer is our own, on the library's `execute`: its ready-made integration treats all methods
//! and media types alike and has no limits.

mod authentication;
mod body;
mod graphql;
mod health;
mod limits;
mod middleware;
mod response;
mod rest;
mod web;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, guard};

use access::AccessControl;
use api::Executor;
use api::engine::check::DocumentLimits;
use api::engine::document::DocumentCache;
use auth::Verifier;
pub use graphql::persisted::{PersistedQueries, TrustedDocuments};
pub use health::Readiness;
pub use limits::concurrency::{CallerKey, ConcurrencyLimiter, LimiterConfig};
pub use limits::stream_quota::{StreamLimits, StreamQuota};
pub use middleware::client_ip::Network;
pub use middleware::cors::{AllowedOrigins, Origin};
pub use middleware::envelope::envelope;
use model::{Invalid, Timestamp};
use response::{ResponseFormat, refusal};
pub use rest::export::Exports;
pub use web::sign_in::SignIn;

/// Where everything is answered as server-sent events.
const STREAM_PATH: &str = "/graphql/stream";

pub use middleware::metrics::Metrics;
pub use middleware::request_log::request_log;

/// What the door needs to let somebody in.
pub struct AppState {
    /// Says who a token names.
    pub verifier: Verifier,
    /// Says whose log that is.
    pub access: AccessControl,
    /// Answers.
    pub executor: Executor,
    /// How large a document may be.
    pub documents: DocumentLimits,
    /// DocumentCache that were read before.
    pub read: DocumentCache,
    /// The most bytes a request body may have.
    pub body_bytes_max: usize,
    /// The most bytes a body with events to record may have.
    pub record_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_patience: Duration,
    /// The most bytes of events that one answer may be made of.
    pub answer_bytes_max: usize,
    /// How long a query may take, from when it has arrived.
    pub request_patience: Duration,
    /// The documents that can be named instead of sent.
    pub persisted: PersistedQueries,
    /// Whose pages may ask.
    pub origins: AllowedOrigins,
    /// Who is trusted to say where a request comes from.
    pub proxies: Vec<Network>,
    /// The addresses that ask.
    pub addresses: Arc<ConcurrencyLimiter<IpAddr>>,
    /// The callers that ask.
    pub callers: Arc<ConcurrencyLimiter<CallerKey>>,
    /// Files that are being sent.
    pub exports: Exports,
    /// What the time is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// A new id for a request.
    pub ids: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where people sign in to the pages.
    pub sign_in: SignIn,
    /// The metrics.
    pub metrics: Metrics,
    /// Whether the log is there.
    pub readiness: Readiness,
    /// How much may be streamed.
    pub streams: StreamLimits,
    /// Who streams.
    pub quotas: StreamQuota,
    /// Becomes true when the server stops: streams end then.
    pub closing: tokio::sync::watch::Receiver<bool>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl AppState {
    fn request_id(&self) -> String {
        (self.ids)()
    }
}

/// The addresses.
pub fn routes(state: &actix_web::web::Data<AppState>) -> impl FnOnce(&mut actix_web::web::ServiceConfig) + use<> {
    let state = state.clone();
    move |config| {
        config
            .app_data(state.clone())
            .service(
                actix_web::web::resource(["/graphql", STREAM_PATH])
                    .route(
                        actix_web::web::get().guard(guard::fn_guard(asks_for_websocket)).to(graphql::websocket::open),
                    )
                    .route(actix_web::web::post().to(graphql::post))
                    .route(actix_web::web::get().to(graphql::get))
                    .default_service(actix_web::web::to(method_not_allowed)),
            )
            .service(
                actix_web::web::resource("/v1/events")
                    .route(actix_web::web::post().to(rest::record::post))
                    .default_service(actix_web::web::to(only_post)),
            )
            .service(
                actix_web::web::resource("/v1/events/export")
                    .route(actix_web::web::post().to(rest::export::post))
                    .default_service(actix_web::web::to(only_post)),
            )
            .service(
                actix_web::web::resource("/v1/events/export/{id}")
                    .route(actix_web::web::get().to(rest::export::get))
                    .default_service(actix_web::web::to(only_get)),
            )
            .route("/healthz", actix_web::web::get().to(healthz))
            .route("/readyz", actix_web::web::get().to(readyz))
            .configure(web::viewer::routes)
            .default_service(actix_web::web::to(not_found));
    }
}

fn asks_for_websocket(context: &guard::GuardContext<'_>) -> bool {
    let upgrade = context.head().headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

async fn only_post(request: HttpRequest) -> HttpResponse {
    not_allowed(&request, "POST", "this address takes POST")
}

async fn only_get(request: HttpRequest) -> HttpResponse {
    not_allowed(&request, "GET", "this address takes GET")
}

async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    not_allowed(&request, "GET, POST", "this address takes GET and POST")
}

fn not_allowed(request: &HttpRequest, allowed: &'static str, sentence: &str) -> HttpResponse {
    let media = ResponseFormat::accepted(request).unwrap_or(ResponseFormat::Json);
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, media, Invalid::new(sentence).into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn not_found() -> HttpResponse {
    refusal(StatusCode::NOT_FOUND, ResponseFormat::Json, Invalid::new("there is nothing at this address").into())
}

/// Alive.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Ready: the database is reached and at this version's schema.
async fn readyz(state: actix_web::web::Data<AppState>) -> HttpResponse {
    let is_ready = state.readiness.is_ready().await;
    let mut response = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let sentence = if is_ready { "ready\n" } else { "the log cannot be reached\n" };
    response.content_type("text/plain; charset=utf-8").body(sentence)
}
