//! Counts of what a list selects.

pub(crate) mod count;
pub(crate) mod facet;
pub(crate) mod histogram;
