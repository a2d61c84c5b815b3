//! DocumentCache that are named instead of sent: those that clients have sent before (automatic persisted queries), and
//! those that the operator trusts.
//!
//! What clients sent is kept separately for each tenant, so that no tenant learns or displaces another's documents. A
//! name is the SHA-256 of the text and is checked against it, so a name never leads to another text. If trusted
//! documents are configured, nothing else runs.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use api::error::ApiError;
use model::Invalid;

/// The most bytes of documents that are kept for a tenant.
const BYTES_MAX: usize = 4 << 20;

type DocumentHash = [u8; 32];

/// How a request names its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum DocumentName {
    /// By its hash, as Apollo's clients do.
    DocumentHash(DocumentHash),
    /// By an id that the operator gave it.
    Id(String),
}

fn hash_of(text: &str) -> DocumentHash {
    Sha256::digest(text.as_bytes()).into()
}

fn malformed(sentence: &str) -> ApiError {
    Invalid::new(sentence).into()
}

impl DocumentName {
    /// The name in a request's `documentId`.
    pub(in crate::http) fn from_id(id: &str) -> Result<Self, ApiError> {
        match id.strip_prefix("sha256:") {
            Some(hash) => Ok(Self::DocumentHash(hexadecimal(hash)?)),
            None => Ok(Self::Id(id.to_owned())),
        }
    }

    /// The name in a request's `extensions`, if there is one.
    pub(in crate::http) fn from_extensions(
        extensions: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(given) = extensions.get("persistedQuery") else { return Ok(None) };
        if given.get("version") != Some(&serde_json::Value::from(1)) {
            return Err(malformed("`persistedQuery` must be of version 1"));
        }
        let hash = given.get("sha256Hash").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(Some(Self::DocumentHash(hexadecimal(hash)?)))
    }
}

fn hexadecimal(text: &str) -> Result<DocumentHash, ApiError> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Option<Vec<u8>> = text.as_bytes().iter().map(digit).collect();
    let bytes = digits.map(|digits| digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect());
    let hash: Option<DocumentHash> =
        bytes.filter(|_| text.len() == 64).and_then(|bytes: Vec<u8>| bytes.try_into().ok());
    hash.ok_or_else(|| malformed("the hash of a document has 64 hexadecimal digits"))
}

/// The documents that can be named.
#[derive(Debug)]
pub struct PersistedQueries {
    trusted: Option<TrustedDocuments>,
    /// How many documents are kept for each tenant.
    documents_max: usize,
    tenants: Mutex<HashMap<String, TenantCache>>,
}

/// The documents that an operator trusts, by id and by hash.
#[derive(Debug, Default)]
pub struct TrustedDocuments(HashMap<String, Arc<str>>);

impl TrustedDocuments {
    /// Reads a manifest: a JSON object of texts by id.
    pub fn parse(manifest: &str) -> Result<Self, String> {
        let documents: HashMap<String, String> = serde_json::from_str(manifest)
            .map_err(|error| format!("it must be a JSON object that maps ids to documents ({error})"))?;
        if documents.is_empty() {
            return Err("it contains no document".to_owned());
        }
        let mut known = HashMap::new();
        for (id, text) in documents {
            if let Err(error) = async_graphql::parser::parse_query(&text) {
                return Err(format!("the document `{id}` is not valid GraphQL: {error}"));
            }
            let text: Arc<str> = text.into();
            known.insert(key(&hash_of(&text)), Arc::clone(&text));
            known.insert(id, text);
        }
        Ok(Self(known))
    }
}

