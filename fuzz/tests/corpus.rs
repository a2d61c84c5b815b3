//! What is in the corpus holds, without a fuzzer.

use std::path::Path;

#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("it can be listed").path();
        println!("{}", path.display());
        check(&std::fs::read(path).expect("it can be read"));
        count += 1;
    }
    assert!(count > 10, "{count} inputs");
}

#[test]
fn tokens() {
    replay("token", auditgraph_fuzz::token::check);
}

#[test]
fn cursors() {
    replay("cursor", auditgraph_fuzz::cursor::check);
}

#[test]
fn filters() {
    replay("filter", auditgraph_fuzz::filter::check);
}

#[test]
fn documents() {
    replay("document", auditgraph_fuzz::document::check);
}

#[test]
fn records() {
    replay("record", auditgraph_fuzz::record::check);
}
