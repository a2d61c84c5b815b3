//! The rules that determine the operation type and the resource type of an activity.
//!
//! Both are ordered tables: the first rule that matches decides. Names are split into words, so `createDeviceShellScript`,
//! `Group_AddMember`, `FileModified`, `New-InboxRule` and `Add user` need no separate tables.
//!
//! The name of an activity comes before the verb that a source gives with it, because not every route of the same event
//! has that verb. [`super::catalogue::kinds`] applies the rules to events.

mod operation;
mod resource;

pub use operation::operation_type;
pub use resource::resource_type;

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    super::fold::words(name).iter().map(|word| word.to_lowercase()).collect()
}
