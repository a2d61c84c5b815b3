//! auditgraph

pub mod audit;
pub mod auth;
pub mod store;
pub mod access;
pub mod graphql;
