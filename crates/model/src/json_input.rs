//! Events as applications write them in JSON: the field names of the API's `AuditEventInput`, or a `CloudEvents`
//! envelope around them. All problems are reported, each with its path; an unknown field is one too, so that a misspelt
//! one is not silently lost.

use super::event::{Problem, ProblemCode};
use super::input::{EventInput, change};
use super::json::Node;
use super::{
    Actor, ActorApplication, ActorKind, Detail, GroupSource, Json, ModifiedProperty, OperationType, ResourceType,
    Status, Target, Timestamp,
};

/// Whether an object is an event in our own words, or an envelope around one.
pub fn is_event(record: &Node) -> bool {
    if is_cloud_event(record) {
        return has_own_words(record);
    }
    record.get("eventKey").is_some() || record.get("occurredAt").is_some()
}

/// Whether an object is a `CloudEvents` envelope (structured mode).
fn is_cloud_event(record: &Node) -> bool {
    record.get("specversion").is_some() && record.get("type").is_some()
}

/// Whether the data of an envelope is in our own words: it has an actor as only we write it, or the two other members
/// that we ask for. What is not is a record of another system.
fn has_own_words(envelope: &Node) -> bool {
    let Some(data) = envelope.get("data") else { return false };
    let is_actor = |actor: &Node| ["user", "application", "system"].iter().any(|kind| actor.get(kind).is_some());
    let status = data.get("status").and_then(Node::as_str);
    data.get("actor").is_some_and(is_actor)
        || (data.get("category").is_some() && status.is_some_and(|status| Status::from_name(&status).is_some()))
}

