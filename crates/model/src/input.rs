//! Events as applications give them: the one form behind the mutation and the batch endpoint.
//!
//! An input becomes a body with the catalogue's defaults filled in. Its limits are tighter than those of the log, which
//! also accepts what other systems recorded. All its problems are reported, each with its path.

use super::catalogue::catalogue;
use super::event::{Problem, ProblemCode};
use super::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, GroupSource, Json, ModifiedProperty, OperationType,
    Recording, ResourceType, Status, Target, Timestamp,
};

/// The most targets an application may give with an event.
pub const TARGETS_MAX: usize = 50;
/// The most changes an application may give with a target.
pub const CHANGES_MAX: usize = 200;
/// The most details an application may give with an event.
pub const DETAILS_MAX: usize = 50;
/// The most permissions an application may give with an actor.
const PERMISSIONS_MAX: usize = 200;
/// The most bytes of a correlation id.
const CORRELATION_BYTES_MAX: usize = 200;
/// The most bytes of a name, an id or an address.
const NAME_BYTES_MAX: usize = 1_024;
/// The most bytes of a status reason or the value of a detail.
const TEXT_BYTES_MAX: usize = 32 << 10;

/// An event to record.
#[derive(Clone, Debug)]
pub struct EventInput {
    /// Chosen by the caller and unique for the event within its service.
    pub event_key: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The key of the activity.
    pub activity: String,
    /// The activity as shown to people.
    pub activity_display_name: Option<String>,
    /// The key of the category.
    pub category: String,
    /// The key of the service.
    pub service: String,
    /// The part of the service.
    pub component: Option<String>,
    /// What kind of operation it was.
    pub operation_type: Option<OperationType>,
    /// The type of resource it acted on.
    pub resource_type: Option<ResourceType>,
    /// Where the group comes from.
    pub group_source: Option<GroupSource>,
    /// How it ended.
    pub status: Status,
    /// Why it ended that way.
    pub status_reason: Option<String>,
    /// Ties together the events of one request.
    pub correlation_id: Option<String>,
    /// Who initiated it.
    pub actor: Actor,
    /// What was acted on.
    pub targets: Vec<Target>,
    /// Further details.
    pub additional_details: Vec<Detail>,
    /// What it came with that has no field of its own.
    pub unmapped: Option<Json>,
}

impl EventInput {
    /// The body to record, or all that is wrong.
    pub fn into_body(self, recording: Recording) -> Result<EventBody, Vec<Problem>> {
        let mut problems = Problems::default();
        self.check(&mut problems);
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        let known = catalogue().find(&self.service, &self.category, &self.activity);
        let display_name = self.activity_display_name.or_else(|| known.map(|entry| entry.display_name.clone()));
        Ok(EventBody {
            event_key: self.event_key,
            occurred_at: self.occurred_at,
            activity_display_name: display_name.unwrap_or_else(|| self.activity.clone()),
            operation_type: self
                .operation_type
                .or(known.map(|entry| entry.operation_type))
                .unwrap_or(OperationType::Other),
            resource_type: self.resource_type.or(known.map(|entry| entry.resource_type)).unwrap_or(ResourceType::Other),
            activity: self.activity,
            category: self.category,
            service: self.service,
            component: self.component,
            group_source: self.group_source,
            status: self.status,
            status_reason: self.status_reason,
            status_reason_is_sensitive: false,
            correlation_id: self.correlation_id,
            actor: self.actor,
            targets: self.targets,
            additional_details: self.additional_details,
            unmapped: self.unmapped,
            unmapped_is_sensitive: false,
            recording,
        })
    }

    fn check(&self, problems: &mut Problems) {
        problems.text("eventKey", Some(&self.event_key), NAME_BYTES_MAX);
        problems.text("activity", Some(&self.activity), NAME_BYTES_MAX);
        problems.text("activityDisplayName", self.activity_display_name.as_ref(), NAME_BYTES_MAX);
        problems.text("category", Some(&self.category), NAME_BYTES_MAX);
        problems.text("service", Some(&self.service), NAME_BYTES_MAX);
        problems.text("component", self.component.as_ref(), NAME_BYTES_MAX);
        problems.text("statusReason", self.status_reason.as_ref(), TEXT_BYTES_MAX);
        problems.text("correlationId", self.correlation_id.as_ref(), CORRELATION_BYTES_MAX);
        self.check_actor(problems);
        problems.count("targets", self.targets.len(), TARGETS_MAX);
        for (i, target) in self.targets.iter().enumerate() {
            check_target(&format!("targets.{i}"), target, problems);
        }
        problems.count("additionalDetails", self.additional_details.len(), DETAILS_MAX);
        for (i, detail) in self.additional_details.iter().enumerate() {
            problems.text(&format!("additionalDetails.{i}.key"), Some(&detail.key), NAME_BYTES_MAX);
            problems.text(&format!("additionalDetails.{i}.value"), detail.value.as_ref(), TEXT_BYTES_MAX);
        }
    }

