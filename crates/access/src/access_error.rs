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
    /// The filter refers to several logs.
    Filter(Invalid),
    /// The store returned an error.
    Store(StoreError),
}
