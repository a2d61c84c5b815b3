//! Persisted queries: documents that a request names instead of sending.
//!
//! There are two kinds. *Automatic* persisted queries are the documents that clients sent earlier together with their
//! hash; each tenant has its own cache of them, so that no tenant learns or displaces the documents of another.
//! *Trusted* documents are configured by the operator; if there are any, no other document runs. A hash is always
//! compared with the text, so a name never leads to another document.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::syntax::{self, PositionedError};
use crate::error::ApiError;
use model::Invalid;

/// The most bytes of documents that the cache of one tenant holds.
const TENANT_BYTES_MAX: usize = 4 << 20;
/// The entries for which the cache of a tenant allocates memory at first.
const CAPACITY_AT_FIRST: usize = 64;

/// The SHA-256 of a document's text.
type DocumentHash = [u8; 32];

/// How a request names its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentName {
    /// By its hash, as Apollo's clients do. They send the text if the hash is unknown.
    Hash(DocumentHash),
    /// By its hash as an id.
    HashId(DocumentHash),
    /// By its id in the manifest of trusted documents.
    Id(String),
}

fn hash_of(text: &str) -> DocumentHash {
    Sha256::digest(text.as_bytes()).into()
}

fn invalid(sentence: &str) -> ApiError {
    Invalid::new(sentence).into()
}

impl DocumentName {
    /// Reads `documentId`: `sha256:` with a hash, or an id.
    pub(super) fn from_id(id: &str) -> Result<Self, ApiError> {
        match id.strip_prefix("sha256:") {
            Some(hash) => Ok(Self::HashId(parse_hash(hash)?)),
            None => Ok(Self::Id(id.to_owned())),
        }
    }

    /// Reads `extensions.persistedQuery`; `None` if it is absent.
    pub(super) fn from_extensions(extensions: &Map<String, Value>) -> Result<Option<Self>, ApiError> {
        let Some(persisted) = extensions.get("persistedQuery") else { return Ok(None) };
        if persisted.get("version") != Some(&Value::from(1)) {
            return Err(invalid("`persistedQuery` must be of version 1"));
        }
        let hash = persisted.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
        Ok(Some(Self::Hash(parse_hash(hash)?)))
    }
}

impl DocumentName {
    fn hash(&self) -> Option<&DocumentHash> {
        match self {
            Self::Hash(hash) | Self::HashId(hash) => Some(hash),
            Self::Id(_) => None,
        }
    }
}

fn parse_hash(digits: &str) -> Result<DocumentHash, ApiError> {
    let mut hash = DocumentHash::default();
    hex::decode_to_slice(digits, &mut hash)
        .map_err(|_not_hexadecimal| invalid("the hash of a document has 64 hexadecimal digits"))?;
    Ok(hash)
}

/// The documents that can be named.
#[derive(Debug)]
pub struct PersistedQueries {
    trusted: Option<TrustedDocuments>,
    /// The most documents in the cache of one tenant; 0 if automatic persisted queries are off.
    documents_max: usize,
    tenants: Mutex<HashMap<String, TenantDocuments>>,
}

/// The documents that the operator trusts.
#[derive(Debug, Default)]
pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<str>>,
    by_hash: HashMap<DocumentHash, Arc<str>>,
}

impl TrustedDocuments {
    /// Parses a manifest: a JSON object that maps ids to documents.
    ///
    /// # Errors
    ///
    /// Returns a sentence for the operator if the manifest is not such an object, is empty, or contains a document
    /// that is not GraphQL.
    pub fn parse(manifest: &str) -> Result<Self, String> {
        let documents: HashMap<String, String> = serde_json::from_str(manifest)
            .map_err(|error| format!("it must be a JSON object that maps ids to documents ({error})"))?;
        if documents.is_empty() {
            return Err("it contains no document".to_owned());
        }
        let mut trusted = Self::default();
        for (id, text) in documents {
            if let Err(PositionedError { sentence, pos }) = syntax::parse(&text) {
                return Err(format!("the document `{id}` is not valid GraphQL: {pos}: {sentence}"));
            }
            let text: Arc<str> = text.into();
            trusted.by_hash.insert(hash_of(&text), Arc::clone(&text));
            trusted.by_id.insert(id, text);
        }
        Ok(trusted)
    }
}

