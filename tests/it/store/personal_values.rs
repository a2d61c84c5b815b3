//! Where values of people are stored besides the body: an erasure has to reach each of these columns.

use std::collections::{BTreeMap, BTreeSet};

use entity::{activity_type, actor, api_key, audit_event, event_key, event_target, property_change, rollup};
use entity::{rollup_block, rollup_key, target, tenant_log, term};
use model::{ActorApplication, Detail, EventBody, RecordingRoute, Target};
use sea_orm::{DatabaseConnection, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait as _, Value};
use store::COPIED_TABLES;

use crate::harness::database::TestLog;
use crate::harness::events::{EventExt as _, change, event, user};

/// An event in which every part has a value of its own.
fn marked_event() -> EventBody {
    let mark = |name: &str| Some(format!("value-of-{name}-x"));
    let mut actor = user("value-of-actor-upn-x");
    actor.object_id = mark("actor-object");
    actor.display_name = mark("actor-name");
    actor.service_principal_name = mark("actor-principal");
    actor.application =
        Some(ActorApplication { application_id: mark("application-id"), display_name: mark("application-name") });
    actor.permissions = mark("permission").into_iter().collect();
    actor.ip_address = mark("ip-address");
    actor.user_agent = mark("user-agent");
    let target = Target {
        object_id: mark("target-object"),
        user_principal_name: mark("target-upn"),
        display_name: mark("target-name"),
        kind: mark("target-type"),
        application_id: mark("target-application"),
        modified_properties: Vec::new(),
    };
    // Other targets are identified by another part.
    let typed = Target { object_id: mark("typed-object"), kind: mark("type-in-key"), ..Target::default() };
    let principal = Target { user_principal_name: mark("upn-in-key"), ..Target::default() };
    let named = Target { display_name: mark("name-in-key"), ..Target::default() };
    let mut body = event("value-of-event-key-x").actor(actor).targets(vec![target, typed, principal, named]);
    body = body.activity("value-of-activity-x").service("value-of-service-x", "value-of-category-x");
    "value-of-activity-name-x".clone_into(&mut body.activity_display_name);
    body.component = mark("component");
    body.correlation_id = mark("correlation");
    body.status_reason = mark("status-reason");
    body.additional_details = vec![Detail::new("value-of-detail-key-x", mark("detail"))];
    body.unmapped = model::Json::parse(r#"{"a":"value-of-unmapped-x"}"#);
    body.recording.route = RecordingRoute::Import;
    "value-of-recorder-x".clone_into(&mut body.recording.recorded_by);
    body.recording.issuer = mark("issuer");
    body.recording.client_id = mark("client");
    body.recording.source = mark("source");
    body.recording.source_tenant_id = mark("source-tenant");
    body.change(change("value-of-property-x", Some("\"value-of-old-x\""), Some("\"value-of-new-x\"")))
}

/// The columns in which each value was found.
#[derive(Default)]
struct Found {
    tables: BTreeSet<String>,
    columns: BTreeMap<String, BTreeSet<String>>,
}

impl Found {
    /// Searches all rows of a table. The body is the event itself.
    async fn search<E: EntityTrait>(&mut self, connection: &DatabaseConnection) {
        let table = E::default().table_name().to_owned();
        for row in E::find().all(connection).await.unwrap() {
            for column in E::Column::iter().filter(|column| column.as_str() != "body") {
                let content = match row.get(column) {
                    Value::String(Some(string)) => string,
                    Value::Bytes(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
                    _ => continue,
                };
                for part in content.split("value-of-").skip(1) {
                    let value = part.split("-x").next().unwrap().to_owned();
                    self.columns.entry(value).or_default().insert(format!("{table}.{}", column.as_str()));
                }
            }
        }
        self.tables.insert(table);
    }
}

#[tokio::test]
async fn values_of_people_are_in_known_columns() {
    let log = TestLog::new().await;
    log.record([marked_event(), event("other").actor(user("value-of-actor-upn-in-key-x"))]).await;
    log.store.roll_up(1).await.unwrap();
    let (connection, mut found) = (log.database.connection().await, Found::default());
    found.search::<tenant_log::Entity>(&connection).await;
    found.search::<api_key::Entity>(&connection).await;
    found.search::<term::Entity>(&connection).await;
    found.search::<audit_event::Entity>(&connection).await;
    found.search::<event_key::Entity>(&connection).await;
    found.search::<actor::Entity>(&connection).await;
    found.search::<target::Entity>(&connection).await;
    found.search::<event_target::Entity>(&connection).await;
    found.search::<property_change::Entity>(&connection).await;
    found.search::<activity_type::Entity>(&connection).await;
    found.search::<rollup::Entity>(&connection).await;
    found.search::<rollup_block::Entity>(&connection).await;
    found.search::<rollup_key::Entity>(&connection).await;
    let tables =
        COPIED_TABLES.iter().filter(|table| **table != "tenant").chain(&["rollup", "rollup_block", "rollup_key"]);
    assert_eq!(found.tables, tables.map(|table| (*table).to_owned()).collect());
    let expected = [
        ("activity", "activity_type.activity activity_type.activity_key term.key"),
        ("activity-name", "activity_type.display_name term.key"),
        ("actor-name", "actor.display_name"),
        ("actor-object", "actor.object_id term.key"),
        ("actor-principal", "actor.service_principal_name"),
        ("actor-upn", "actor.user_principal_name"),
        ("actor-upn-in-key", "actor.user_principal_name term.key"),
        ("application-id", "actor.application_id term.key"),
        ("application-name", "actor.application_name"),
        ("category", "activity_type.category activity_type.category_name term.key"),
        ("component", "term.key"),
        ("ip-address", "term.key"),
        ("name-in-key", "target.display_name term.key"),
        ("property", "activity_type.property_names term.key"),
        ("recorder", "term.key"),
        ("service", "activity_type.service activity_type.service_name term.key"),
        ("target-application", "target.application_id"),
        ("target-name", "target.display_name"),
        ("target-object", "target.object_id term.key"),
        ("target-type", "target.type"),
        ("target-upn", "target.user_principal_name"),
        ("type-in-key", "target.type term.key"),
        ("typed-object", "target.object_id term.key"),
        ("upn-in-key", "target.user_principal_name term.key"),
    ];
    let columns: Vec<(String, String)> = found
        .columns
        .into_iter()
        .map(|(value, columns)| (value, columns.into_iter().collect::<Vec<_>>().join(" ")))
        .collect();
    let columns: Vec<(&str, &str)> = columns.iter().map(|(value, columns)| (&**value, &**columns)).collect();
    assert_eq!(columns, expected);
}
