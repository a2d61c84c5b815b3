//! Settings that several handlers use, and the services that running an operation needs. Each type is registered as `web::Data`, and a
//! handler takes those it uses.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};
use tokio::sync::{Semaphore, watch};

use super::authentication::Authentication;
use super::cpu_pool::CpuPool;
use super::environment::Environment;
use super::limits::{ByteBudget, CallerKey, KeyedLimiter};
use super::middleware::metrics::Metrics;
use api::engine::Engine;

/// Limits of the size and the duration of one request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// The most bytes of a request body.
    pub body_bytes_max: usize,
    /// The most bytes of a request body with events to record.
    pub record_bytes_max: usize,
    /// The time within which a body must arrive.
    pub body_timeout: Duration,
    /// The most bytes of events that one response is made of.
    pub response_bytes_max: usize,
    /// The time within which a query must end, from its arrival.
    pub request_timeout: Duration,
}

/// Settings of streams, and the signal that ends them.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The most operations that run on one WebSocket.
    pub operations_max: usize,
    /// The most bytes of one WebSocket message.
    pub message_bytes_max: usize,
    /// The time within which a WebSocket client must send its token.
    pub init_timeout: Duration,
    /// The WebSockets that may wait for `connection_init` at a time, from all addresses.
    pub pending: Arc<Semaphore>,
    /// The time after which a client that reads nothing is disconnected.
    pub stall_timeout: Duration,
    /// Becomes `true` when the server stops: streams end then.
    pub shutdown: watch::Receiver<bool>,
}

/// The services that running an operation needs, over any transport.
#[derive(Clone, Debug)]
pub(super) struct OperationServices {
    pub(super) authentication: Data<Authentication>,
    pub(super) engine: Data<Engine>,
    pub(super) limits: Data<RequestLimits>,
    pub(super) callers: Data<KeyedLimiter<CallerKey>>,
    pub(super) bytes: Data<ByteBudget>,
    pub(super) cpu: Data<CpuPool>,
    pub(super) streams: Data<Streams>,
    pub(super) metrics: Data<Metrics>,
    pub(super) environment: Data<Environment>,
}

impl FromRequest for OperationServices {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extract = || {
            Ok(Self {
                authentication: data(request)?,
                engine: data(request)?,
                limits: data(request)?,
                callers: data(request)?,
                bytes: data(request)?,
                cpu: data(request)?,
                streams: data(request)?,
                metrics: data(request)?,
                environment: data(request)?,
            })
        };
        std::future::ready(extract())
    }
}

fn data<T: 'static>(request: &HttpRequest) -> Result<Data<T>, Error> {
    let data = request.app_data::<Data<T>>().cloned();
    data.ok_or_else(|| ErrorInternalServerError("a part of the state is not registered"))
}
