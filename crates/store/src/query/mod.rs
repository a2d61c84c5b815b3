//! Builds the SQL of lists, pages and counts. Nothing here runs a statement.
//!
//! The files are listed in the order of their dependencies: each uses only those above it.

pub(crate) mod sql;
pub(crate) mod string;
pub(crate) mod driving_table;
pub(crate) mod condition;
pub(crate) mod merge;
pub(crate) mod prefilter;
pub(crate) mod select;
