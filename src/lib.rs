//! auditgraph

pub mod audit;
pub mod foreign;
pub mod auth;
pub mod store;
pub mod access;
pub mod graphql;
pub mod http;
pub mod import;
pub mod demo;
pub mod config;
pub mod app;
