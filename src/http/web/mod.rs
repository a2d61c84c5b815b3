//! The embedded viewer and API explorer, and their sign-in configuration.

pub(super) mod sign_in;
pub(super) mod viewer;
