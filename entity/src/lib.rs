//! The rows of the audit log's tables. `model` defines their meaning, and `store` reads and writes them.

pub mod tenant;
pub mod tenant_log;
pub mod api_key;
pub mod term;
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
