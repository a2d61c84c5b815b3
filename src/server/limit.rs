//! From settings to limits (of documents, callers and addresses), trusted proxies, allowed origins and documents.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};

use anyhow::Context as _;

use crate::config::{LimitSettings, ServeArgs};
use crate::http::{
    AllowedOrigins, ByteBudget, ByteLimits, CallerKey, KeyedLimiter, LimiterConfig, PROCESSING_FACTOR, StreamQuotas,
    TrustedProxies, parse_network,
};
use api::engine::check::DocumentLimits;
use api::engine::persisted::{PersistedQueries, TrustedDocuments};
use model::page::PageLimits;

/// The size of pages.
pub(super) fn page(limits: &LimitSettings) -> PageLimits {
    PageLimits { default: limits.page_size_default.min(limits.page_size_max), max: limits.page_size_max }
}

/// The limits of documents.
pub(super) fn documents(limits: &LimitSettings) -> DocumentLimits {
    DocumentLimits {
        bytes: limits.document_bytes_max,
        tokens: limits.document_tokens_max,
        depth: limits.depth_max,
        fields: limits.fields_max,
        aliases: limits.aliases_max,
        directives: limits.directives_max,
        root_fields: limits.root_fields_max,
        operations: limits.operations_max,
        fragments: limits.fragments_max,
        variables_bytes: limits.variables_bytes_max,
        cost: limits.cost_max,
        page: page(limits),
        introspection: limits.introspection,
    }
}

/// The limits of one caller. By default, a caller uses at most half of the database connections and half of the cores,
/// which leaves room for others.
pub(super) fn callers(config: &ServeArgs) -> KeyedLimiter<CallerKey> {
    let (limits, streams) = (&config.limits, &config.streams);
    let permits = match limits.caller_concurrency_max {
        0 => config.database.database_connections.div_ceil(2),
        permits => permits,
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let expensive_permits = match limits.caller_expensive_requests_max {
        0 => (cores / 2).max(1),
        permits => permits as usize,
    };
    KeyedLimiter::new(LimiterConfig {
        requests_max: limits.caller_requests_max as usize,
        permits: permits as usize,
        expensive_permits,
        rate_per_sec: NonZeroU32::new(limits.caller_rate_max),
        streams: StreamQuotas {
            connections_max: streams.caller_websockets_max,
            subscriptions_max: streams.caller_subscriptions_max,
            exports_max: streams.caller_exports_max,
            pending_max: 0,
        },
    })
}

/// The memory of bodies and responses. Fails if the largest body or response does not fit.
pub(super) fn bytes(limits: &LimitSettings) -> anyhow::Result<ByteBudget> {
    let largest = limits.record_bytes_max.max(limits.body_bytes_max).max(limits.response_bytes_max);
    let needed = largest.saturating_mul(PROCESSING_FACTOR);
    let (caller_max, total_max) = (limits.caller_memory_bytes_max, limits.memory_bytes_max);
    anyhow::ensure!(
        caller_max >= needed,
        "AUDITGRAPH_CALLER_MEMORY_BYTES_MAX is {caller_max}, but a body or a response of {largest} bytes needs {needed}: \
         raise it, or lower AUDITGRAPH_RECORD_BYTES_MAX, AUDITGRAPH_BODY_BYTES_MAX or AUDITGRAPH_RESPONSE_BYTES_MAX"
    );
    anyhow::ensure!(
        total_max >= caller_max,
        "AUDITGRAPH_MEMORY_BYTES_MAX is {total_max}, less than AUDITGRAPH_CALLER_MEMORY_BYTES_MAX: raise it"
    );
    Ok(ByteBudget::new(ByteLimits { caller_max, total_max }))
}

/// The limits of one client address. Permits and quotas apply to callers, not to addresses.
pub(super) fn addresses(config: &ServeArgs) -> KeyedLimiter<IpAddr> {
    let limits = &config.limits;
    let requests_max = limits.address_requests_max as usize;
    KeyedLimiter::new(LimiterConfig {
        requests_max,
        permits: requests_max,
        expensive_permits: requests_max,
        rate_per_sec: NonZeroU32::new(limits.address_rate_max),
        streams: StreamQuotas { pending_max: config.streams.address_pending_websockets_max, ..StreamQuotas::default() },
    })
}

/// The proxies that may report a client address.
pub(super) fn proxies(limits: &LimitSettings) -> anyhow::Result<TrustedProxies> {
    Ok(TrustedProxies::new(parsed(&limits.trusted_proxies, "--trusted-proxies", parse_network)?))
}

/// The origins whose pages may send requests.
pub(super) fn origins(limits: &LimitSettings) -> anyhow::Result<AllowedOrigins> {
    Ok(AllowedOrigins::new(parsed(&limits.cors_origins, "--cors-origin", str::parse)?))
}

/// Parses the values of an option.
fn parsed<T>(values: &[String], option: &str, parse: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<Vec<T>> {
    let parse = |value: &String| parse(value).map_err(|wrong| anyhow::anyhow!("{option}: {wrong}"));
    values.iter().map(parse).collect()
}

/// The persisted queries, with the trusted documents if a file has them.
pub(super) fn persisted(limits: &LimitSettings) -> anyhow::Result<PersistedQueries> {
    let trusted = match &limits.trusted_documents {
        Some(file) => {
            let manifest = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the trusted documents in {}", file.display()))?;
            let wrong = |wrong| anyhow::anyhow!("the trusted documents in {} are invalid: {wrong}", file.display());
            Some(TrustedDocuments::parse(&manifest).map_err(wrong)?)
        }
        None => None,
    };
    Ok(PersistedQueries::new(trusted, limits.persisted_queries_max))
}
