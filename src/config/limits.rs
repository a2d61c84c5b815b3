//! Limits of requests, documents, callers and addresses.

use std::path::PathBuf;

use clap::Args;

use super::bounds;

/// Limits of requests, documents, callers and addresses.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// Number of events in a page if the query sets neither `first` nor `last`. From 1 to 1000.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_DEFAULT", value_name = "N", default_value_t = 50, value_parser = bounds::<u32>(1, 1_000))]
    pub page_size_default: u32,
    /// Largest number of events in a page. From 1 to 1000.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_MAX", value_name = "N", default_value_t = 200, value_parser = bounds::<u32>(1, 1_000))]
    pub page_size_max: u32,
    /// Largest body of a request, in bytes. From 1 to 1073741824.
    #[arg(long, env = "AUDITGRAPH_BODY_BYTES_MAX", value_name = "BYTES", default_value_t = 1 << 20, value_parser = bounds::<usize>(1, 1 << 30))]
    pub body_bytes_max: usize,
    /// Largest body of `POST /v1/events`, in bytes as sent and as decompressed. From 1 to 1073741824.
    #[arg(long, env = "AUDITGRAPH_RECORD_BYTES_MAX", value_name = "BYTES", default_value_t = 8 << 20, value_parser = bounds::<usize>(1, 1 << 30))]
    pub record_bytes_max: usize,
    /// Largest variables of a query, in bytes of JSON. The variables of a mutation are limited by the body. From 1 to
    /// 1073741824.
    #[arg(long, env = "AUDITGRAPH_VARIABLES_BYTES_MAX", value_name = "BYTES", default_value_t = 64 << 10, value_parser = bounds::<usize>(1, 1 << 30))]
    pub variables_bytes_max: usize,
    /// Largest GraphQL document, in bytes. From 1 to 16777216.
    #[arg(long, env = "AUDITGRAPH_DOCUMENT_BYTES_MAX", value_name = "BYTES", default_value_t = 64 << 10, value_parser = bounds::<usize>(1, 16 << 20))]
    pub document_bytes_max: usize,
    /// Most tokens in a GraphQL document. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_DOCUMENT_TOKENS_MAX", value_name = "N", default_value_t = 4_000, value_parser = bounds::<usize>(1, 1_000_000))]
    pub document_tokens_max: usize,
    /// Most levels of fields inside fields. From 1 to 64.
    #[arg(long, env = "AUDITGRAPH_DEPTH_MAX", value_name = "N", default_value_t = 12, value_parser = bounds::<usize>(1, 64))]
    pub depth_max: usize,
    /// Most fields of an operation, with fragments expanded. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_FIELDS_MAX", value_name = "N", default_value_t = 2_000, value_parser = bounds::<usize>(1, 1_000_000))]
    pub fields_max: usize,
    /// Most root fields of an operation, with fragments expanded. From 1 to 1000.
    #[arg(long, env = "AUDITGRAPH_ROOT_FIELDS_MAX", value_name = "N", default_value_t = 20, value_parser = bounds::<usize>(1, 1_000))]
    pub root_fields_max: usize,
    /// Most aliases in an operation, with fragments expanded. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_ALIASES_MAX", value_name = "N", default_value_t = 100, value_parser = bounds::<usize>(0, 1_000_000))]
    pub aliases_max: usize,
    /// Most directives in an operation, with fragments expanded. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_DIRECTIVES_MAX", value_name = "N", default_value_t = 50, value_parser = bounds::<usize>(0, 1_000_000))]
    pub directives_max: usize,
    /// Most fragments in a document. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_FRAGMENTS_MAX", value_name = "N", default_value_t = 50, value_parser = bounds::<usize>(0, 1_000_000))]
    pub fragments_max: usize,
    /// Most operations in a document. From 1 to 1000.
    #[arg(long, env = "AUDITGRAPH_OPERATIONS_MAX", value_name = "N", default_value_t = 10, value_parser = bounds::<usize>(1, 1_000))]
    pub operations_max: usize,
    /// Highest cost of an operation, in points; `docs/reference/cost.md` describes the calculation. From 1 to
    /// 1000000000.
    #[arg(long, env = "AUDITGRAPH_COST_MAX", value_name = "POINTS", default_value_t = 250_000, value_parser = bounds::<usize>(1, 1_000_000_000))]
    pub cost_max: usize,
    /// Whether callers with a valid token may query the schema (`__schema` and `__type`).
    #[arg(long, env = "AUDITGRAPH_INTROSPECTION", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,
    /// Most bytes of stored events that one response may read. From 1 to 4294967296.
    #[arg(long, env = "AUDITGRAPH_RESPONSE_BYTES_MAX", value_name = "BYTES", default_value_t = 32 << 20, value_parser = bounds::<usize>(1, 4 << 30))]
    pub response_bytes_max: usize,
    /// Most memory of the bodies and responses of all callers, in bytes. Processing takes three times the bytes of a
    /// body, or of the events of a response; a response that waits to be read takes its own. From 1 to 1099511627776.
    #[arg(long, env = "AUDITGRAPH_MEMORY_BYTES_MAX", value_name = "BYTES", default_value_t = 128 << 20, value_parser = bounds::<usize>(1, 1 << 40))]
    pub memory_bytes_max: usize,
    /// Most memory of the bodies and responses of one caller, in bytes. From 1 to 1099511627776.
    #[arg(long, env = "AUDITGRAPH_CALLER_MEMORY_BYTES_MAX", value_name = "BYTES", default_value_t = 96 << 20, value_parser = bounds::<usize>(1, 1 << 40))]
    pub caller_memory_bytes_max: usize,
    /// Timeout of a query in milliseconds, from the arrival of the request. From 100 to 600000.
    #[arg(long, env = "AUDITGRAPH_REQUEST_TIMEOUT_MS", value_name = "MS", default_value_t = 10_000, value_parser = bounds::<u64>(100, 600_000))]
    pub request_timeout_ms: u64,
    /// Timeout for receiving the body of a request, in milliseconds. From 100 to 600000.
    #[arg(long, env = "AUDITGRAPH_BODY_TIMEOUT_MS", value_name = "MS", default_value_t = 30_000, value_parser = bounds::<u64>(100, 600_000))]
    pub body_timeout_ms: u64,
    /// Most requests of one caller at a time, running or waiting. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_REQUESTS_MAX", value_name = "N", default_value_t = 256, value_parser = bounds::<u32>(1, 1_000_000))]
    pub caller_requests_max: u32,
    /// Most requests of one caller that run at a time; further requests wait. 0 means half of the connections for
    /// reading. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_CONCURRENCY_MAX", value_name = "N", default_value_t = 0, value_parser = bounds::<u32>(0, 1_000_000))]
    pub caller_concurrency_max: u32,
    /// Most expensive requests of one caller that run at a time; further ones wait. A request is expensive if it costs
    /// more than 15,000 points or has a document of more than 4 KiB that is not cached. 0 means half of the cores, but
    /// at least 1. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_EXPENSIVE_REQUESTS_MAX", value_name = "N", default_value_t = 0, value_parser = bounds::<u32>(0, 1_000_000))]
    pub caller_expensive_requests_max: u32,
    /// Most requests per second of one caller, with bursts of up to twice as many. 0 means unlimited. From 0 to
    /// 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_RATE_MAX", value_name = "N", default_value_t = 0, value_parser = bounds::<u32>(0, 1_000_000))]
    pub caller_rate_max: u32,
    /// Most connections from one address, except from trusted proxies. At the limit, the connection that has been without
    /// a request for the longest time ends. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_CONNECTIONS_MAX", value_name = "N", default_value_t = 1_000, value_parser = bounds::<usize>(1, 1_000_000))]
    pub address_connections_max: usize,
    /// Most connections. The limit of open files can lower it. At the limit, the connection that has been without a
    /// request for the longest time ends. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_TOTAL_CONNECTIONS_MAX", value_name = "N", default_value_t = 20_000, value_parser = bounds::<usize>(1, 1_000_000))]
    pub total_connections_max: usize,
    /// Most requests from one address at a time. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_REQUESTS_MAX", value_name = "N", default_value_t = 1_024, value_parser = bounds::<u32>(1, 1_000_000))]
    pub address_requests_max: u32,
    /// Most requests per second from one address, with bursts of up to twice as many. 0 means unlimited. From 0 to
    /// 1000000.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_RATE_MAX", value_name = "N", default_value_t = 0, value_parser = bounds::<u32>(0, 1_000_000))]
    pub address_rate_max: u32,
    /// Most automatic persisted queries that are cached for each tenant. 0 turns them off. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_PERSISTED_QUERIES_MAX", value_name = "N", default_value_t = 1_000, value_parser = bounds::<usize>(0, 1_000_000))]
    pub persisted_queries_max: usize,
    /// A JSON file that maps ids to GraphQL documents. If set, only these documents may run.
    #[arg(long, env = "AUDITGRAPH_TRUSTED_DOCUMENTS", help_heading = "Server", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,
    /// Networks of reverse proxies, such as `10.0.0.0/8`, whose `Forwarded` or `X-Forwarded-For` header is trusted.
    /// Comma-separated.
    #[arg(
        long,
        env = "AUDITGRAPH_TRUSTED_PROXIES",
        help_heading = "Server",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub trusted_proxies: Vec<String>,
    /// Origins, such as `https://audit.example`, whose web pages may send requests (CORS). Comma-separated.
    #[arg(
        long = "cors-origin",
        env = "AUDITGRAPH_CORS_ORIGINS",
        help_heading = "Server",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub cors_origins: Vec<String>,
}
