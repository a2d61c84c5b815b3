//! Integration tests, through the real server and on the real databases.
//!
//! With `AUDITGRAPH_TEST_POSTGRES_URL` set they run on that PostgreSQL server, each test in a schema of its own;
//! without it on SQLite, each in a file of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test panics on failure, and may use the environment, the clock and random ids"
)]

mod architecture;
mod documents;
mod harness;
mod schema;
mod words;
mod store;
mod api;
mod command;
mod outage;
