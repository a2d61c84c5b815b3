//! Access control: turns a principal and a store into a [`Reader`](store::Reader) or a [`Recorder`].
//!
//! This is the only crate that creates readers and writers, so it is the only place where the scope of a caller's roles
//! ([`Principal::read_scope`](auth::Principal::read_scope)) becomes the row filter of a reader. Code without a reader
//! or a recorder cannot read or record.
//!
//! - [`access_control`]: looks up the tenant of a principal, and caches it for a few seconds.
//! - [`api_keys`]: looks up and verifies API keys; [`api_key_administration`] creates and withdraws them.
//! - [`caller`]: a principal in its tenant, and the readers and recorders that its roles permit.
//! - [`recorder`]: validates events, adds their provenance and records them; [`outcome_counts`] counts the outcomes.
//! - [`target_log`]: selects the log that a filter refers to: the tenant's events, or the accesses to them.
//! - [`service_event`]: events that the service itself records.
//! - [`access_record`] and [`access_log`]: record which caller reads which events.

mod access_control;
mod access_error;
mod access_log;
mod access_record;
mod api_key_administration;
mod api_keys;
mod caller;
mod outcome_counts;
mod recorder;
mod service_event;
mod target_log;

pub use access_control::{AccessControl, operator_reader, operator_writer};
pub use access_error::AccessError;
pub use access_log::{AccessActivity, AccessLog};
pub use access_record::AccessRecord;
pub use api_key_administration::{
    Administrator, ApiKeyAdministration, ApiKeyEntry, ApiKeyRequest, CreatedApiKey, RandomSource, Rotation,
};
pub use api_keys::{ApiKeys, AuthenticationError};
pub use caller::Caller;
pub use outcome_counts::{OutcomeCounter, OutcomeCounts};
pub use recorder::{PreparedEvents, Recorded, Recorder};
pub use target_log::IdGenerator;
