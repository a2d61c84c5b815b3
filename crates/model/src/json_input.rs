//! Events that applications record as JSON: objects with the field names of the API's `AuditEventInput`, or a
//! `CloudEvents` envelope around one. All problems are reported, each with its path. An unknown field is a problem, so
//! that a misspelt name does not lose a value silently.

use std::borrow::Cow;

use super::event::{Problem, ProblemCode};
use super::fields::INPUT_NAMES;
use super::input::change;
use super::json::JsonNode;
use super::{
    Actor, ActorApplication, ActorKind, Detail, EventInput, GroupSource, Json, ModifiedProperty, OperationType,
    ResourceType, Status, Target, Timestamp,
};

/// Whether an object is an event in the format of this API, or an envelope around one.
pub fn is_event(record: &JsonNode) -> bool {
    if is_cloud_event(record) {
        return has_api_format(record);
    }
    record.get("eventKey").is_some() || record.get("occurredAt").is_some()
}

/// Whether an object is a `CloudEvents` envelope (structured mode).
fn is_cloud_event(record: &JsonNode) -> bool {
    record.get("specversion").is_some() && record.get("type").is_some()
}

/// Whether the data of an envelope is in the format of this API: its actor has the form of `ActorInput`, or it has the
/// two other required fields. Any other data is a record of another system.
fn has_api_format(envelope: &JsonNode) -> bool {
    let Some(data) = envelope.get("data") else { return false };
    let is_actor = |actor: &JsonNode| ["user", "application", "system"].iter().any(|kind| actor.get(kind).is_some());
    let status = data.get("status").and_then(JsonNode::as_str);
    data.get("actor").is_some_and(is_actor)
        || (data.get("category").is_some() && status.is_some_and(|status| Status::from_name(&status).is_some()))
}

/// The key of an event, even if the rest of the event is not valid.
pub fn event_key(record: &JsonNode) -> Option<String> {
    let name = if is_cloud_event(record) { "id" } else { "eventKey" };
    record.get(name)?.as_str().map(Cow::into_owned)
}

/// Reads an event. Returns the input, or `None` if a value without an empty form is missing or not valid, and all
/// problems.
pub fn parse(record: &JsonNode) -> (Option<EventInput>, Vec<Problem>) {
    let mut reader = InputReader::default();
    if !is_cloud_event(record) {
        return (reader.event(record), reader.problems);
    }
    reader.cloud_event(record);
    let (carried, rest) = unwrap_envelope(record);
    let event = reader.event(&carried).map(|event| EventInput { unmapped: rest, ..event });
    (event, reader.problems)
}

/// Attributes of an envelope and the fields of the event that they replace.
const FROM_ENVELOPE: [(&str, &str); 4] =
    [("type", "activity"), ("time", "occurredAt"), ("source", "service"), ("id", "eventKey")];

/// Converts a `CloudEvents` envelope to the event it contains: `type` is the activity, `time` the time, `source` the
/// service, `id` the key, `subject` the object id of the first target, `data` everything else. The second value is the
/// rest of the envelope: extensions, and a `subject` that could not become the object id of the first target.
fn unwrap_envelope(envelope: &JsonNode) -> (JsonNode, Option<Json>) {
    let mut members = match envelope.get("data") {
        Some(JsonNode::Object(members)) => members.clone(),
        _ => Vec::new(),
    };
    for (from, to) in FROM_ENVELOPE {
        if let Some(value) = envelope.get(from) {
            members.retain(|(name, _)| name != to);
            members.push((to.to_owned(), value.clone()));
        }
    }
    let mut used = vec!["specversion", "data"];
    used.extend(FROM_ENVELOPE.map(|(from, _)| from));
    if let Some(subject) = envelope.get("subject") {
        let id = ("objectId".to_owned(), subject.clone());
        match members.iter_mut().find(|(name, _)| name == "targets") {
            Some((_, JsonNode::Array(targets))) => {
                if let Some(JsonNode::Object(first)) = targets.first_mut()
                    && !first.iter().any(|(name, _)| name == "objectId")
                {
                    first.push(id);
                    used.push("subject");
                }
            }
            Some(_) => {}
            None => {
                let kind = ("type".to_owned(), JsonNode::Scalar("\"Subject\"".into()));
                members.push(("targets".to_owned(), JsonNode::Array(vec![JsonNode::Object(vec![id, kind])])));
                used.push("subject");
            }
        }
    }
    let JsonNode::Object(all) = envelope else { return (JsonNode::Object(members), None) };
    let rest: Vec<_> = all.iter().filter(|(name, _)| !used.contains(&name.as_str())).cloned().collect();
    let rest = if rest.is_empty() { None } else { Some(JsonNode::Object(rest).to_json()) };
    (JsonNode::Object(members), rest)
}

/// Reads the parts of an event and collects their problems.
#[derive(Default)]
pub(super) struct InputReader {
    problems: Vec<Problem>,
}

