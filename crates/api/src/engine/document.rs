//! The cache of parsed and validated documents, by their text: clients send the same few documents again and again.
//!
//! The cache is bounded in number and bytes, and a document that is sent only once does not displace those in use.

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::check::{self, DocumentLimits};
use super::syntax::{self, PositionedError};
use super::validate::{self, Violation};
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
    /// The document does not fit the schema. There is at least one error; all of them have positions.
    Invalid(Vec<ServerError>),
    /// The document exceeds a limit, or a fragment contains itself.
    Refused(ApiError),
}

impl From<ApiError> for DocumentError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Violation> for ServerError {
    fn from(Violation { sentence, positions }: Violation) -> Self {
        let mut error = Self::new(sentence, None);
        error.locations = positions;
        error.extensions.get_or_insert_default().set("code", Code::ValidationFailed.name());
        error
    }
}

/// A valid document.
#[derive(Debug)]
pub struct Document(ExecutableDocument);

impl Document {
    /// Parses a document that the server wrote itself; no limits apply.
    ///
    /// # Errors
    ///
    /// Fails if the document is not valid, which is a bug.
    pub fn internal(text: &str) -> Result<Self, ApiError> {
        const BUG: ApiError = ApiError::Bug("an internal document is not valid");
        let parsed = syntax::parse(text).map_err(|_syntax| BUG)?;
        let violations = validate::violations(&parsed.document)?;
        if parsed.repetitions.is_empty() && violations.is_empty() { Ok(Self(parsed.document)) } else { Err(BUG) }
    }
}

impl Deref for Document {
    type Target = ExecutableDocument;

    fn deref(&self) -> &ExecutableDocument {
        &self.0
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
    /// Returns the document of a text from the cache, or parses and validates it. `limits` must be the same in every call.
    ///
    /// # Errors
    ///
    /// Fails if the text is not GraphQL, exceeds a limit or does not fit the schema; nothing is cached then.
    pub fn read(&self, text: &str, limits: &DocumentLimits) -> Result<Arc<Document>, DocumentError> {
        if let Some(document) = self.0.get(text) {
            return Ok(document);
        }
        let document = Arc::new(Document(valid(text, limits)?));
        self.0.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }

    /// Whether the document of the text is in the cache.
    pub fn contains(&self, text: &str) -> bool {
        self.0.get(text).is_some()
    }
}

fn valid(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, DocumentError> {
    check::text(text, limits)?;
    let parsed = syntax::parse(text).map_err(|PositionedError { sentence, pos }| {
        let mut error = ServerError::new(format!("the document is not valid GraphQL: {sentence}"), Some(pos));
        error.extensions.get_or_insert_default().set("code", Code::ParseFailed.name());
        DocumentError::Syntax(Box::new(error))
    })?;
    let repetitions = parsed.repetitions.into_iter();
    let mut violations: Vec<Violation> =
        repetitions.map(|PositionedError { sentence, pos }| Violation { sentence, positions: vec![pos] }).collect();
    if violations.is_empty() {
        check::document(&parsed.document, limits)?;
        violations = validate::violations(&parsed.document)?;
    }
    if violations.is_empty() {
        return Ok(parsed.document);
    }
    Err(DocumentError::Invalid(violations.into_iter().map(ServerError::from).collect()))
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
            assert!(matches!(documents.read("{ nothing }", &LIMITS), Err(DocumentError::Invalid(_))));
        }
        assert!(documents.0.is_empty());
    }
}
