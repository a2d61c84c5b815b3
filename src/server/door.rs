//! From settings to the door of the HTTP server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{limit, sign_in};
use crate::config::file::ConfigFile;
use crate::config::{ServeArgs, StreamSettings};
use crate::http::{Door, Exports, Meters, Readiness, Seats, StreamLimits};
use crate::system::{new_id, now};
use access::AccessControl;
use api::engine::document::DocumentCache;
use auth::Verifier;
use store::Store;

/// What the door is made of that does not follow from settings alone.
pub(super) struct Parts {
    pub(super) verifier: Verifier,
    pub(super) access: AccessControl,
    pub(super) meters: Meters,
    /// Whether the server is stopping.
    pub(super) closing: watch::Receiver<bool>,
}

/// The door as the settings have it.
pub(super) fn door(config: &ServeArgs, file: &ConfigFile, store: &Store, parts: Parts) -> anyhow::Result<Door> {
    let limits = &config.limits;
    let Parts { verifier, access, meters, closing } = parts;
    Ok(Door {
        verifier,
        access,
        executor: api::Executor::new(api::Limits { page: limit::page(limits) }),
        documents: limit::documents(limits),
        read: DocumentCache::default(),
        exports: Exports::new(limits.page_size_max),
        sign_in: sign_in::sign_in(&config.sign_in, file)?,
        body_bytes_max: limits.body_bytes_max,
        record_bytes_max: limits.record_body_bytes_max,
        body_patience: Duration::from_millis(limits.body_timeout_ms),
        answer_bytes_max: limits.response_bytes_max,
        request_patience: Duration::from_millis(limits.request_timeout_ms),
        persisted: limit::persisted(limits)?,
        origins: limit::origins(limits)?,
        proxies: limit::proxies(limits)?,
        addresses: limit::addresses(limits),
        callers: limit::callers(config),
        clock: Arc::new(now),
        ids: Arc::new(new_id),
        meters,
        readiness: Readiness::of(store.clone()),
        streams: stream_limits(&config.streams),
        seats: Seats::default(),
        closing,
    })
}

fn stream_limits(streams: &StreamSettings) -> StreamLimits {
    StreamLimits {
        connections_max: streams.caller_websockets_max,
        subscriptions_max: streams.caller_subscriptions_max,
        exports_max: streams.caller_exports_max,
        operations_max: streams.websocket_operations_max,
        message_bytes_max: streams.websocket_message_bytes_max,
        init_wait: Duration::from_secs(streams.websocket_init_timeout_secs),
        stall_max: Duration::from_secs(streams.stream_stall_timeout_secs),
    }
}
