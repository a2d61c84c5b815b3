//! From settings to limits: of documents, callers and addresses; trusted proxies, origins and documents.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{LimitSettings, ServeArgs};
use crate::http::{Crowd, Manners, Network, Origins, Persisted, Trusted};
use api::engine::check::DocumentLimits;
use model::page::PageLimits;

/// How many events a page has.
pub(super) fn page(limits: &LimitSettings) -> PageLimits {
    PageLimits { default: limits.page_size_default.min(limits.page_size_max), max: limits.page_size_max }
}

/// How large a document may be.
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

/// What one caller may do at once. Half of the connections is what leaves room for others.
pub(super) fn callers<K: Hash + Eq + Clone>(config: &ServeArgs) -> Arc<Crowd<K>> {
    let limits = &config.limits;
    let turns = match limits.caller_concurrency_max {
        0 => config.database.database_connections_max.div_ceil(2),
        turns => turns,
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let dear = match limits.caller_expensive_requests_max {
        0 => (cores / 2).max(1),
        turns => turns as usize,
    };
    Crowd::new(Manners {
        requests: limits.caller_requests_max as usize,
        turns: turns as usize,
        dear,
        rate: limits.caller_requests_per_sec_max,
    })
}

/// What one address may do at once. Turns are taken by callers.
pub(super) fn addresses<K: Hash + Eq + Clone>(limits: &LimitSettings) -> Arc<Crowd<K>> {
    let requests = limits.address_requests_max as usize;
    Crowd::new(Manners { requests, turns: requests, dear: requests, rate: limits.address_requests_per_sec_max })
}

/// The proxies that say where a request comes from.
pub(super) fn proxies(limits: &LimitSettings) -> anyhow::Result<Vec<Network>> {
    parsed(&limits.trusted_proxies, "--trusted-proxies")
}

/// Whose pages may ask.
pub(super) fn origins(limits: &LimitSettings) -> anyhow::Result<Origins> {
    Ok(Origins::new(parsed(&limits.cors_origins, "--cors-origin")?))
}

fn parsed<T: FromStr<Err = String>>(texts: &[String], option: &str) -> anyhow::Result<Vec<T>> {
    let parse = |text: &String| text.parse().map_err(|wrong: String| anyhow::anyhow!("{option}: {wrong}"));
    texts.iter().map(parse).collect()
}

/// The documents that can be named.
pub(super) fn persisted(limits: &LimitSettings) -> anyhow::Result<Persisted> {
    let trusted = match &limits.trusted_documents_file {
        Some(file) => {
            let manifest = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the trusted documents in {}", file.display()))?;
            let wrong = |wrong| anyhow::anyhow!("the trusted documents in {} are invalid: {wrong}", file.display());
            Some(Trusted::parse(&manifest).map_err(wrong)?)
        }
        None => None,
    };
    Ok(Persisted::new(trusted, limits.persisted_queries_max))
}
