//! Middleware: code that runs around every request.

pub(super) mod client_ip;
pub(super) mod cors;
pub(super) mod envelope;
pub(super) mod metrics;
pub(super) mod request_log;
