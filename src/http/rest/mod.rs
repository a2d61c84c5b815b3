//! Routes beside GraphQL: recording and export.

pub(super) mod export;
mod json_body;
pub(super) mod record;
