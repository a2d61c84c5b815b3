//! Documents that were parsed and checked, kept by their text: clients send the same few again and again.
//!
//! What is kept is bounded in number and bytes, in two generations: when the younger is full it becomes the older, and
//! documents that were used since then survive. So texts that are sent only once displace only each other.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use parking_lot::Mutex;

use super::check::{self, DocumentLimits};
use super::error::{ApiError, Code};

/// The most documents in a generation.
const DOCUMENTS_MAX: usize = 256;
/// The most bytes of text in a generation. What is parsed takes some ten times as much.
const BYTES_MAX: usize = 256 << 10;

/// Why a text is not a document that may run.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not GraphQL.
    NotParsed(Box<ServerError>),
    /// It is too large, or contains itself.
    Refused(ApiError),
}

impl From<ApiError> for Unreadable {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// A document that was parsed and checked.
#[derive(Debug)]
pub struct Document {
    parsed: ExecutableDocument,
    pub(super) is_valid: AtomicBool,
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

type Generation = HashMap<Box<str>, Arc<Document>>;

/// The documents that were asked for lately.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    young: Generation,
    old: Generation,
    /// Bytes of text of the younger generation.
    bytes: usize,
}

impl Documents {
    /// The document of a text, parsed and checked against limits, which must be the same in every call.
    pub fn read(&self, text: &str, limits: &DocumentLimits) -> Result<Arc<Document>, Unreadable> {
        if let Some(known) = self.kept(|kept| kept.find(text)) {
            return Ok(known);
        }
        let document = Arc::new(Document { parsed: parsed(text, limits)?, is_valid: AtomicBool::new(false) });
        self.kept(|kept| kept.keep(text.into(), Arc::clone(&document)));
        Ok(document)
    }

    /// Whether a text is a document that was read and found to fit the schema.
    pub fn knows(&self, text: &str) -> bool {
        self.kept(|kept| kept.find(text)).is_some_and(|document| document.is_valid())
    }

    fn kept<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.0.lock())
    }
}

impl Kept {
    fn find(&mut self, text: &str) -> Option<Arc<Document>> {
        if let Some(known) = self.young.get(text) {
            return Some(Arc::clone(known));
        }
        let (text, known) = self.old.remove_entry(text)?;
        self.keep(text, Arc::clone(&known));
        Some(known)
    }

    fn keep(&mut self, text: Box<str>, document: Arc<Document>) {
        if text.len() > BYTES_MAX {
            return;
        }
        if self.young.len() >= DOCUMENTS_MAX || self.bytes + text.len() > BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += text.len();
        self.young.insert(text, document);
    }
}

fn parsed(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, Unreadable> {
    check::text(text, limits)?;
    let document = async_graphql::parser::parse_query(text).map_err(|error| {
        let mut error: ServerError = error.into();
        // The parser draws the line that it stopped at, however long it is; the location says as much.
        if let Some((_, expected)) = error.message.rsplit_once("\n  = ") {
            error.message = format!("the document is not valid GraphQL: {expected}");
        }
        error.extensions.get_or_insert_default().set("code", Code::ParseFailed.name());
        Unreadable::NotParsed(Box::new(error))
    })?;
    check::document(&document, limits)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::check::tests::LIMITS;

    #[test]
    fn what_is_asked_for_again_stays_and_all_is_bounded() {
        let documents = Documents::default();
        let hot = documents.read("{ viewer { subject } }", &LIMITS).unwrap();
        for i in 0..5 * DOCUMENTS_MAX {
            documents.read(&format!("{{ viewer {{ a{i}: subject }} }}"), &LIMITS).unwrap();
            if i % 100 == 0 {
                assert!(Arc::ptr_eq(&hot, &documents.read("{ viewer { subject } }", &LIMITS).unwrap()));
            }
        }
        let wide = format!("{{ viewer {{ subject }} }}{}", " ".repeat(60 << 10));
        for i in 0..20 {
            documents.read(&format!("{wide}#{i}"), &LIMITS).unwrap();
        }
        let count = documents.kept(|kept| {
            assert!(kept.young.keys().map(|text| text.len()).sum::<usize>() <= BYTES_MAX);
            kept.young.len() + kept.old.len()
        });
        assert!(count <= 2 * DOCUMENTS_MAX, "{count}");
    }

    #[test]
    fn what_may_not_run_is_not_kept() {
        let documents = Documents::default();
        for _ in 0..2 {
            assert!(matches!(documents.read("{ viewer", &LIMITS), Err(Unreadable::NotParsed(_))));
            let itself = "{ ...f } fragment f on Query { ...f }";
            assert!(matches!(documents.read(itself, &LIMITS), Err(Unreadable::Refused(_))));
        }
        assert!(documents.kept(|kept| kept.young.is_empty()));
    }
}
