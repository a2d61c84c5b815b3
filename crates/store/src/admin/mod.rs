//! What only an operator does.

pub(crate) mod backup;
pub(crate) mod copy;
pub(crate) mod schema;
pub(crate) mod tenants;
pub(crate) mod verify;
