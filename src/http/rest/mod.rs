//! Routes beside GraphQL: recording and export.

pub(super) mod export;
pub(super) mod record;
