//! Limits of one request, of one caller and of one address. `README.md` has the same list.

use clap::Args;

/// Limits of requests and callers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// How many events a page has if the query does not set `first` or `last`.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_DEFAULT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub page_size_default: u32,
    /// The most events a page may have.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_MAX", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub page_size_max: u32,
    /// The most bytes the body of a request may have.
    #[arg(long, env = "AUDITGRAPH_BODY_BYTES_MAX", default_value_t = 1 << 20)]
    pub body_bytes_max: usize,
    /// The most bytes that the body of `POST /v1/events` may have.
    #[arg(long, env = "AUDITGRAPH_RECORD_BYTES_MAX", default_value_t = 8 << 20)]
    pub record_bytes_max: usize,
    /// The most bytes that the variables of a query may have, as JSON.
    #[arg(long, env = "AUDITGRAPH_VARIABLES_BYTES_MAX", default_value_t = 64 << 10)]
    pub variables_bytes_max: usize,
    /// The most bytes a document may have.
    #[arg(long, env = "AUDITGRAPH_DOCUMENT_BYTES_MAX", default_value_t = 64 << 10)]
    pub document_bytes_max: usize,
    /// The most tokens a document may have.
    #[arg(long, env = "AUDITGRAPH_DOCUMENT_TOKENS_MAX", default_value_t = 4_000)]
    pub document_tokens_max: usize,
    /// The most levels of fields inside fields.
    #[arg(long, env = "AUDITGRAPH_DEPTH_MAX", default_value_t = 12)]
    pub depth_max: usize,
    /// The most fields of an operation, fragments expanded.
    #[arg(long, env = "AUDITGRAPH_FIELDS_MAX", default_value_t = 2_000)]
    pub fields_max: usize,
    /// The most root fields of an operation, fragments expanded.
    #[arg(long, env = "AUDITGRAPH_ROOT_FIELDS_MAX", default_value_t = 20)]
    pub root_fields_max: usize,
    /// The most aliases of an operation, fragments expanded.
    #[arg(long, env = "AUDITGRAPH_ALIASES_MAX", default_value_t = 100)]
    pub aliases_max: usize,
    /// The most directives of an operation, fragments expanded.
    #[arg(long, env = "AUDITGRAPH_DIRECTIVES_MAX", default_value_t = 50)]
    pub directives_max: usize,
    /// The most fragments of a document.
    #[arg(long, env = "AUDITGRAPH_FRAGMENTS_MAX", default_value_t = 50)]
    pub fragments_max: usize,
    /// The most operations of a document.
    #[arg(long, env = "AUDITGRAPH_OPERATIONS_MAX", default_value_t = 10)]
    pub operations_max: usize,
    /// What an operation may cost at most; the README explains how it is calculated.
    #[arg(long, env = "AUDITGRAPH_COST_MAX", default_value_t = 250_000)]
    pub cost_max: usize,
    /// Whether callers with a token may query the schema.
    #[arg(long, env = "AUDITGRAPH_INTROSPECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,
    /// The most bytes of events, as stored, that one answer may be made of.
    #[arg(long, env = "AUDITGRAPH_ANSWER_BYTES_MAX", default_value_t = 32 << 20)]
    pub answer_bytes_max: usize,
    /// How long a query may take, in milliseconds, counted from its arrival.
    #[arg(long, env = "AUDITGRAPH_REQUEST_TIMEOUT_MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub request_timeout_ms: u64,
    /// How long the body of a request may take to arrive, in milliseconds.
    #[arg(long, env = "AUDITGRAPH_BODY_TIMEOUT_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub body_timeout_ms: u64,
    /// How many requests one caller may have at once.
    #[arg(long, env = "AUDITGRAPH_CALLER_REQUESTS_MAX", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub caller_requests_max: u32,
    /// How many requests of one caller are processed at once, while the others wait; 0 means half of the connections
    /// for reading the log.
    #[arg(long, env = "AUDITGRAPH_CALLER_TURNS_MAX", default_value_t = 0)]
    pub caller_turns_max: u32,
    /// How many expensive requests of one caller may run at once: those that cost more than 15,000 points, and long
    /// documents that were not seen before. 0 means half of the cores, at least one.
    #[arg(long, env = "AUDITGRAPH_CALLER_DEAR_TURNS_MAX", default_value_t = 0)]
    pub caller_dear_turns_max: u32,
    /// Requests per second that one caller may send, with bursts up to twice that; 0 means unlimited.
    #[arg(long, env = "AUDITGRAPH_CALLER_RATE_MAX", default_value_t = 0)]
    pub caller_rate_max: u32,
    /// How many requests one address may have at once.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_REQUESTS_MAX", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_requests_max: u32,
    /// Requests per second that one address may send, with bursts up to twice that; 0 means unlimited.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_RATE_MAX", default_value_t = 0)]
    pub address_rate_max: u32,
    /// Networks of reverse proxies whose `Forwarded` or `X-Forwarded-For` header is trusted.
    #[arg(long, env = "AUDITGRAPH_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Vec<String>,
    /// Origins whose web pages may send requests (CORS), such as `https://audit.example`.
    #[arg(long = "cors-origin", env = "AUDITGRAPH_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,
    /// How many persisted queries are kept for each tenant; 0 for none.
    #[arg(long, env = "AUDITGRAPH_PERSISTED_QUERIES_MAX", default_value_t = 1_000)]
    pub persisted_queries_max: usize,
    /// A file with the only documents that may run: a JSON object that maps ids to documents.
    #[arg(long, env = "AUDITGRAPH_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<std::path::PathBuf>,
}
