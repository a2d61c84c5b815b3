//! The API as its callers meet it: over HTTP, by role.

mod access;
mod actors;
mod catalogue;
mod errors;
mod limits;
mod events;
mod failures;
mod feed;
mod filters;
mod import;
mod issuers;
mod key_sets;
mod pages;
mod party_filters;
mod periods;
mod record;
mod refused_filters;
mod secrets;
mod subscriptions;
mod summary;
mod tenants;
mod tokens;
mod written;
mod viewer;
