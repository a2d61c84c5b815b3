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
}
