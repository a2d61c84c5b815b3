//! The test harness: a database per test, a server on a free port, clients by role, and events to record.

pub(crate) mod access_log;
pub(crate) mod api_keys;
pub(crate) mod app;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod cli;
pub(crate) mod database;
pub(crate) mod events;
pub(crate) mod key_set;
pub(crate) mod keys;
pub(crate) mod database_proxy;
pub(crate) mod stream;
pub(crate) mod wait;
