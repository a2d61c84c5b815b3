//! auditgraph: a self-hosted audit log with a typed GraphQL API.
//!
//! This crate is the server and the command line. `docs/development/architecture.md` describes the layers, follows a
//! request through them, and names the decisions behind the design.

pub mod commands;
pub mod config;
mod database;
pub mod http;
pub mod server;
pub mod system;
