//! Counts of a list: in total, by value and by time.
//!
//! Each count is one bounded scan over the same rows as the list's pages. A list as of a sequence has the same events
//! in every count, whatever is recorded between the statements. Counts use [`crate::rollup`] if its columns suffice.

pub(crate) mod count;
pub(crate) mod facet;
pub(crate) mod histogram;