    fn check_actor(&self, problems: &mut Problems) {
        let actor = &self.actor;
        let kind = match actor.kind {
            ActorKind::User => "actor.user",
            ActorKind::Application => "actor.application",
            ActorKind::System | ActorKind::Unknown => "actor.system",
        };
        let texts = [
            ("userPrincipalName", &actor.user_principal_name),
            ("displayName", &actor.display_name),
            ("objectId", &actor.object_id),
            ("servicePrincipalName", &actor.service_principal_name),
            ("ipAddress", &actor.ip_address),
            ("userAgent", &actor.user_agent),
        ];
        for (name, text) in texts {
            problems.text(&format!("{kind}.{name}"), text.as_ref(), NAME_BYTES_MAX);
        }
        if let Some(ActorApplication { application_id, display_name }) = &actor.application {
            problems.text(&format!("{kind}.application.applicationId"), application_id.as_ref(), NAME_BYTES_MAX);
            problems.text(&format!("{kind}.application.displayName"), display_name.as_ref(), NAME_BYTES_MAX);
        }
        problems.count(&format!("{kind}.permissions"), actor.permissions.len(), PERMISSIONS_MAX);
        for (i, permission) in actor.permissions.iter().enumerate() {
            problems.text(&format!("{kind}.permissions.{i}"), Some(permission), NAME_BYTES_MAX);
        }
        let is_named = |texts: &[Option<&String>]| texts.iter().flatten().any(|text| !text.trim().is_empty());
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
    problems.text(&format!("{path}.objectId"), target.object_id.as_ref(), NAME_BYTES_MAX);
    problems.text(&format!("{path}.displayName"), target.display_name.as_ref(), NAME_BYTES_MAX);
    problems.text(&format!("{path}.userPrincipalName"), target.user_principal_name.as_ref(), NAME_BYTES_MAX);
    problems.text(&format!("{path}.type"), target.kind.as_ref(), NAME_BYTES_MAX);
    if target.kind.as_ref().is_none_or(|kind| kind.trim().is_empty()) {
        problems.invalid(&format!("{path}.type"), "must not be empty");
    }
    problems.count(&format!("{path}.modifiedProperties"), target.modified_properties.len(), CHANGES_MAX);
    for (i, change) in target.modified_properties.iter().enumerate() {
        let path = format!("{path}.modifiedProperties.{i}");
        problems.text(&format!("{path}.name"), Some(&change.name), NAME_BYTES_MAX);
        for (name, value) in [("oldValue", &change.old_value), ("newValue", &change.new_value)] {
            if value.as_ref().is_some_and(holds_nul) {
                problems.invalid(&format!("{path}.{name}"), "must not hold the character NUL");
            }
        }
    }
}

/// Whether a JSON value holds the character NUL, which only an escape can write.
fn holds_nul(value: &Json) -> bool {
    let text = value.text();
    text.match_indices("\\u0000").any(|(at, _)| {
        // An even number of backslashes before it are escaped backslashes, and this one begins an escape.
        text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
    })
}

/// A change as an application gives it.
pub fn change(name: String, old: Option<Json>, new: Option<Json>, is_sensitive: bool) -> ModifiedProperty {
    ModifiedProperty { is_sensitive, ..ModifiedProperty::new(name, old, new) }
}

/// What is wrong, collected.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn invalid(&mut self, path: &str, rule: &str) {
        self.0.push(Problem::new(path, ProblemCode::Invalid, rule));
    }

    fn text(&mut self, path: &str, text: Option<&String>, bytes_max: usize) {
        let Some(text) = text else { return };
        if text.len() > bytes_max {
            self.0.push(Problem::new(path, ProblemCode::TooLong, format!("may have at most {bytes_max} bytes")));
        }
        if text.contains('\0') {
            self.invalid(path, "must not hold the character NUL");
        }
    }

    fn count(&mut self, path: &str, count: usize, max: usize) {
        if count > max {
            let rule = format!("may have at most {max} elements, but has {count}");
            self.0.push(Problem::new(path, ProblemCode::TooLong, rule));
        }
    }
}
