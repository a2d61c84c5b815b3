//! The reasons why access is denied or not possible.

use model::Invalid;
use store::StoreError;

/// The reason why access is denied or not possible.
#[derive(Clone, Debug)]
pub enum AccessError {
    /// The tenant does not exist or is disabled.
    Tenant,
    /// The caller has no role that permits reading.
    Role,
    /// The caller is not permitted to record.
    Recording,
    /// The caller is not permitted to manage API keys.
    Administration,
    /// The input is invalid, such as a filter that refers to several logs.
    Invalid(Invalid),
    /// The store returned an error.
    Store(StoreError),
}
