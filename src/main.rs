//! auditgraph
fn main() {}