/// The path of a member of the object at `path`.
fn member_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl InputReader {
    fn invalid(&mut self, path: &str, rule: &str) {
        self.problems.push(Problem::new(path, ProblemCode::Invalid, rule));
    }

    /// Checks that a node is an object and that all its members are known.
    fn object<'a>(&mut self, node: &'a JsonNode, path: &str, known: &[&str]) -> Option<&'a JsonNode> {
        let JsonNode::Object(members) = node else {
            self.invalid(if path.is_empty() { "event" } else { path }, "must be an object");
            return None;
        };
        for (name, _) in members {
            if !known.contains(&name.as_str()) {
                self.invalid(&member_path(path, name), "is not a field of this object");
            }
        }
        self.check_repeated(node, path, known);
        Some(node)
    }

    /// Reports each of these members that occurs more than once, because it is not clear which one is meant.
    fn check_repeated(&mut self, node: &JsonNode, path: &str, names: &[&str]) {
        let JsonNode::Object(members) = node else { return };
        for name in names {
            if members.iter().filter(|(given, _)| given == name).nth(1).is_some() {
                self.invalid(&member_path(path, name), "appears twice");
            }
        }
    }

    /// Reports the problems of an envelope that are no longer visible after [`unwrap_envelope`]. The data must not
    /// repeat an attribute of the envelope, because one of the two values would be lost.
    fn cloud_event(&mut self, envelope: &JsonNode) {
        self.check_repeated(envelope, "", &["specversion", "type", "source", "id", "time", "subject", "data"]);
        let Some(data) = envelope.get("data") else { return };
        for (from, to) in FROM_ENVELOPE {
            if envelope.get(from).is_some() && data.get(to).is_some() {
                self.invalid(
                    &member_path("data", to),
                    &format!("is already given by `{from}` of the envelope: omit it"),
                );
            }
        }
    }

    /// A member that is present and not null.
    fn member<'a>(node: &'a JsonNode, name: &str) -> Option<&'a JsonNode> {
        node.get(name).filter(|value| !value.is_null())
    }

    fn string(&mut self, node: &JsonNode, path: &str, name: &str) -> Option<String> {
        let string = Self::member(node, name)?.as_str().map(Cow::into_owned);
        if string.is_none() {
            self.invalid(&member_path(path, name), "must be a string");
        }
        string
    }

    fn required(&mut self, node: &JsonNode, path: &str, name: &str) -> String {
        if Self::member(node, name).is_none() {
            self.invalid(&member_path(path, name), "is missing");
        }
        self.string(node, path, name).unwrap_or_default()
    }

    fn enum_value<T>(&mut self, node: &JsonNode, path: &str, name: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let string = self.string(node, path, name)?;
        let value = parse(&string);
        if value.is_none() {
            self.invalid(&member_path(path, name), "is not one of the values of this field");
        }
        value
    }

    fn list<'a>(&mut self, node: &'a JsonNode, path: &str, name: &str) -> &'a [JsonNode] {
        match Self::member(node, name) {
            None => &[],
            Some(JsonNode::Array(elements)) => elements,
            Some(_) => {
                self.invalid(&member_path(path, name), "must be a list");
                &[]
            }
        }
    }

    fn event(&mut self, node: &JsonNode) -> Option<EventInput> {
        let node = self.object(node, "", INPUT_NAMES)?;
        EventInput::read(self, node)
    }

    fn actor(&mut self, node: &JsonNode) -> Option<Actor> {
        let node = self.object(node, "actor", &["user", "application", "system"])?;
        let mut given = ["user", "application", "system"].into_iter().filter(|kind| Self::member(node, kind).is_some());
        let (Some(kind), None) = (given.next(), given.next()) else {
            self.invalid("actor", "must have exactly one of `user`, `application` and `system`");
            return None;
        };
        let path = format!("actor.{kind}");
        let inner = Self::member(node, kind)?;
        match kind {
            "user" => {
                #[rustfmt::skip]
                let known = [
                    "userPrincipalName", "displayName", "objectId", "permissions", "application", "ipAddress", "userAgent",
                ];
                let node = self.object(inner, &path, &known)?;
                let permissions = self.list(node, &path, "permissions").iter().enumerate();
                let permissions = permissions
                    .filter_map(|(i, permission)| {
                        let permission = permission.as_str().map(Cow::into_owned);
                        if permission.is_none() {
                            self.invalid(&format!("{path}.permissions.{i}"), "must be a string");
                        }
                        permission
                    })
                    .collect();
                Some(Actor {
                    object_id: self.string(node, &path, "objectId"),
                    user_principal_name: self.string(node, &path, "userPrincipalName"),
                    display_name: self.string(node, &path, "displayName"),
                    permissions,
                    application: self.application(node, &path),
                    ip_address: self.string(node, &path, "ipAddress"),
                    user_agent: self.string(node, &path, "userAgent"),
                    ..Actor::new(ActorKind::User)
                })
            }
            "application" => {
                #[rustfmt::skip]
                let known = ["application", "servicePrincipalId", "servicePrincipalName", "ipAddress", "userAgent"];
                let node = self.object(inner, &path, &known)?;
                Some(Actor {
                    object_id: self.string(node, &path, "servicePrincipalId"),
                    service_principal_name: self.string(node, &path, "servicePrincipalName"),
                    application: self.application(node, &path),
                    ip_address: self.string(node, &path, "ipAddress"),
                    user_agent: self.string(node, &path, "userAgent"),
                    ..Actor::new(ActorKind::Application)
                })
            }
            _ => {
                let node = self.object(inner, &path, &["name"])?;
                let name = Some(self.required(node, &path, "name"));
                Some(Actor { display_name: name, ..Actor::new(ActorKind::System) })
            }
        }
    }

    fn application(&mut self, node: &JsonNode, path: &str) -> Option<ActorApplication> {
        let path = member_path(path, "application");
        let node = self.object(Self::member(node, "application")?, &path, &["applicationId", "displayName"])?;
        Some(ActorApplication {
            application_id: self.string(node, &path, "applicationId"),
            display_name: self.string(node, &path, "displayName"),
        })
    }

    fn target(&mut self, node: &JsonNode, path: &str) -> Option<Target> {
        let known = ["objectId", "displayName", "type", "userPrincipalName", "modifiedProperties"];
        let node = self.object(node, path, &known)?;
        let changes = self.list(node, path, "modifiedProperties").iter().enumerate();
        let modified_properties =
            changes.filter_map(|(i, change)| self.change(change, &format!("{path}.modifiedProperties.{i}"))).collect();
        Some(Target {
            object_id: self.string(node, path, "objectId"),
            user_principal_name: self.string(node, path, "userPrincipalName"),
            display_name: self.string(node, path, "displayName"),
            kind: Some(self.required(node, path, "type")),
            modified_properties,
        })
    }

    fn change(&mut self, node: &JsonNode, path: &str) -> Option<ModifiedProperty> {
        let node = self.object(node, path, &["name", "oldValue", "newValue", "isSensitive"])?;
        let is_sensitive = match Self::member(node, "isSensitive") {
            None => false,
            Some(JsonNode::Scalar(raw)) if matches!(&**raw, "true" | "false") => &**raw == "true",
            Some(_) => {
                self.invalid(&member_path(path, "isSensitive"), "must be true or false");
                false
            }
        };
        let value = |name: &str| node.get(name).map(JsonNode::to_json);
        Some(change(self.required(node, path, "name"), value("oldValue"), value("newValue"), is_sensitive))
    }

    fn detail(&mut self, node: &JsonNode, path: &str) -> Option<Detail> {
        let node = self.object(node, path, &["key", "value"])?;
        Some(Detail::json(self.required(node, path, "key"), node.get("value").map(JsonNode::to_json)))
    }
}

