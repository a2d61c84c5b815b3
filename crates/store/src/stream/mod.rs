//! The log in commit order: polled, and followed.

pub(crate) mod feed;
pub(crate) mod tail;
pub(crate) mod follow;
