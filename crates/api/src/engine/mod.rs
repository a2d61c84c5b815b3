//! The request engine: everything between a transport and a resolver.
//!
//! Every transport (POST, GET, server-sent events, WebSocket, export) reads [`parameters::Parameters`], passes them to
//! [`Engine::prepare`] and runs the result with [`Engine::execute`] or [`Engine::execute_stream`]. The engine knows
//! neither HTTP nor WebSocket: a permit, a status code and a timeout belong to the transport. It reports as data what a
//! transport needs to decide: the kind of operation, its names for the request log, and whether it is expensive.
//!
//! Preparing an operation takes these steps, and a later one never sees input that an earlier one refused:
//!
//! 1. [`persisted`] finds the document that the request names, or checks the document that it sends.
//! 2. [`document`] parses it and [`check`]s its size, unless it is in the cache.
//! 3. [`operation`] selects the operation to run, and the transport's rules for it apply.
//! 4. [`variables`] are converted and checked, [`defaults`] filled in.
//! 5. [`cost`] calculates what the operation may cost.

pub mod check;
pub mod context;
mod cost;
mod defaults;
pub mod document;
pub mod execute;
pub mod operation;
pub mod parameters;
pub mod persisted;
mod prepare;
mod variables;

pub use prepare::{Engine, Executable, OperationRule, PrepareError, Prepared};