/// A type that an application can give for a field of an event.
pub(super) trait InputValue: Sized {
    /// Reads the member `name` of an event and reports its problems. Returns `None` if it is missing or not valid and
    /// has no empty form.
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self>;
}

impl InputValue for String {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        Some(reader.required(event, "", name))
    }
}

impl InputValue for Option<String> {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        Some(reader.string(event, "", name))
    }
}

impl InputValue for Timestamp {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        let time = Self::parse(&reader.required(event, "", name));
        if time.is_none() && event.get(name).is_some_and(|given| given.as_str().is_some()) {
            reader.invalid(name, "must be a time in RFC 3339 format, with an offset");
        }
        time
    }
}

impl InputValue for Status {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        let status = reader.enum_value(event, "", name, Self::from_name);
        if InputReader::member(event, name).is_none() {
            reader.invalid(name, "is missing");
        }
        status
    }
}

macro_rules! optional_enum {
    ($($type:ty),+) => { $(
        impl InputValue for Option<$type> {
            fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
                Some(reader.enum_value(event, "", name, <$type>::from_name))
            }
        }
    )+ };
}

optional_enum!(OperationType, ResourceType, GroupSource);

impl InputValue for Actor {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        let actor = InputReader::member(event, name);
        if actor.is_none() {
            reader.invalid(name, "is missing");
        }
        reader.actor(actor?)
    }
}

impl InputValue for Vec<Target> {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        let targets = reader.list(event, "", name).iter().enumerate();
        Some(targets.filter_map(|(i, target)| reader.target(target, &format!("{name}.{i}"))).collect())
    }
}

impl InputValue for Vec<Detail> {
    fn read(reader: &mut InputReader, event: &JsonNode, name: &'static str) -> Option<Self> {
        let details = reader.list(event, "", name).iter().enumerate();
        Some(details.filter_map(|(i, detail)| reader.detail(detail, &format!("{name}.{i}"))).collect())
    }
}
