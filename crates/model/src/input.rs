//! Events as applications record them, by the mutation or by the batch endpoint.
//!
//! [`EventInput`] is generated in [`super::fields`]. It becomes a body once the catalogue's defaults are filled in. Its
//! limits are lower than those of the log, which also accepts records of other systems. All problems are reported,
//! each with its path.

use std::mem::swap;

use super::catalogue::{Activity, catalogue, kinds};
use super::event::{Problem, ProblemCode};
use super::json::hash16;
use super::{
    ActorApplication, ActorKind, EventBody, EventInput, Json, ModifiedProperty, OperationType, Recording, ResourceType,
    Target,
};

/// The most targets of an event that an application records.
pub const TARGETS_MAX: usize = 50;
/// The most changes of a target that an application records.
pub const CHANGES_MAX: usize = 200;
/// The most details of an event that an application records.
pub const DETAILS_MAX: usize = 50;
/// The most permissions of an actor that an application records.
const PERMISSIONS_MAX: usize = 200;
/// The most bytes of a correlation id.
pub(super) const CORRELATION_ID_BYTES_MAX: usize = 200;
/// The most bytes of a name, an id or an address.
pub const NAME_BYTES_MAX: usize = 1_024;
/// The most bytes of a status reason or of the value of a detail.
pub(super) const STRING_BYTES_MAX: usize = 32 << 10;

/// The values of the fields that an application may omit, from the catalogue entry of the activity or by the rules for its
/// name.
pub(super) struct CatalogueDefaults {
    pub(super) activity_display_name: String,
    pub(super) operation_type: OperationType,
    pub(super) resource_type: ResourceType,
}

impl CatalogueDefaults {
    /// The defaults in the hash of an input.
    const fn neutral() -> Self {
        Self {
            activity_display_name: String::new(),
            operation_type: OperationType::Other,
            resource_type: ResourceType::Other,
        }
    }

    fn of(input: &EventInput) -> Self {
        let EventInput { service, category, activity, targets, .. } = input;
        let known = catalogue().find(service, category, activity);
        let target_types = targets.iter().filter_map(|target| target.kind.as_deref());
        let (operation_type, resource_type) = kinds(Activity { service, category, activity, verb: None }, target_types);
        Self {
            activity_display_name: known.map_or(activity, |entry| &entry.display_name).clone(),
            operation_type,
            resource_type,
        }
    }
}

impl EventBody {
    /// Replaces the fields that the input did not give, and returns their values.
    fn replace_defaults(&mut self, defaults: CatalogueDefaults, given: [bool; 3]) -> CatalogueDefaults {
        let mut replaced = defaults;
        let [has_display_name, has_operation_type, has_resource_type] = given;
        if !has_display_name {
            swap(&mut self.activity_display_name, &mut replaced.activity_display_name);
        }
        if !has_operation_type {
            swap(&mut self.operation_type, &mut replaced.operation_type);
        }
        if !has_resource_type {
            swap(&mut self.resource_type, &mut replaced.resource_type);
        }
        replaced
    }
}

impl EventInput {
    /// Converts the input to the body to record. The second value is a hash of all fields of the input, before the
    /// catalogue's defaults, so that it stays the same if those change.
    ///
    /// # Errors
    ///
    /// All limits and rules that the input breaks.
    pub fn into_body(self, recording: Recording) -> Result<(EventBody, [u8; 16]), Vec<Problem>> {
        let mut problems = Problems::default();
        self.check(&mut problems);
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        let defaults = CatalogueDefaults::of(&self);
        let given = [self.activity_display_name.is_some(), self.operation_type.is_some(), self.resource_type.is_some()];
        let mut body = self.with_defaults(defaults, recording);
        let defaults = body.replace_defaults(CatalogueDefaults::neutral(), given);
        let mut input = body.statement_hash().to_vec();
        body.replace_defaults(defaults, given);
        input.extend(given.map(u8::from));
        Ok((body, hash16(&input)))
    }

    fn check(&self, problems: &mut Problems) {
        self.check_strings(problems);
        self.check_actor(problems);
        problems.count("targets", self.targets.len(), TARGETS_MAX);
        for (i, target) in self.targets.iter().enumerate() {
            check_target(&format!("targets.{i}"), target, problems);
        }
        problems.count("additionalDetails", self.additional_details.len(), DETAILS_MAX);
        for (i, detail) in self.additional_details.iter().enumerate() {
            problems.string(&format!("additionalDetails.{i}.key"), Some(&detail.key), NAME_BYTES_MAX);
            let Some(value) = &detail.value else { continue };
            let path = format!("additionalDetails.{i}.value");
            match detail.string() {
                Some(string) => problems.string(&path, Some(&string), STRING_BYTES_MAX),
                None => problems.value(&path, value, STRING_BYTES_MAX),
            }
        }
    }

