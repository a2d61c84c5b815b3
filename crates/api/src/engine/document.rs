//! DocumentCache that were parsed and checked, kept by their text: clients send the same few again and again.
//!
//! What is kept is bounded in number and bytes, and texts that are sent only once displace only each other.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::engine::check::{self, DocumentLimits};
use crate::error::{ApiError, Code};

/// The most bytes of text that are kept. What is parsed takes some ten times as much.
const BYTES_MAX: usize = 512 << 10;
/// How many bytes a document counts as at least, so that there are at most 512.
const BYTES_MIN: usize = 1 << 10;

/// Why a text is not a document that may run.
#[derive(Debug)]
pub enum DocumentError {
    /// It is not GraphQL.
    Syntax(Box<ServerError>),
    /// It is too large, or contains itself.
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
    pub(crate) is_valid: AtomicBool,
}

impl Document {
    /// Whether it was found to fit the schema.
    pub fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }
}

impl Deref for Document {
    type Target = ExecutableDocument;

    fn deref(&self) -> &ExecutableDocument {
        &self.parsed
    }
}

/// The documents that were asked for lately.
#[derive(Debug)]
pub struct DocumentCache(Cache<Box<str>, Arc<Document>, Bytes>);

/// Weighs documents by their text.
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
        // In one part, so that a long document has room.
        options.shards(1).estimated_items_capacity(BYTES_MAX / BYTES_MIN).weight_capacity(BYTES_MAX as u64);
        let cache = match options.build() {
            Ok(options) => {
                Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            // All that is needed was given.
            Err(_) => Cache::with_weighter(BYTES_MAX / BYTES_MIN, BYTES_MAX as u64, Bytes),
        };
        Self(cache)
    }
}

impl DocumentCache {
    /// The document of a text, parsed and checked against limits, which have to be the same in every call.
    pub fn read(&self, text: &str, limits: &DocumentLimits) -> Result<Arc<Document>, DocumentError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let document = Arc::new(Document { parsed: parsed(text, limits)?, is_valid: AtomicBool::new(false) });
        self.0.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }

    /// Whether a text is a document that was read and found to fit the schema.
    pub fn knows(&self, text: &str) -> bool {
        self.0.get(text).is_some_and(|document| document.is_valid())
    }
}

fn parsed(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, DocumentError> {
    check::text(text, limits)?;
    let document = async_graphql::parser::parse_query(text).map_err(|error| {
        let mut error: ServerError = error.into();
        // The parser draws the line that it stopped at, however long it is; the location says as much.
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
    fn what_is_asked_for_again_stays_and_all_is_bounded() {
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
    fn what_may_not_run_is_not_kept() {
        let documents = DocumentCache::default();
        for _ in 0..2 {
            assert!(matches!(documents.read("{ viewer", &LIMITS), Err(DocumentError::Syntax(_))));
            let itself = "{ ...f } fragment f on Query { ...f }";
            assert!(matches!(documents.read(itself, &LIMITS), Err(DocumentError::Refused(_))));
        }
        assert!(documents.0.is_empty());
    }
}
