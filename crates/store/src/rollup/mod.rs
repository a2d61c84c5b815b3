//! Rollups: counts per block and span, and how a count combines them with events.
//!
//! A list as of a sequence is divided into parts that neither overlap nor leave a gap. Whole quarter hours or days of
//! the blocks that end at or before that sequence come from the rollups. Quarter hours that the list covers partially,
//! and events after the last such block, are counted from the events. Rollups and those events are cached in memory
//! ([`cache`]) and counted there, for any scope and condition. If a count needs a column that rollups lack, the
//! database counts all events instead.

mod key;
mod cache;
mod build;
mod count;

pub use build::BLOCK_EVENTS;
pub(crate) use build::{BlockCounts, SpanCount};
pub(crate) use cache::RollupCache;
pub(crate) use count::Aggregator;
pub(crate) use key::{Grain, KeyColumns, KeyView, RollupKey};
