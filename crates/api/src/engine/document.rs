//! The cache of parsed and checked documents, by their text: clients send the same few documents again and again.
//!
//! The cache is bounded in number and bytes, and a document that is sent only once does not displace those in use.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::engine::check::{self, DocumentLimits};
use crate::error::{ApiError, Code};

/// The most bytes of text in the cache. A parsed document takes about ten times the memory of its text.
const BYTES_MAX: usize = 512 << 10;
/// The least weight of a document in bytes, so that the cache holds at most 512 documents.
const BYTES_MIN: usize = 1 << 10;

/// Why a document cannot be used.
#[derive(Debug)]
pub enum DocumentError {
    /// The text is not GraphQL. The error has the position.
    Syntax(Box<ServerError>),
    /// The document exceeds a limit, or a fragment contains itself.
    Refused(ApiError),
}

impl From<ApiError> for DocumentError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// A document that was parsed and checked.
#[derive(Debug)]
pub struct Document {
    parsed: ExecutableDocument,
    is_valid: AtomicBool,
}

impl Document {
    /// Parses a document that the server wrote itself; no limits apply.
    ///
    /// # Errors
    ///
    /// Fails if the text is not GraphQL, which is a bug.
    pub fn internal(text: &str) -> Result<Self, ApiError> {
        let parsed = async_graphql::parser::parse_query(text);
        let parsed = parsed.map_err(|_syntax| ApiError::Bug("an internal document is not valid GraphQL"))?;
        Ok(Self { parsed, is_valid: AtomicBool::new(false) })
    }

    /// Whether a validation found that the document fits the schema.
    pub(super) fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    /// Records that the document fits the schema.
    pub(super) fn set_valid(&self) {
        self.is_valid.store(true, Ordering::Relaxed);
    }
}

impl Deref for Document {
    type Target = ExecutableDocument;

    fn deref(&self) -> &ExecutableDocument {
        &self.parsed
    }
}

/// The documents that requests used recently.
#[derive(Debug)]
pub struct DocumentCache(Cache<Box<str>, Arc<Document>, Bytes>);

/// Weighs a document by the bytes of its text.
#[derive(Clone, Copy, Debug)]
struct Bytes;

impl Weighter<Box<str>, Arc<Document>> for Bytes {
    fn weight(&self, text: &Box<str>, _document: &Arc<Document>) -> u64 {
        text.len().max(BYTES_MIN) as u64
    }
}

impl Default for DocumentCache {
    fn default() -> Self {
        let mut options = OptionsBuilder::new();
        // A single shard, so that a long document has room.
        options.shards(1).estimated_items_capacity(BYTES_MAX / BYTES_MIN).weight_capacity(BYTES_MAX as u64);
        let cache = match options.build() {
            Ok(options) => {
                Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            // Unreachable: all required options are set.
            Err(_) => Cache::with_weighter(BYTES_MAX / BYTES_MIN, BYTES_MAX as u64, Bytes),
        };
        Self(cache)
    }
}

impl DocumentCache {
    /// Returns the document of a text from the cache, or parses and checks it. `limits` must be the same in every call.
    ///
    /// # Errors
    ///
    /// Fails if the text is not GraphQL, or if the document exceeds a limit; nothing is cached then.
    pub fn read(&self, text: &str, limits: &DocumentLimits) -> Result<Arc<Document>, DocumentError> {
        if let Some(document) = self.0.get(text) {
            return Ok(document);
        }
        let document = Arc::new(Document { parsed: parsed(text, limits)?, is_valid: AtomicBool::new(false) });
        self.0.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }

    /// Whether the text is in the cache and its document is known to fit the schema.
    pub fn is_known_valid(&self, text: &str) -> bool {
        self.0.get(text).is_some_and(|document| document.is_valid())
    }
}

fn parsed(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, DocumentError> {
    check::text(text, limits)?;
    let document = async_graphql::parser::parse_query(text).map_err(|error| {
        let mut error: ServerError = error.into();
        // The parser quotes the line that it stopped at, whatever its length; the location is sufficient.
        if let Some((_, expected)) = error.message.rsplit_once("\n  = ") {
            error.message = format!("the document is not valid GraphQL: {expected}");
        }
        error.extensions.get_or_insert_default().set("code", Code::ParseFailed.name());
        DocumentError::Syntax(Box::new(error))
    })?;
    check::document(&document, limits)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::check::tests::LIMITS;

    #[test]
    fn document_in_use_stays_and_cache_is_bounded() {
        let documents = DocumentCache::default();
        let hot = documents.read("{ viewer { subject } }", &LIMITS).unwrap();
        for i in 0..5 * BYTES_MAX / BYTES_MIN {
            documents.read(&format!("{{ viewer {{ a{i}: subject }} }}"), &LIMITS).unwrap();
            if i % 100 == 0 {
                assert!(Arc::ptr_eq(&hot, &documents.read("{ viewer { subject } }", &LIMITS).unwrap()));
            }
        }
        let wide = format!("{{ viewer {{ subject }} }}{}", " ".repeat(60 << 10));
        for i in 0..20 {
            documents.read(&format!("{wide}#{i}"), &LIMITS).unwrap();
        }
        assert!(documents.0.weight() <= BYTES_MAX as u64 && documents.0.len() <= BYTES_MAX / BYTES_MIN);
    }

    #[test]
    fn refused_document_is_not_cached() {
        let documents = DocumentCache::default();
        for _ in 0..2 {
            assert!(matches!(documents.read("{ viewer", &LIMITS), Err(DocumentError::Syntax(_))));
            let itself = "{ ...f } fragment f on Query { ...f }";
            assert!(matches!(documents.read(itself, &LIMITS), Err(DocumentError::Refused(_))));
        }
        assert!(documents.0.is_empty());
    }
}