/// How a hash is kept beside ids, which it cannot be taken for.
fn key(hash: &DocumentHash) -> String {
    format!("\0{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash))
}

/// What the clients of a tenant have sent.
#[derive(Debug, Default)]
struct TenantCache {
    /// Text, and when it was used last.
    texts: HashMap<DocumentHash, (Arc<str>, u64)>,
    bytes: usize,
    uses: u64,
}

impl PersistedQueries {
    /// Keeps so many documents for each tenant; with trusted ones, those and nothing else.
    pub fn new(trusted: Option<TrustedDocuments>, documents_max: usize) -> Self {
        Self { trusted, documents_max, tenants: Mutex::default() }
    }

    /// The text of the document that a request sends, or names, or both.
    pub(in crate::http) fn text(
        &self,
        tenant: &str,
        text: Option<String>,
        name: Option<&DocumentName>,
    ) -> Result<Arc<str>, ApiError> {
        let Some(text) = text else {
            let name = name.ok_or_else(|| malformed("`query` is missing"))?;
            return self.named(tenant, name).ok_or(ApiError::DocumentUnknown);
        };
        if let Some(trusted) = &self.trusted {
            let known = trusted.0.get(&key(&hash_of(&text)));
            return known.cloned().ok_or(ApiError::Forbidden("this server runs only the documents that it trusts"));
        }
        match name {
            Some(DocumentName::DocumentHash(hash)) if *hash != hash_of(&text) => {
                Err(malformed("the hash is not that of `query`"))
            }
            _ => Ok(text.into()),
        }
    }

    fn named(&self, tenant: &str, name: &DocumentName) -> Option<Arc<str>> {
        match (&self.trusted, name) {
            (Some(trusted), DocumentName::DocumentHash(hash)) => trusted.0.get(&key(hash)).cloned(),
            (Some(trusted), DocumentName::Id(id)) => trusted.0.get(id).cloned(),
            (None, DocumentName::Id(_)) => None,
            (None, DocumentName::DocumentHash(hash)) => {
                let mut all = self.tenants.lock();
                let kept = all.get_mut(tenant)?;
                kept.uses += 1;
                let (text, used) = kept.texts.get_mut(hash)?;
                *used = kept.uses;
                Some(Arc::clone(text))
            }
        }
    }

    /// Keeps a document that a request has sent with its name and that has passed all checks.
    pub(in crate::http) fn keep(&self, tenant: &str, name: Option<&DocumentName>, text: &Arc<str>) {
        let Some(DocumentName::DocumentHash(hash)) = name else { return };
        if self.trusted.is_some() || self.documents_max == 0 {
            return;
        }
        let mut all = self.tenants.lock();
        let kept = all.entry(tenant.to_owned()).or_default();
        kept.uses += 1;
        if kept.texts.contains_key(hash) {
            return;
        }
        while kept.texts.len() >= self.documents_max || kept.bytes + text.len() > BYTES_MAX {
            let Some(oldest) = kept.texts.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| *hash) else {
                return;
            };
            kept.bytes -= kept.texts.remove(&oldest).map_or(0, |(text, _)| text.len());
        }
        kept.bytes += text.len();
        kept.texts.insert(*hash, (Arc::clone(text), kept.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(persisted: &PersistedQueries, tenant: &str, text: &str) -> DocumentName {
        let name = DocumentName::DocumentHash(hash_of(text));
        let text = persisted.text(tenant, Some(text.to_owned()), Some(&name)).ok().unwrap();
        persisted.keep(tenant, Some(&name), &text);
        name
    }

    fn known(persisted: &PersistedQueries, tenant: &str, name: &DocumentName) -> bool {
        persisted.text(tenant, None, Some(name)).is_ok()
    }

    #[test]
    fn documents_are_kept_for_their_tenant_as_many_as_there_may_be() {
        let persisted = PersistedQueries::new(None, 2);
        let (a, b) = (sent(&persisted, "a", "{ a }"), sent(&persisted, "a", "{ b }"));
        assert!(known(&persisted, "a", &a) && known(&persisted, "a", &b));
        assert!(!known(&persisted, "b", &a), "another tenant does not learn of it");
        assert!(known(&persisted, "a", &a));
        let c = sent(&persisted, "a", "{ c }");
        assert!(known(&persisted, "a", &a) && known(&persisted, "a", &c));
        assert!(!known(&persisted, "a", &b), "what was not used for longest goes");
        let large = sent(&persisted, "a", &format!("{{ d }} #{}", "x".repeat(BYTES_MAX - 8)));
        assert!(known(&persisted, "a", &large) && !known(&persisted, "a", &a), "they are bounded in bytes, too");
    }

    #[test]
    fn a_name_never_leads_to_another_text() {
        let persisted = PersistedQueries::new(None, 2);
        let name = DocumentName::DocumentHash(hash_of("{ a }"));
        assert!(persisted.text("a", Some("{ b }".to_owned()), Some(&name)).is_err());
        assert!(!known(&persisted, "a", &name));
    }

    #[test]
    fn a_manifest_holds_documents_that_can_be_read() {
        assert!(TrustedDocuments::parse(r#"{ "a": "{ viewer { subject } }" }"#).is_ok());
        for wrong in ["", "[]", "{}", r#"{ "a": 1 }"#, r#"{ "a": "{" }"#] {
            assert!(TrustedDocuments::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hashes_are_hexadecimal() {
        assert!(hexadecimal(&"0aF".repeat(32)[..64]).is_ok());
        for wrong in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(hexadecimal(wrong).is_err(), "{wrong}");
        }
    }
}
