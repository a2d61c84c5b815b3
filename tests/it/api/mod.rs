//! The API as its callers meet it: over HTTP, by role.

mod events;
mod import;