/// The documents that the clients of a tenant sent. Shared by reference, so that the lock of the map is held briefly.
type TenantDocuments = Arc<Cache<DocumentHash, Arc<str>, DocumentWeight>>;

/// Weighs a document by its bytes, at least by the share of one of `documents_max` documents.
#[derive(Clone, Copy, Debug)]
struct DocumentWeight {
    min: u64,
}

impl Weighter<DocumentHash, Arc<str>> for DocumentWeight {
    fn weight(&self, _hash: &DocumentHash, text: &Arc<str>) -> u64 {
        (text.len() as u64).max(self.min)
    }
}

impl PersistedQueries {
    /// Caches at most `documents_max` documents for each tenant. With trusted documents, only those may run and nothing
    /// is cached.
    pub fn new(trusted: Option<TrustedDocuments>, documents_max: usize) -> Self {
        Self { trusted, documents_max, tenants: Mutex::default() }
    }

    /// The text of the document that a request sends, names, or both.
    ///
    /// # Errors
    ///
    /// Fails if the named document is unknown, if the sent document is not trusted, or if the hash is not that of the
    /// text.
    pub(super) fn resolve(
        &self,
        tenant: &str,
        text: Option<String>,
        name: Option<&DocumentName>,
    ) -> Result<Arc<str>, ApiError> {
        let Some(text) = text else {
            let name = name.ok_or_else(|| invalid("`query` is missing"))?;
            return self.find(tenant, name).ok_or(match name {
                DocumentName::Hash(_) if self.trusted.is_none() => ApiError::PersistedQueryUnknown,
                _ => ApiError::DocumentUnknown,
            });
        };
        if let Some(trusted) = &self.trusted {
            let document = trusted.by_hash.get(&hash_of(&text)).cloned();
            return document.ok_or(ApiError::Forbidden("this server runs only the documents that it trusts"));
        }
        if name.and_then(DocumentName::hash).is_some_and(|hash| *hash != hash_of(&text)) {
            return Err(invalid("the hash is not that of `query`"));
        }
        Ok(text.into())
    }

    fn find(&self, tenant: &str, name: &DocumentName) -> Option<Arc<str>> {
        match (&self.trusted, name) {
            (Some(trusted), DocumentName::Id(id)) => trusted.by_id.get(id).cloned(),
            (Some(trusted), _) => trusted.by_hash.get(name.hash()?).cloned(),
            (None, _) => {
                let hash = name.hash()?;
                let cache = self.tenants.lock().get(tenant).map(Arc::clone)?;
                cache.get(hash)
            }
        }
    }

    /// Caches a document that passed all checks, if the request sent it with its hash.
    pub(super) fn insert(&self, tenant: &str, name: Option<&DocumentName>, text: &Arc<str>) {
        let Some(hash) = name.and_then(DocumentName::hash) else { return };
        if self.trusted.is_some() || self.documents_max == 0 {
            return;
        }
        let cache = Arc::clone(
            self.tenants.lock().entry(tenant.to_owned()).or_insert_with(|| tenant_cache(self.documents_max)),
        );
        if cache.get(hash).is_none() {
            cache.insert(*hash, Arc::clone(text));
        }
    }
}

