//! The parts of an event that a caller may not see, removed from an owned event and from a borrowed view alike.
//!
//! Every read passes through [`Event::redacted_for`] or [`EventView::redacted_for`] before anything is matched, counted
//! or shown. The rules are written once, for both forms.

use super::{BodyView, Event, EventBody, EventView, RedactionReason, Scope};

macro_rules! redaction {
    ($event:ty, $body:ty) => {
        impl $event {
            /// Returns the event as a scope shows it, or `None` if the scope does not include the event's service.
            pub fn redacted_for(mut self, scope: &Scope) -> Option<Self> {
                let service: &str = &self.body.service;
                if !scope.visible.has(service) {
                    return None;
                }
                if !scope.sensitive.has(service) && self.body.is_sensitive() {
                    self.is_redacted = true;
                    self.raw = None;
                    self.body.withhold_sensitive();
                }
                Some(self)
            }
        }

        impl $body {
            /// Whether any part of the event is shown only to callers who may see sensitive values.
            pub fn is_sensitive(&self) -> bool {
                self.status_reason_is_sensitive
                    || self.unmapped_is_sensitive
                    || self.additional_details.iter().any(|detail| detail.is_sensitive)
                    || self
                        .targets
                        .iter()
                        .flat_map(|target| &target.modified_properties)
                        .any(|change| change.is_sensitive)
            }

            /// Removes the sensitive values. `unmapped` is removed as a whole, because it can repeat any of them.
            fn withhold_sensitive(&mut self) {
                self.unmapped = None;
                if self.status_reason_is_sensitive {
                    self.status_reason = None;
                }
                for detail in self.additional_details.iter_mut().filter(|detail| detail.is_sensitive) {
                    detail.value = None;
                    detail.redaction = Some(RedactionReason::Sensitive);
                }
                let changes = self.targets.iter_mut().flat_map(|target| &mut target.modified_properties);
                for change in changes.filter(|change| change.is_sensitive) {
                    change.old_value = None;
                    change.new_value = None;
                    change.redaction = Some(RedactionReason::Sensitive);
                }
            }
        }
    };
}

redaction!(Event, EventBody);
redaction!(EventView<'_>, BodyView<'_>);
