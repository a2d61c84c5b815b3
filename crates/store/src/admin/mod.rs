//! Operations for operators: schema, tenants, backup, copy, dump and verification.

pub(crate) mod backup;
pub(crate) mod copy;
pub(crate) mod dump;
pub(crate) mod row_progress;
pub(crate) mod schema;
pub(crate) mod tenants;
pub(crate) mod verify;
