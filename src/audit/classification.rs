//! The written rules for what kind of operation an activity is and which type of resource it acts on.

use super::{OperationType, ResourceType};

/// What kind of operation an activity is: by the verb that the source gives (`Add`, `Patch`, `SetReference`, ...) if
/// it gives one that is known, else by the activity's own name.
pub fn operation_type(_verb: Option<&str>, _activity: &str) -> OperationType {
    OperationType::Other
}

/// Which type of resource an activity acts on: by its category, its name and the types of its targets.
pub fn resource_type<'a>(
    _category: &str,
    _activity: &str,
    _target_types: impl IntoIterator<Item = &'a str>,
) -> ResourceType {
    ResourceType::Other
}
