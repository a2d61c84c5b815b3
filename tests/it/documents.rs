//! The documents in `tests/documents` are valid in the served schema, and each is used by a test.

use std::fs;
use std::path::Path;

use api::engine::check::DocumentLimits;
use api::engine::document::DocumentCache;
use model::page::PageLimits;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents");

/// The default limits of `auditgraph serve`.
pub(crate) const LIMITS: DocumentLimits = DocumentLimits {
    bytes: 64 << 10,
    tokens: 4_000,
    depth: 12,
    fields: 2_000,
    aliases: 100,
    directives: 50,
    root_fields: 20,
    operations: 10,
    fragments: 50,
    variables_bytes: 64 << 10,
    cost: 250_000,
    page: PageLimits { default: 50, max: 200 },
    introspection: true,
};

#[test]
fn documents_are_valid_in_the_served_schema() {
    let cache = DocumentCache::default();
    let mut count = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let read = cache.read(&fs::read_to_string(&path).unwrap(), &LIMITS);
        assert!(read.is_ok(), "{}: {read:?}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} documents");
}

#[test]
fn every_document_is_used() {
    let mut sources = String::new();
    let mut pending = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources += &fs::read_to_string(&path).unwrap();
        }
    }
    for entry in fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(sources.contains(&format!("documents/{name}\"")), "no test uses {name}");
    }
}
