//! Checks every file of the corpus, without a fuzzer.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test panics on failure and prints the file")]

use std::path::Path;

/// Runs a check on every file of a corpus folder. The test output names the file of a failure.
#[track_caller]
fn check_corpus(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus folder exists") {
        let path = entry.expect("the corpus folder is readable").path();
        println!("{}", path.display());
        check(&std::fs::read(path).expect("the corpus file is readable"));
        count += 1;
    }
    assert!(count > 10, "{count} inputs");
}

#[test]
fn token_corpus_passes() {
    check_corpus("token", fuzz::token::check);
}

#[test]
fn cursor_corpus_passes() {
    check_corpus("cursor", fuzz::cursor::check);
}

#[test]
fn filter_corpus_passes() {
    check_corpus("filter", fuzz::filter::check);
}

#[test]
fn document_corpus_passes() {
    check_corpus("document", fuzz::document::check);
}

#[test]
fn record_corpus_passes() {
    check_corpus("record", fuzz::record::check);
}

#[test]
fn body_corpus_passes() {
    check_corpus("body", fuzz::body::check);
}