fn tenant_cache(documents_max: usize) -> TenantDocuments {
    let weight = DocumentWeight { min: (TENANT_BYTES_MAX / documents_max) as u64 };
    let (items, bytes) = (documents_max.min(CAPACITY_AT_FIRST), TENANT_BYTES_MAX as u64);
    let mut options = OptionsBuilder::new();
    // A single shard, so that a long document has room.
    options.shards(1).estimated_items_capacity(items).weight_capacity(bytes);
    Arc::new(match options.build() {
        Ok(options) => Cache::with_options(options, weight, DefaultHashBuilder::default(), DefaultLifecycle::default()),
        // Unreachable: all required options are set.
        Err(_) => Cache::with_weighter(items, bytes, weight),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn send(persisted: &PersistedQueries, tenant: &str, text: &str) -> DocumentName {
        let name = DocumentName::Hash(hash_of(text));
        let text = persisted.resolve(tenant, Some(text.to_owned()), Some(&name)).ok().unwrap();
        persisted.insert(tenant, Some(&name), &text);
        name
    }

    fn is_cached(persisted: &PersistedQueries, tenant: &str, name: &DocumentName) -> bool {
        persisted.resolve(tenant, None, Some(name)).is_ok()
    }

    #[test]
    fn documents_are_cached_per_tenant() {
        let persisted = PersistedQueries::new(None, 10);
        let name = send(&persisted, "a", "{ a }");
        assert!(is_cached(&persisted, "a", &name) && !is_cached(&persisted, "b", &name));
    }

    #[test]
    fn cache_is_bounded_in_documents_and_bytes() {
        let persisted = PersistedQueries::new(None, 20);
        let count = |names: &[DocumentName]| names.iter().filter(|name| is_cached(&persisted, "a", name)).count();
        let hot = send(&persisted, "a", "{ hot }");
        let mut names = Vec::new();
        for i in 0..200 {
            names.push(send(&persisted, "a", &format!("{{ a{i} }}")));
            assert!(is_cached(&persisted, "a", &hot), "a document in use stays");
        }
        assert!((10..20).contains(&count(&names)), "{}", count(&names));
        let large = send(&persisted, "a", &format!("{{ large }} #{}", "x".repeat(3 << 20)));
        assert!(is_cached(&persisted, "a", &large) && count(&names) <= 5, "{}", count(&names));
    }

    #[test]
    fn hash_of_another_text_is_refused() {
        let persisted = PersistedQueries::new(None, 2);
        let name = DocumentName::Hash(hash_of("{ a }"));
        assert!(persisted.resolve("a", Some("{ b }".to_owned()), Some(&name)).is_err());
        assert!(!is_cached(&persisted, "a", &name));
    }

    #[test]
    fn trusted_documents_are_found_by_id_and_hash_and_exclude_others() {
        let trusted = TrustedDocuments::parse(r#"{ "a": "{ viewer { subject } }" }"#).unwrap();
        let persisted = PersistedQueries::new(Some(trusted), 2);
        let text = "{ viewer { subject } }";
        assert!(is_cached(&persisted, "a", &DocumentName::Id("a".to_owned())));
        assert!(is_cached(&persisted, "a", &DocumentName::Hash(hash_of(text))));
        assert!(persisted.resolve("a", Some(text.to_owned()), None).is_ok());
        assert!(persisted.resolve("a", Some("{ a }".to_owned()), None).is_err());
    }

    #[test]
    fn only_an_unknown_automatic_persisted_query_asks_for_its_text() {
        let trusted = || TrustedDocuments::parse(r#"{ "a": "{ viewer { subject } }" }"#).unwrap();
        let (hash, id) = (DocumentName::Hash([0; 32]), DocumentName::Id("b".to_owned()));
        for (trusted, name, code) in [
            (None, &hash, Code::PersistedQueryNotFound),
            (None, &id, Code::DocumentNotFound),
            (None, &DocumentName::HashId([0; 32]), Code::DocumentNotFound),
            (Some(trusted()), &hash, Code::DocumentNotFound),
            (Some(trusted()), &id, Code::DocumentNotFound),
        ] {
            let error = PersistedQueries::new(trusted, 2).resolve("a", None, Some(name)).unwrap_err();
            assert_eq!(error.code(), code, "{name:?}");
        }
    }

    #[test]
    fn invalid_manifest_is_refused() {
        for manifest in ["", "[]", "{}", r#"{ "a": 1 }"#, r#"{ "a": "{" }"#] {
            assert!(TrustedDocuments::parse(manifest).is_err(), "{manifest}");
        }
    }

    #[test]
    fn hash_has_64_hexadecimal_digits() {
        assert!(parse_hash(&"0aF".repeat(32)[..64]).is_ok());
        for digits in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(parse_hash(digits).is_err(), "{digits}");
        }
    }
}
