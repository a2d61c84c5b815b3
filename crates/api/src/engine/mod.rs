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
//! 2. [`document`] parses it ([`syntax`]), [`check`]s its size and [`validate`]s it, unless it is in the cache.
//! 3. The operation to run is selected, and the transport's rules for it apply.
//! 4. [`inputs`] converts the variables to their types.
//! 5. [`flatten`] resolves its fragments and merges equal fields, and [`inputs`] resolves its arguments.
//! 6. [`cost`] calculates what the operation may cost.
//!
//! The library executes the result; its own parser and validation are not used (see ADR 17).

pub mod check;
pub mod context;
mod cost;
pub mod document;
mod execute;
mod flatten;
mod inputs;
pub mod operation;
pub mod parameters;
pub mod persisted;
mod prepare;
mod syntax;
mod type_system;
mod validate;
mod variables;

pub use prepare::{Engine, Executable, OperationRule, PrepareError, Prepared};
