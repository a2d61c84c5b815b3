//! auditgraph

pub mod audit;
