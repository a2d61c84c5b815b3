//! The event writer against the resolvers: lists are written straight from the selection, single objects are resolved
//! by the library. Random documents read the same events both ways and must give the same bytes for every caller.

use fastrand::Rng;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::Client;
use crate::harness::events::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, EventExt as _, GroupSource, OperationType, ResourceType,
    Status, Target, application, change, event, json as value, target, user,
};

/// Number of random documents per caller.
const DOCUMENTS: u64 = 60;

/// A type, the fragments' types that apply to it, its leaves, and its objects with their types.
type Face = (&'static str, &'static [&'static str], &'static [&'static str], &'static [(&'static str, usize)]);

#[rustfmt::skip]
const FACES: &[Face] = &[
    ("AuditEvent", &["Node"],
        &["id", "occurredAt", "recordedAt", "sequence", "eventKey", "activity", "activityDisplayName", "category", "service",
          "component", "operationType", "resourceType", "groupSource", "status", "statusReason", "correlationId",
          "unmapped", "isRedacted", "raw"],
        &[("actor", 1), ("targets", 6), ("additionalDetails", 8), ("recording", 9)]),
    ("Actor", &["UserActor", "ApplicationActor", "SystemActor", "UnknownActor"],
        &["key", "kind", "name", "ipAddress", "userAgent"], &[("application", 10)]),
    ("UserActor", &["Actor"], &["key", "name", "displayName", "userPrincipalName", "objectId", "permissions"], &[("application", 10)]),
    ("ApplicationActor", &["Actor"], &["kind", "name", "servicePrincipalId", "servicePrincipalName"], &[("application", 10)]),
    ("SystemActor", &["Actor"], &["key", "userAgent"], &[("application", 10)]),
    ("UnknownActor", &["Actor"], &["kind", "name", "ipAddress"], &[]),
    ("Target", &[], &["key", "objectId", "displayName", "type", "userPrincipalName"], &[("modifiedProperties", 7)]),
    ("ModifiedProperty", &[], &["name", "change", "oldValue", "oldValueText", "newValue", "newValueText", "redaction"], &[]),
    ("AuditDetail", &[], &["key", "value", "valueText", "redaction"], &[]),
    ("Recording", &[], &["route", "recordedBy", "clientId", "source", "sourceTenantId"], &[]),
    ("ActorApplication", &[], &["applicationId", "displayName"], &[]),
];

/// A document under construction.
struct Document {
    rng: Rng,
    fragments: Vec<String>,
}

impl Document {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    fn directive(&mut self) -> &'static str {
        if self.rng.u8(..8) > 0 {
            return "";
        }
        self.one(&[" @include(if: $yes)", " @include(if: false)", " @skip(if: $yes)", " @skip(if: false)"])
    }

    /// A random selection of a type, without braces; never empty.
    fn selection(&mut self, face: usize, depth: u8) -> String {
        let (name, others, leaves, objects) = FACES[face];
        let mut text = String::new();
        for _ in 0..self.rng.usize(1..6) {
            let directive = self.directive();
            let part = match self.rng.u8(..12) {
                0 => "__typename".to_owned(),
                1 | 2 if depth < 4 => {
                    let on = self.one(&[name, name, ""]);
                    let on = if on.is_empty() { String::new() } else { format!(" on {on}") };
                    format!("...{on}{directive} {{ {} }}", self.selection(face, depth + 1))
                }
                3 if depth < 4 && !others.is_empty() => {
                    let on = self.one(others);
                    let below = match FACES.iter().position(|(name, ..)| *name == on) {
                        Some(other) => self.selection(other, depth + 1),
                        None => "id __typename".to_owned(),
                    };
                    format!("... on {on}{directive} {{ {below} }}")
                }
                4 if depth < 4 => {
                    let below = self.selection(face, depth + 1);
                    let fragment = format!("F{}", self.fragments.len());
                    self.fragments.push(format!("fragment {fragment} on {name} {{ {below} }}"));
                    format!("...{fragment}{directive}")
                }
                5..=7 if !objects.is_empty() => {
                    let (object, of) = self.one(objects);
                    let below = self.selection(of, depth + 1);
                    format!("{}{object}{directive} {{ {below} }}", self.alias(object))
                }
                _ => {
                    let leaf = self.one(leaves);
                    format!("{}{leaf}{directive}", self.alias(leaf))
                }
            };
            text += &part;
            text.push(' ');
        }
        text
    }

    /// Sometimes an alias, the same for the same field.
    fn alias(&mut self, field: &str) -> String {
        if self.rng.u8(..10) == 0 { format!("my_{field}: ") } else { String::new() }
    }
}

/// Events that cover every field and kind of value.
fn events() -> Vec<EventBody> {
    let whole = EventBody {
        component: Some("Groups \u{2028}".to_owned()),
        operation_type: OperationType::RemoteTask,
        resource_type: ResourceType::Group,
        group_source: Some(GroupSource::AzureAd),
        status: Status::Failure,
        status_reason: Some("no \"licence\"\n\u{1}\u{7f}\\ password=hunter2".to_owned()),
        correlation_id: Some("c/1".to_owned()),
        actor: Actor {
            object_id: Some("U-1".to_owned()),
            display_name: Some("Ada \u{202e}\u{1f600}".to_owned()),
            application: Some(ActorApplication { application_id: Some("app".to_owned()), display_name: None }),
            permissions: vec!["a\"".to_owned(), "b".to_owned()],
            ip_address: Some("2001:db8::1".to_owned()),
            user_agent: Some("curl\t8".to_owned()),
            ..user("ada@contoso.example")
        },
        additional_details: vec![
            Detail::new("k", Some("v".to_owned())),
            Detail::new("clientSecret", Some("s".to_owned())),
            Detail::new("", None),
            Detail::json("n", Some(value("{\"a\":[12345678901234567890,null,\"x\"]}"))),
        ],
        unmapped: Some(value(r#"{"b":1.10,"a":[null,{"deep":"\u00e9"}],"a":1e400}"#)),
        ..event("whole")
    };
    let system = Actor { display_name: Some("Sync".to_owned()), ..Actor::new(ActorKind::System) };
    let intune = event("intune").service("Microsoft Intune", "Device").actor(application("Portal"));
    vec![
        whole.targets(vec![target("One"), Target::default(), target("Three")]).change(change(
            "Size",
            Some("1.10"),
            None,
        )),
        event("secret").change(change("Password", Some("\"old\""), Some("null"))).change(change(
            "Name",
            None,
            Some("{\"a\":[]}"),
        )),
        intune.change(change("apiToken", None, Some("\"t\""))),
        event("system").actor(system).targets(Vec::new()),
        event("unknown").actor(Actor::new(ActorKind::Unknown)),
    ]
}

#[derive(Deserialize)]
struct Response<D> {
    data: D,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, rename = "auditEvents")]
    connection: Connection<'a>,
}

#[derive(Deserialize)]
struct Connection<'a> {
    #[serde(borrow)]
    nodes: &'a RawValue,
    #[serde(borrow)]
    edges: Vec<Edge<'a>>,
}

#[derive(Deserialize)]
struct Edge<'a> {
    #[serde(borrow)]
    node: &'a RawValue,
}

#[derive(Deserialize)]
struct Resolved<'a> {
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
}

/// Reads all events both ways with one random document.
async fn compare(client: &Client, ids: &[Value], seed: u64) -> bool {
    let mut document = Document { rng: Rng::with_seed(seed), fragments: Vec::new() };
    let [a, b, c] = [0; 3].map(|face| document.selection(face, 0));
    let fragments = document.fragments.join("\n");
    let list = "auditEvents(first: 50, occurredAt: { window: ALL })";
    let written = format!(
        "query($yes: Boolean!) {{ viewer @include(if: $yes) {{ __typename }} {list} {{ nodes {{ {a} }} edges {{ node {{ {a} }} }} ... on AuditEventConnection {{ nodes {{ {b} }}
         edges {{ node {{ {b} }} }} }} }} {list} {{ edges {{ node {{ {c} }} }} nodes {{ {c} }} }} }} {fragments}"
    );
    let one = |selection: &str| format!("nodes(ids: $ids) {{ ... on AuditEvent {{ {selection} }} }}");
    let resolved = format!(
        "query($yes: Boolean!, $ids: [ID!]!) {{ viewer @include(if: $yes) {{ __typename }} {} {} {} }} {fragments}",
        one(&a),
        one(&b),
        one(&c)
    );
    let written = client.query_with(&written, json!({ "yes": true })).await;
    let resolved = client.query_with(&resolved, json!({ "yes": true, "ids": ids })).await;
    if written.body.get("errors").is_some() {
        // Only alias and field limits may be exceeded.
        assert_eq!(written.error().0, "LIMIT_EXCEEDED", "{}", written.text);
        return false;
    }
    let written: Response<Written<'_>> = serde_json::from_str(&written.text).unwrap();
    let resolved: Response<Resolved<'_>> = serde_json::from_str(&resolved.text).unwrap();
    let texts: Vec<&str> = resolved.data.nodes.iter().map(|node| node.get()).collect();
    let connection = written.data.connection;
    assert_eq!(connection.nodes.get(), format!("[{}]", texts.join(",")), "{a}\n{b}\n{c}\n{fragments}");
    assert_eq!(connection.edges.iter().map(|edge| edge.node.get()).collect::<Vec<_>>(), texts);
    true
}

#[tokio::test]
async fn written_lists_equal_resolved_lists() {
    let app = TestApp::start().await;
    app.record(events()).await;
    for (first, client) in [(0, app.admin()), (1_000, app.auditor()), (2_000, app.intune_admin())] {
        let response = client.query("{ auditEvents(first: 50, occurredAt: { window: ALL }) { nodes { id } } }").await;
        let nodes = response.data("/auditEvents/nodes").as_array().unwrap().clone();
        let ids: Vec<Value> = nodes.iter().map(|node| node["id"].clone()).collect();
        let mut compared = 0;
        for seed in first..first + DOCUMENTS {
            compared += u64::from(compare(&client, &ids, seed).await);
        }
        assert!(compared > DOCUMENTS / 2, "{compared}");
    }
}

#[tokio::test]
async fn fields_outside_the_writer_are_resolved() {
    let app = TestApp::start().await;
    app.record(events()).await;
    let query = include_str!("../../documents/fields_outside_the_writer_are_resolved.graphql");
    let response = app.admin().query(query).await;
    assert!(response.data("/auditEvents/nodes/0/activityType/key").is_string());
    assert_eq!(*response.data("/auditEvents/edges/0/node/activityType/__typename"), "AuditActivityType");
}
