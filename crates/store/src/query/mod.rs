//! SQL: lists, conditions and pages as statements. Nothing here runs one.
//!
//! Each file uses only those above it in this list.

pub(crate) mod sql;
pub(crate) mod driving_table;
pub(crate) mod condition;
pub(crate) mod merge;
pub(crate) mod prefilter;
pub(crate) mod select;
