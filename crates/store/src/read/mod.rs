//! Reading the log.

pub(crate) mod row;
pub(crate) mod reader;
pub(crate) mod page;
pub(crate) mod key_prefilter;
pub(crate) mod events;
pub(crate) mod log_head;
pub(crate) mod actor_search;
pub(crate) mod activities;
