//! Marks the sensitive values of an event.

use super::SensitiveNames;
use super::pairs::{holds_name, holds_value};
use crate::{Detail, EventBody, Json, ModifiedProperty};

impl EventBody {
    /// Marks the values that the rules cover. Values that the recorder marked stay marked. Returns whether a value was
    /// marked.
    pub(crate) fn mark_sensitive(&mut self, rules: &SensitiveNames) -> bool {
        let mut is_marked = mark_details(&mut self.additional_details, rules);
        for target in &mut self.targets {
            is_marked |= mark_changes(&mut target.modified_properties, rules);
        }
        if let Some(reason) = &self.status_reason {
            is_marked |= set_mark(&mut self.status_reason_is_sensitive, || rules.covers_inside_string(reason));
        }
        if let Some(unmapped) = &self.unmapped {
            is_marked |= set_mark(&mut self.unmapped_is_sensitive, || rules.covers_inside_json(unmapped.text()));
        }
        is_marked
    }
}

/// Sets the mark of a value if the rules cover it. Returns whether the mark was not set before.
fn set_mark(is_sensitive: &mut bool, is_covered: impl FnOnce() -> bool) -> bool {
    let is_marked = !*is_sensitive && is_covered();
    *is_sensitive |= is_marked;
    is_marked
}

/// Marks the details that the rules cover: by their own key, by their value, or because one detail holds the name of a
/// secret (`Name`: `Password`) and another one its value (`Value`: `...`). Returns whether a detail was marked.
fn mark_details(details: &mut [Detail], rules: &SensitiveNames) -> bool {
    let has_named_secret = details.iter().any(|detail| {
        let name = detail.value.as_ref().and_then(Json::as_str);
        name.is_some_and(|name| rules.is_name_of_secret(&name)) && holds_name(&detail.key)
    });
    let mut is_marked = false;
    for Detail { key, value, is_sensitive, .. } in details {
        let Some(value) = value else { continue };
        is_marked |= set_mark(is_sensitive, || {
            rules.covers(key) || rules.covers_inside_json(value.text()) || (has_named_secret && holds_value(key))
        });
    }
    is_marked
}

/// Marks the changes of one target, as [`mark_details`] does. Returns whether a change was marked.
fn mark_changes(changes: &mut [ModifiedProperty], rules: &SensitiveNames) -> bool {
    let names_secret = |value: &Json| value.as_str().is_some_and(|name| rules.is_name_of_secret(&name));
    let has_named_secret = changes.iter().any(|change| {
        [&change.old_value, &change.new_value].into_iter().flatten().any(names_secret) && holds_name(&change.name)
    });
    let mut is_marked = false;
    for ModifiedProperty { name, old_value, new_value, is_sensitive, .. } in changes {
        is_marked |= set_mark(is_sensitive, || {
            rules.covers(name)
                || (has_named_secret && holds_value(name))
                || [old_value, new_value].into_iter().flatten().any(|value| rules.covers_inside_json(value.text()))
        });
    }
    is_marked
}