    fn check_actor(&self, problems: &mut Problems) {
        let actor = &self.actor;
        let kind = match actor.kind {
            ActorKind::User => "actor.user",
            ActorKind::Application => "actor.application",
            ActorKind::System | ActorKind::Unknown => "actor.system",
        };
        let strings = [
            ("userPrincipalName", &actor.user_principal_name),
            ("displayName", &actor.display_name),
            ("objectId", &actor.object_id),
            ("servicePrincipalName", &actor.service_principal_name),
            ("ipAddress", &actor.ip_address),
            ("userAgent", &actor.user_agent),
        ];
        for (name, string) in strings {
            problems.string(&format!("{kind}.{name}"), string.as_ref(), NAME_BYTES_MAX);
        }
        if let Some(ActorApplication { application_id, display_name }) = &actor.application {
            problems.string(&format!("{kind}.application.applicationId"), application_id.as_ref(), NAME_BYTES_MAX);
            problems.string(&format!("{kind}.application.displayName"), display_name.as_ref(), NAME_BYTES_MAX);
        }
        problems.count(&format!("{kind}.permissions"), actor.permissions.len(), PERMISSIONS_MAX);
        for (i, permission) in actor.permissions.iter().enumerate() {
            problems.string(&format!("{kind}.permissions.{i}"), Some(permission), NAME_BYTES_MAX);
        }
        let is_named = |names: &[Option<&String>]| names.iter().flatten().any(|name| !name.trim().is_empty());
        match actor.kind {
            ActorKind::User
                if !is_named(&[
                    actor.user_principal_name.as_ref(),
                    actor.display_name.as_ref(),
                    actor.object_id.as_ref(),
                ]) =>
            {
                problems.invalid(kind, "needs a `userPrincipalName`, a `displayName` or an `objectId`");
            }
            ActorKind::Application if actor.shown_name().is_none() && actor.application_id().is_none() => {
                problems.invalid(kind, "needs the application's `applicationId` or `displayName`");
            }
            ActorKind::System if !is_named(&[actor.display_name.as_ref()]) => {
                problems.invalid("actor.system.name", "must not be empty");
            }
            _ => {}
        }
    }
}

fn check_target(path: &str, target: &Target, problems: &mut Problems) {
    problems.string(&format!("{path}.objectId"), target.object_id.as_ref(), NAME_BYTES_MAX);
    problems.string(&format!("{path}.displayName"), target.display_name.as_ref(), NAME_BYTES_MAX);
    problems.string(&format!("{path}.userPrincipalName"), target.user_principal_name.as_ref(), NAME_BYTES_MAX);
    problems.string(&format!("{path}.applicationId"), target.application_id.as_ref(), NAME_BYTES_MAX);
    problems.string(&format!("{path}.type"), target.kind.as_ref(), NAME_BYTES_MAX);
    if target.kind.as_ref().is_none_or(|kind| kind.trim().is_empty()) {
        problems.invalid(&format!("{path}.type"), "must not be empty");
    }
    problems.count(&format!("{path}.modifiedProperties"), target.modified_properties.len(), CHANGES_MAX);
    for (i, change) in target.modified_properties.iter().enumerate() {
        let path = format!("{path}.modifiedProperties.{i}");
        problems.string(&format!("{path}.name"), Some(&change.name), NAME_BYTES_MAX);
        for (name, value) in [("oldValue", &change.old_value), ("newValue", &change.new_value)] {
            if value.as_ref().is_some_and(contains_nul) {
                problems.invalid(&format!("{path}.{name}"), "must not contain the character NUL");
            }
        }
    }
}

/// Whether a JSON value contains the character NUL, which JSON can only represent as an escape.
fn contains_nul(value: &Json) -> bool {
    let text = value.text();
    text.match_indices("\\u0000").any(|(at, _)| {
        // After an even number of backslashes, the next backslash starts an escape.
        text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
    })
}

/// A change that an application records.
pub fn change(name: String, old: Option<Json>, new: Option<Json>, is_sensitive: bool) -> ModifiedProperty {
    ModifiedProperty { is_sensitive, ..ModifiedProperty::new(name, old, new) }
}

/// Collects the problems of an input.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    fn invalid(&mut self, path: &str, rule: &str) {
        self.0.push(Problem::new(path, ProblemCode::Invalid, rule));
    }

    pub(super) fn string(&mut self, path: &str, string: Option<&String>, bytes_max: usize) {
        let Some(string) = string else { return };
        if string.len() > bytes_max {
            self.0.push(Problem::new(path, ProblemCode::TooLong, format!("may have at most {bytes_max} bytes")));
        }
        if string.contains('\0') {
            self.invalid(path, "must not contain the character NUL");
        }
    }

    /// Reports a value that is too long or contains NUL.
    fn value(&mut self, path: &str, value: &Json, bytes_max: usize) {
        if value.text().len() > bytes_max {
            self.0.push(Problem::new(path, ProblemCode::TooLong, format!("may have at most {bytes_max} bytes")));
        }
        if contains_nul(value) {
            self.invalid(path, "must not contain the character NUL");
        }
    }

    fn count(&mut self, path: &str, count: usize, max: usize) {
        if count > max {
            let rule = format!("may have at most {max} elements, but has {count}");
            self.0.push(Problem::new(path, ProblemCode::TooLong, rule));
        }
    }
}
