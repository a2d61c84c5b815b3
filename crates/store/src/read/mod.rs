//! Reading: pages, single events, the catalogue, and the resolution of prefilters.
//!
//! [`reader::Reader`] runs the statements; the other files add its methods. They are listed in the order of their
//! dependencies.

pub(crate) mod stored_body;
pub(crate) mod row;
pub(crate) mod reader;
pub(crate) mod key_prefilter;
pub(crate) mod page;
pub(crate) mod matching;
pub(crate) mod events;
pub(crate) mod log_head;
pub(crate) mod actor_search;
pub(crate) mod activities;
