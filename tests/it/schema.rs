//! `schema.graphql` equals the served schema. To update it: `UPDATE_SCHEMA=1 cargo nextest run schema`.

#[test]
fn schema_file_equals_the_served_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let served = api::schema_definition();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &served).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differing = written.lines().zip(served.lines()).find(|(written, served)| written != served);
    assert!(written == served, "schema.graphql differs from the served schema, see tests/it/schema.rs: {differing:?}");
}
