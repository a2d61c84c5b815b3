//! What the log promises, on the store itself.

pub(crate) mod arbitrary;
mod record;
mod memory;
mod narrow;
mod sequence;
mod activity;
mod filters;
mod summary;
mod rollups;
mod pages;
mod statements;
mod limits;
mod plans;
mod tenants;
mod rebuild;
mod verify;
