//! How much one request may ask for, and how much one caller may ask at once. `README.md` has the same list.

use clap::Args;

/// Limits of requests and callers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// How many events a page has if a query does not say.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_DEFAULT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub page_size_default: u32,
    /// The most events a page may have.
    #[arg(long, env = "AUDITGRAPH_PAGE_SIZE_MAX", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub page_size_max: u32,
    /// The most bytes the body of a request may have.
    #[arg(long, env = "AUDITGRAPH_BODY_BYTES_MAX", default_value_t = 1 << 20)]
    pub body_bytes_max: usize,
    /// The most bytes that `POST /v1/events` takes.
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
    /// The most fields inside fields.
    #[arg(long, env = "AUDITGRAPH_DEPTH_MAX", default_value_t = 12)]
    pub depth_max: usize,
    /// The most fields of an operation, fragments expanded.
    #[arg(long, env = "AUDITGRAPH_FIELDS_MAX", default_value_t = 2_000)]
    pub fields_max: usize,
    /// The most fields of the root, fragments expanded.
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
    /// What an operation may cost at most; the README says how to reckon it.
    #[arg(long, env = "AUDITGRAPH_COST_MAX", default_value_t = 250_000)]
    pub cost_max: usize,
    /// Whether callers with a token may ask for the schema.
    #[arg(long, env = "AUDITGRAPH_INTROSPECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,
    /// The most bytes of events, as they are stored, that one answer may be made of.
    #[arg(long, env = "AUDITGRAPH_ANSWER_BYTES_MAX", default_value_t = 32 << 20)]
    pub answer_bytes_max: usize,
    /// How long a query may take, in milliseconds, from when it has arrived.
    #[arg(long, env = "AUDITGRAPH_REQUEST_TIMEOUT_MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub request_timeout_ms: u64,
    /// How long the body of a request may take to arrive, in milliseconds.
    #[arg(long, env = "AUDITGRAPH_BODY_TIMEOUT_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub body_timeout_ms: u64,
    /// How many requests of one caller may be in at once.
    #[arg(long, env = "AUDITGRAPH_CALLER_REQUESTS_MAX", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub caller_requests_max: u32,
    /// How many requests of one caller may be worked on at once, the others wait; 0 is half as many as there are
    /// connections for reading the log.
    #[arg(long, env = "AUDITGRAPH_CALLER_TURNS_MAX", default_value_t = 0)]
    pub caller_turns_max: u32,
    /// How many dear requests of one caller may be worked on at once: those that cost more than 15,000 points, and long
    /// documents that were not seen before. 0 is half as many as there are cores, and one at least.
    #[arg(long, env = "AUDITGRAPH_CALLER_DEAR_TURNS_MAX", default_value_t = 0)]
    pub caller_dear_turns_max: u32,
    /// How many requests one caller may send in a second, twice as many in one moment; 0 is any number.
    #[arg(long, env = "AUDITGRAPH_CALLER_RATE_MAX", default_value_t = 0)]
    pub caller_rate_max: u32,
    /// How many requests of one address may be in at once.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_REQUESTS_MAX", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_requests_max: u32,
    /// How many requests one address may send in a second, twice as many in one moment; 0 is any number.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_RATE_MAX", default_value_t = 0)]
    pub address_rate_max: u32,
    /// The networks of reverse proxies that are trusted to say in `Forwarded` or `X-Forwarded-For` who asks.
    #[arg(long, env = "AUDITGRAPH_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Vec<String>,
    /// Origins whose web pages may ask (CORS), such as `https://audit.example`.
    #[arg(long = "cors-origin", env = "AUDITGRAPH_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,
    /// How many documents of each tenant's clients are kept to be named by their hash; 0 for none.
    #[arg(long, env = "AUDITGRAPH_PERSISTED_QUERIES_MAX", default_value_t = 1_000)]
    pub persisted_queries_max: usize,
    /// A file with the only documents that run: a JSON object of texts by id.
    #[arg(long, env = "AUDITGRAPH_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<std::path::PathBuf>,
}
