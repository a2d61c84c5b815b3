//! Which part of a count comes from the rollups, and which from the events themselves.
//!
//! A list as of a place is cut into parts that do not overlap and leave nothing out: whole quarter hours or days of the
//! blocks that end at or before that place come from the rollups; quarter hours of which the list covers only a part,
//! and events recorded after the last such block, are counted from the events. Rollups and those events are kept in
//! memory ([`cache`]) and counted there, for any scope and condition. A count that needs anything that rollups do not
//! have is made by the database from the events alone.

mod key;
mod cache;
mod build;
mod count;

pub use build::BLOCK_EVENTS;
pub(crate) use build::{BlockCounts, SpanCount};
pub(crate) use cache::RollupCache;
pub(crate) use count::Aggregator;
pub(crate) use key::{Grain, KeyColumns, RollupKey};
