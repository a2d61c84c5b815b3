//! `schema.graphql` is what is served. To write it anew: `UPDATE_SCHEMA=1 cargo nextest run schema`.

#[test]
fn schema_graphql_is_what_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let served = api::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &served).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differing = written.lines().zip(served.lines()).find(|(written, served)| written != served);
    assert!(written == served, "schema.graphql is not what is served, see tests/it/schema.rs: {differing:?}");
}
