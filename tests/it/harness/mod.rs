//! What the tests stand on: a database of their own, a server on a free port, callers by role, events to record.

pub(crate) mod accesses;
pub(crate) mod app;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod database;
pub(crate) mod events;
pub(crate) mod key_set;
pub(crate) mod keys;
pub(crate) mod proxy;
pub(crate) mod stream;
pub(crate) mod wait;
