//! The documents in `tests/documents` are valid in the served schema, and each is used by a test.

use std::fs;
use std::path::Path;

use api::{Executor, Limits};
use async_graphql::Request;
use futures_util::StreamExt as _;
use model::page::PageLimits;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents");

#[tokio::test]
async fn documents_are_valid_in_the_served_schema() {
    let executor = Executor::new(Limits { page: PageLimits { default: 50, max: 200 } });
    let mut count = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let request = Request::new(fs::read_to_string(&path).unwrap());
        // Without a caller every operation fails, but only errors of validation have no path.
        let mut responses = executor.validating().execute_stream(request).boxed();
        let response = responses.next().await.unwrap();
        let invalid: Vec<_> = response.errors.iter().filter(|error| error.path.is_empty()).collect();
        assert!(invalid.is_empty(), "{}: {invalid:?}", path.display());
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
