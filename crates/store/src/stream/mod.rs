//! The log in commit order: polling ([`feed`]) and following ([`follow`], fed by [`tail`]).

pub(crate) mod feed;
pub(crate) mod tail;
pub(crate) mod follow;