/// The key of an event that may be unreadable otherwise.
pub fn event_key(record: &Node) -> Option<String> {
    let name = if is_cloud_event(record) { "id" } else { "eventKey" };
    record.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

/// Reads an event as far as it can be read, and says what is wrong with it.
pub fn parse(record: &Node) -> (Option<EventInput>, Vec<Problem>) {
    let mut reader = Reader::default();
    if !is_cloud_event(record) {
        return (reader.event(record, ""), reader.problems);
    }
    reader.envelope(record);
    let (carried, rest) = opened(record);
    let event = reader.event(&carried, "").map(|event| EventInput { unmapped: rest, ..event });
    (event, reader.problems)
}

/// What an envelope says, and the field of the event that this is.
const FROM_ENVELOPE: [(&str, &str); 4] =
    [("type", "activity"), ("time", "occurredAt"), ("source", "service"), ("id", "eventKey")];

/// A `CloudEvents` envelope as the event it carries: `type` is the activity, `time` the time, `source` the service,
/// `id` the key, `subject` the object id of the first target, `data` everything else. And what is left of the envelope:
/// extensions, and a `subject` where the first target has another id or there is none.
fn opened(envelope: &Node) -> (Node, Option<Json>) {
    let mut members = match envelope.get("data") {
        Some(Node::Object(members)) => members.clone(),
        _ => Vec::new(),
    };
    for (from, to) in FROM_ENVELOPE {
        if let Some(value) = envelope.get(from) {
            members.retain(|(name, _)| name != to);
            members.push((to.to_owned(), value.clone()));
        }
    }
    let mut placed = vec!["specversion", "data"];
    placed.extend(FROM_ENVELOPE.map(|(from, _)| from));
    if let Some(subject) = envelope.get("subject") {
        let id = ("objectId".to_owned(), subject.clone());
        match members.iter_mut().find(|(name, _)| name == "targets") {
            Some((_, Node::Array(targets))) => {
                if let Some(Node::Object(first)) = targets.first_mut()
                    && !first.iter().any(|(name, _)| name == "objectId")
                {
                    first.push(id);
                    placed.push("subject");
                }
            }
            Some(_) => {}
            None => {
                let kind = ("type".to_owned(), Node::Scalar("\"Subject\"".into()));
                members.push(("targets".to_owned(), Node::Array(vec![Node::Object(vec![id, kind])])));
                placed.push("subject");
            }
        }
    }
    let Node::Object(all) = envelope else { return (Node::Object(members), None) };
    let rest: Vec<_> = all.iter().filter(|(name, _)| !placed.contains(&name.as_str())).cloned().collect();
    let rest = if rest.is_empty() { None } else { Some(Node::Object(rest).to_json()) };
    (Node::Object(members), rest)
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Reader {
    fn wrong(&mut self, path: &str, rule: &str) {
        self.problems.push(Problem::new(path, ProblemCode::Invalid, rule));
    }

    /// The members of an object, all of which have to be known.
    fn object<'a>(&mut self, node: &'a Node, path: &str, known: &[&str]) -> Option<&'a Node> {
        let Node::Object(members) = node else {
            self.wrong(if path.is_empty() { "event" } else { path }, "must be an object");
            return None;
        };
        for (name, _) in members {
            if !known.contains(&name.as_str()) {
                self.wrong(&below(path, name), "is not a field of this object");
            }
        }
        self.repeated(node, path, known);
        Some(node)
    }

    /// Which of these members are there more than once: it is not for us to say which one is meant.
    fn repeated(&mut self, node: &Node, path: &str, names: &[&str]) {
        let Node::Object(members) = node else { return };
        for name in names {
            if members.iter().filter(|(given, _)| given == name).nth(1).is_some() {
                self.wrong(&below(path, name), "appears twice");
            }
        }
    }

    /// Checks what the event that [`opened`] makes of an envelope no longer shows. The data must not repeat what the
    /// envelope says: one of the two would be lost.
    fn envelope(&mut self, envelope: &Node) {
        self.repeated(envelope, "", &["specversion", "type", "source", "id", "time", "subject", "data"]);
        let Some(data) = envelope.get("data") else { return };
        for (from, to) in FROM_ENVELOPE {
            if envelope.get(from).is_some() && data.get(to).is_some() {
                self.wrong(&below("data", to), &format!("is already given by `{from}` of the envelope: omit it"));
            }
        }
    }

    /// A member that is there and not null.
    fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
        node.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, node: &Node, path: &str, name: &str) -> Option<String> {
        let text = Self::member(node, name)?.as_str().map(std::borrow::Cow::into_owned);
        if text.is_none() {
            self.wrong(&below(path, name), "must be a string");
        }
        text
    }

    fn required(&mut self, node: &Node, path: &str, name: &str) -> String {
        if Self::member(node, name).is_none() {
            self.wrong(&below(path, name), "is missing");
        }
        self.text(node, path, name).unwrap_or_default()
    }

    fn named<T>(&mut self, node: &Node, path: &str, name: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(node, path, name)?;
        let value = parse(&text);
        if value.is_none() {
            self.wrong(&below(path, name), "is not one of the values of this field");
        }
        value
    }

    fn list<'a>(&mut self, node: &'a Node, path: &str, name: &str) -> &'a [Node] {
        match Self::member(node, name) {
            None => &[],
            Some(Node::Array(elements)) => elements,
            Some(_) => {
                self.wrong(&below(path, name), "must be a list");
                &[]
            }
        }
    }

    fn event(&mut self, node: &Node, path: &str) -> Option<EventInput> {
        #[rustfmt::skip]
        let known = [
            "eventKey", "occurredAt", "activity", "activityDisplayName", "category", "service", "component",
            "operationType", "activityResourceType", "groupSource", "status", "statusReason", "correlationId", "actor",
            "targets", "additionalDetails",
        ];
        let node = self.object(node, path, &known)?;
        let moment = self.required(node, path, "occurredAt");
        let occurred_at = Timestamp::parse(&moment);
        if occurred_at.is_none() && node.get("occurredAt").is_some_and(|given| given.as_str().is_some()) {
            self.wrong("occurredAt", "must be a time in RFC 3339 format, with an offset");
        }
        let status = self.named(node, path, "status", Status::from_name);
        if Self::member(node, "status").is_none() {
            self.wrong("status", "is missing");
        }
        let actor = Self::member(node, "actor");
        if actor.is_none() {
            self.wrong("actor", "is missing");
        }
        let actor = actor.and_then(|actor| self.actor(actor));
        let targets: Vec<Target> = self
            .list(node, path, "targets")
            .iter()
            .enumerate()
            .filter_map(|(i, target)| self.target(target, &format!("targets.{i}")))
            .collect();
        let additional_details: Vec<Detail> = self
            .list(node, path, "additionalDetails")
            .iter()
            .enumerate()
            .filter_map(|(i, detail)| self.detail(detail, &format!("additionalDetails.{i}")))
            .collect();
        Some(EventInput {
            event_key: self.required(node, path, "eventKey"),
            activity: self.required(node, path, "activity"),
            activity_display_name: self.text(node, path, "activityDisplayName"),
            category: self.required(node, path, "category"),
            service: self.required(node, path, "service"),
            component: self.text(node, path, "component"),
            operation_type: self.named(node, path, "operationType", OperationType::from_name),
            resource_type: self.named(node, path, "activityResourceType", ResourceType::from_name),
            group_source: self.named(node, path, "groupSource", GroupSource::from_name),
            status_reason: self.text(node, path, "statusReason"),
            correlation_id: self.text(node, path, "correlationId"),
            occurred_at: occurred_at?,
            status: status?,
            actor: actor?,
            targets,
            additional_details,
            unmapped: None,
        })
    }

    fn actor(&mut self, node: &Node) -> Option<Actor> {
        let node = self.object(node, "actor", &["user", "application", "system"])?;
        let mut given = ["user", "application", "system"].into_iter().filter(|kind| Self::member(node, kind).is_some());
        let (Some(kind), None) = (given.next(), given.next()) else {
            self.wrong("actor", "must have exactly one of `user`, `application` and `system`");
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
                        let text = permission.as_str().map(std::borrow::Cow::into_owned);
                        if text.is_none() {
                            self.wrong(&format!("{path}.permissions.{i}"), "must be a string");
                        }
                        text
                    })
                    .collect();
                Some(Actor {
                    object_id: self.text(node, &path, "objectId"),
                    user_principal_name: self.text(node, &path, "userPrincipalName"),
                    display_name: self.text(node, &path, "displayName"),
                    permissions,
                    application: self.application(node, &path),
                    ip_address: self.text(node, &path, "ipAddress"),
                    user_agent: self.text(node, &path, "userAgent"),
                    ..Actor::new(ActorKind::User)
                })
            }
            "application" => {
                #[rustfmt::skip]
                let known = ["application", "servicePrincipalId", "servicePrincipalName", "ipAddress", "userAgent"];
                let node = self.object(inner, &path, &known)?;
                Some(Actor {
                    object_id: self.text(node, &path, "servicePrincipalId"),
                    service_principal_name: self.text(node, &path, "servicePrincipalName"),
                    application: self.application(node, &path),
                    ip_address: self.text(node, &path, "ipAddress"),
                    user_agent: self.text(node, &path, "userAgent"),
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

    fn application(&mut self, node: &Node, path: &str) -> Option<ActorApplication> {
        let path = below(path, "application");
        let node = self.object(Self::member(node, "application")?, &path, &["applicationId", "displayName"])?;
        Some(ActorApplication {
            application_id: self.text(node, &path, "applicationId"),
            display_name: self.text(node, &path, "displayName"),
        })
    }

    fn target(&mut self, node: &Node, path: &str) -> Option<Target> {
        let known = ["objectId", "displayName", "type", "userPrincipalName", "modifiedProperties"];
        let node = self.object(node, path, &known)?;
        let changes = self.list(node, path, "modifiedProperties").iter().enumerate();
        let modified_properties =
            changes.filter_map(|(i, change)| self.change(change, &format!("{path}.modifiedProperties.{i}"))).collect();
        Some(Target {
            object_id: self.text(node, path, "objectId"),
            user_principal_name: self.text(node, path, "userPrincipalName"),
            display_name: self.text(node, path, "displayName"),
            kind: Some(self.required(node, path, "type")),
            modified_properties,
        })
    }

    fn change(&mut self, node: &Node, path: &str) -> Option<ModifiedProperty> {
        let node = self.object(node, path, &["name", "oldValue", "newValue", "isSensitive"])?;
        let is_sensitive = match Self::member(node, "isSensitive") {
            None => false,
            Some(Node::Scalar(raw)) if matches!(&**raw, "true" | "false") => &**raw == "true",
            Some(_) => {
                self.wrong(&below(path, "isSensitive"), "must be true or false");
                false
            }
        };
        let value = |name: &str| node.get(name).map(Node::to_json);
        Some(change(self.required(node, path, "name"), value("oldValue"), value("newValue"), is_sensitive))
    }

    fn detail(&mut self, node: &Node, path: &str) -> Option<Detail> {
        let node = self.object(node, path, &["key", "value"])?;
        Some(Detail::new(self.required(node, path, "key"), self.text(node, path, "value")))
    }
}
