//! The HTTP layer: routes, middleware, headers, bodies and status codes.
//!
//! Handlers are transports. They read a request, pass it to the request engine (`api::engine`), and write the response;
//! nothing is decided here that does not depend on HTTP. This layer is our own, on the library's `execute`: the
//! library's ready-made integration treats all methods and media types alike and has no limits.
//!
//! - [`middleware`]: the middleware around every request, and its order.
//! - [`authentication`]: from the `Authorization` header to a caller.
//! - [`limits`]: rates, permits and quotas per caller and per client address.
//! - [`connection`]: limits of connections, and the timeout of writing; [`server_stream`]: TLS over them.
//! - [`graphql`]: POST, GET, server-sent events, WebSocket.
//! - [`rest`]: recording and export.
//! - [`web`]: the viewer, the API explorer, and their sign-in configuration.
//! - [`response`]: the one place where an error becomes a status, a body and a `Retry-After`.
//! - [`AppState`]: the state that handlers need, as separate small types.

mod accept;
mod authentication;
mod body;
pub mod connection;
mod content_coding;
mod cpu_pool;
mod environment;
mod error_codes;
mod graphql;
mod health;
mod held_body;
mod limits;
mod middleware;
mod response;
mod rest;
mod openapi;
mod schema;
pub mod server_stream;
mod state;
mod web;

use std::net::IpAddr;

use actix_web::web::{Data, ServiceConfig, get, head, post, resource, to};
use actix_web::{HttpRequest, HttpResponse, guard};

use api::engine::Engine;
use response::{HttpError, ResponseFormat, error_response};

pub use authentication::Authentication;
pub use cpu_pool::CpuPool;
pub use environment::Environment;
pub use health::Readiness;
pub use limits::{ByteBudget, ByteLimits, CallerKey, KeyedLimiter, LimiterConfig, PROCESSING_FACTOR, StreamQuotas};
pub use middleware::client_ip::{TrustedProxies, parse_network};
pub use middleware::cors::{AllowedOrigins, Origin};
pub use middleware::metrics::Metrics;
pub use middleware::wrap;
pub use rest::export::Exports;
pub use state::{RequestLimits, Streams};
pub use web::sign_in::SignIn;

/// The address at which the result of every operation is sent as server-sent events.
const STREAM_PATH: &str = "/graphql/stream";

/// The state of the HTTP layer: separate small types, each registered as `web::Data`. A handler takes those it uses; none
/// takes all of them.
#[derive(Clone, Debug)]
pub struct AppState {
    /// From a token to a caller.
    pub authentication: Data<Authentication>,
    /// Prepares and executes operations.
    pub engine: Data<Engine>,
    /// Sizes and durations of one request.
    pub limits: Data<RequestLimits>,
    /// Rates, permits and quotas per caller.
    pub callers: Data<KeyedLimiter<CallerKey>>,
    /// The memory of bodies and responses.
    pub bytes: Data<ByteBudget>,
    /// The threads for work that keeps a core busy.
    pub cpu: Data<CpuPool>,
    /// Rates and concurrency per client address.
    pub addresses: Data<KeyedLimiter<IpAddr>>,
    /// The proxies that may report a client address.
    pub proxies: Data<TrustedProxies>,
    /// The origins whose pages may send requests.
    pub origins: Data<AllowedOrigins>,
    /// Settings of streams.
    pub streams: Data<Streams>,
    /// The status of exports.
    pub exports: Data<Exports>,
    /// The sign-in configuration of the web pages.
    pub sign_in: Data<SignIn>,
    /// The metrics.
    pub metrics: Data<Metrics>,
    /// Whether the database is ready.
    pub readiness: Data<Readiness>,
    /// The clock and the source of ids.
    pub environment: Data<Environment>,
}

impl AppState {
    /// Registers each part for the handlers and the middleware.
    fn register(self, config: &mut ServiceConfig) {
        let Self { authentication, engine, limits, callers, bytes, cpu, addresses, proxies, .. } = self;
        config.app_data(authentication).app_data(engine).app_data(limits).app_data(callers).app_data(bytes);
        config.app_data(cpu).app_data(addresses).app_data(proxies);
        let Self { origins, streams, exports, sign_in, metrics, readiness, environment, .. } = self;
        config.app_data(origins).app_data(streams).app_data(exports).app_data(sign_in);
        config.app_data(metrics).app_data(readiness).app_data(environment);
    }
}

/// Registers the state and the routes.
pub fn routes(state: &AppState) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let state = state.clone();
    move |config| {
        state.register(config);
        config
            .service(
                resource(["/graphql", STREAM_PATH])
                    .route(get().guard(guard::fn_guard(graphql::websocket::is_upgrade)).to(graphql::websocket::open))
                    .route(post().to(graphql::post))
                    .route(get().to(graphql::get))
                    .default_service(to(use_get_or_post)),
            )
            .service(resource("/v1/events").route(post().to(rest::record::post)).default_service(to(use_post)))
            .service(resource("/v1/events/export").route(post().to(rest::export::post)).default_service(to(use_post)))
            .service(resource("/v1/events/export/{id}").route(get().to(rest::export::get)).default_service(to(use_get)))
            .service(resource("/v1/openapi.json").route(get().to(openapi::get)).default_service(to(use_get)))
            .service(resource("/schema.graphql").route(get().to(schema::get)).default_service(to(use_get)))
            .service(
                resource("/healthz")
                    .route(get().to(health::healthz))
                    .route(head().to(health::healthz))
                    .default_service(to(use_get)),
            )
            .service(
                resource("/readyz")
                    .route(get().to(health::readyz))
                    .route(head().to(health::readyz))
                    .default_service(to(use_get)),
            )
            .configure(web::viewer::routes)
            .default_service(to(not_found));
    }
}

async fn use_post(request: HttpRequest) -> HttpResponse {
    method_not_allowed(&request, "POST", "method not allowed; use POST")
}

async fn use_get(request: HttpRequest) -> HttpResponse {
    method_not_allowed(&request, "GET", "method not allowed; use GET")
}

async fn use_get_or_post(request: HttpRequest) -> HttpResponse {
    method_not_allowed(&request, "GET, POST", "method not allowed; use GET or POST")
}

fn method_not_allowed(request: &HttpRequest, allow: &'static str, message: &'static str) -> HttpResponse {
    let format = ResponseFormat::accepted(request).unwrap_or(ResponseFormat::Json);
    error_response(request, format, HttpError::MethodNotAllowed { allow, message })
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    error_response(&request, ResponseFormat::Json, HttpError::NotFound("not found"))
}
