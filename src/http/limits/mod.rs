//! Limits per caller and per client address.

pub(super) mod concurrency;
pub(super) mod stream_quota;
