//! From settings to the state of the HTTP layer.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use tokio::sync::{Semaphore, watch};

use super::{limit, sign_in};
use crate::config::file::ConfigFile;
use crate::config::{ServeArgs, StreamSettings};
use crate::http::{
    AppState, Authentication, CpuPool, Environment, Exports, Metrics, Readiness, RequestLimits, Streams,
};
use crate::system::{new_id, now};
use access::{AccessControl, ApiKeys};
use api::engine::Engine;
use auth::Verifier;
use store::Store;

/// The parts of the state that do not follow from the settings alone.
pub(super) struct Parts {
    pub(super) verifier: Verifier,
    pub(super) api_keys: Arc<ApiKeys>,
    pub(super) access: AccessControl,
    pub(super) metrics: Metrics,
    /// Becomes `true` when the server stops.
    pub(super) shutdown: watch::Receiver<bool>,
}

/// Checks the settings that the state is built from, before a log is opened or created.
pub(super) fn check(config: &ServeArgs, file: &ConfigFile) -> anyhow::Result<()> {
    let limits = &config.limits;
    limit::persisted(limits)?;
    limit::proxies(limits)?;
    limit::origins(limits)?;
    sign_in::sign_in(&config.sign_in, file)?;
    Ok(())
}

/// Builds the state for these settings.
pub(super) fn state(config: &ServeArgs, file: &ConfigFile, store: &Store, parts: Parts) -> anyhow::Result<AppState> {
    let limits = &config.limits;
    let Parts { verifier, api_keys, access, metrics, shutdown } = parts;
    Ok(AppState {
        authentication: Data::new(Authentication::new(verifier, api_keys, access, metrics.clone())),
        engine: Data::new(Engine::new(limit::documents(limits), limit::persisted(limits)?)),
        limits: Data::new(RequestLimits {
            body_bytes_max: limits.body_bytes_max,
            record_bytes_max: limits.record_bytes_max,
            body_timeout: Duration::from_millis(limits.body_timeout_ms),
            response_bytes_max: limits.response_bytes_max,
            request_timeout: Duration::from_millis(limits.request_timeout_ms),
        }),
        callers: Data::new(limit::callers(config)),
        bytes: Data::new(limit::bytes(limits)?),
        cpu: Data::new(CpuPool::default()),
        addresses: Data::new(limit::addresses(config)),
        proxies: Data::new(limit::proxies(limits)?),
        origins: Data::new(limit::origins(limits)?),
        streams: Data::new(streams(&config.streams, shutdown)),
        exports: Data::new(Exports::new(limits.page_size_max)),
        sign_in: Data::new(sign_in::sign_in(&config.sign_in, file)?.for_demo(config.is_demo)),
        metrics: Data::new(metrics),
        readiness: Data::new(Readiness::of(store.clone())),
        environment: Data::new(Environment::new(Arc::new(now), Arc::new(new_id))),
    })
}

fn streams(settings: &StreamSettings, shutdown: watch::Receiver<bool>) -> Streams {
    Streams {
        operations_max: settings.websocket_operations_max,
        message_bytes_max: settings.websocket_message_bytes_max,
        init_timeout: Duration::from_secs(settings.websocket_init_timeout_secs),
        pending: Arc::new(Semaphore::new(settings.pending_websockets_max)),
        stall_timeout: Duration::from_secs(settings.stream_stall_secs),
        shutdown,
    }
}
