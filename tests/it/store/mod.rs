//! What the log promises, on the store itself.

mod record;
