//! Middleware: what runs around every request, 404 and 413 included, and in which order.
//!
//! [`wrap`] is the only place where the order is set. From the outside to the inside:
//!
//! | # | middleware | on the way in | on the way out |
//! |---|---|---|---|
//! | 0 | [`crate::http::connection`] | counts the request of its connection until the response is written | |
//! | 1 | [`request_log`] | counts the request as running | writes the log line and the metrics |
//! | 2 | [`request_id`] | takes over or creates the id, opens the tracing span | adds `X-Request-Id` |
//! | 3 | security headers | | adds those that the response does not have |
//! | 4 | [`cors`], headers | | adds the CORS headers, to refusals of the next steps as well |
//! | 5 | [`client_ip`] | determines the client address and applies its limits (429) | |
//! | 6 | [`cors`], preflight | responds to preflight requests | |
//! | 7 | [`compression`], refusal | | replaces the plain 406 of the last step by an error in JSON |
//! | 8 | [`compression`], choice | prefers gzip to zstd | |
//! | 9 | compression | | compresses the body |
//!
//! Authentication comes after them: the handlers that need a caller do it themselves (see `authentication`), because
//! probes, web pages and preflight requests have no token.

pub(super) mod client_ip;
mod compression;
pub(super) mod cors;
pub(super) mod metrics;
pub(super) mod request_id;
pub(super) mod request_log;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App, Error};

use super::connection;

/// Wraps the middleware around an application. The last call of `wrap` is the outermost.
pub fn wrap<T, B>(
    app: App<T>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<T, B>>,
        Error = Error,
        InitError = (),
    > + use<T, B>,
>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    app.wrap(Compress::default())
        .wrap(from_fn(compression::prefer_gzip))
        .wrap(from_fn(compression::refuse_in_json))
        .wrap(from_fn(cors::preflight))
        .wrap(from_fn(client_ip::limit_addresses))
        .wrap(from_fn(cors::headers))
        .wrap(security_headers())
        .wrap(from_fn(request_id::request_id))
        .wrap(from_fn(request_log::request_log))
        .wrap(from_fn(connection::count_requests))
}

/// Headers of every response that has none of its own by that name.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("x-content-type-options", "nosniff"))
        .add(("referrer-policy", "no-referrer"))
        .add(("x-frame-options", "DENY"))
        .add(("content-security-policy", "default-src 'none'; frame-ancestors 'none'"))
        .add(("cross-origin-opener-policy", "same-origin"))
        .add(("cross-origin-resource-policy", "same-origin"))
}
