//! Rows of the audit log's tables, and nothing else: what they mean is said in `audit`, how they are read and
//! written in `store`.

pub mod tenant;
pub mod tenant_log;
pub mod audit_event;
pub mod event_key;
pub mod actor;
pub mod target;
pub mod event_target;
pub mod property_change;
pub mod activity_type;
pub mod rollup_block;
pub mod rollup_key;
pub mod rollup;
