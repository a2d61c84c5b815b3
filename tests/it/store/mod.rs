//! What the log promises, on the store itself.

mod arbitrary;
mod record;
mod filters;
