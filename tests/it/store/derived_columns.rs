//! The body is the event: columns and side tables are derived from it alone.

use std::collections::{BTreeMap, HashMap};

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target, term};
use model::fold::{fold, fold_activity};
use model::json::hash16;
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, Json, NewEvent};
use proptest::test_runner::TestRunner;
use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::arbitrary::bodies;
use crate::harness::database::{NOW, TestLog};

fn key(text: Option<&String>) -> String {
    text.map(|text| fold(text)).unwrap_or_default()
}

/// The kinds of terms, by their numbers in the database.
#[derive(Clone, Copy)]
enum Kind {
    Service = 1,
    Component = 2,
    Category = 3,
    Activity = 4,
    ActivityName = 5,
    Application = 6,
    IpAddress = 7,
    Recorder = 8,
    Property = 9,
    Actor = 10,
    Target = 11,
}

/// The terms of a log, by kind and string.
struct Terms(HashMap<(i16, String), i32>);

impl Terms {
    async fn read(connection: &DatabaseConnection) -> Self {
        let rows = term::Entity::find().all(connection).await.unwrap();
        Self(rows.into_iter().map(|row| ((row.kind, row.key), row.id)).collect())
    }

    /// The number of a term, 0 for an absent string.
    fn id(&self, kind: Kind, key: String) -> i32 {
        if key.is_empty() { 0 } else { self.0[&(kind as i16, key)] }
    }
}

/// The first four bytes of a hash.
fn shortened(hash: [u8; 16]) -> i32 {
    i32::from_be_bytes(hash[..4].try_into().unwrap())
}

/// The hash of a string in a column, 0 if the string is empty.
fn hash(string: &str) -> i32 {
    if string.is_empty() { 0 } else { shortened(hash16(string.as_bytes())) }
}

fn value_hash(value: Option<&Json>) -> i32 {
    value.map_or(0, |value| shortened(value.equality_hash()))
}

/// The columns of an event, derived from its body.
fn columns(terms: &Terms, row: &audit_event::Model, body: &EventBody) -> audit_event::Model {
    let activity_key = fold_activity(&body.activity);
    let activity_name = Some(fold(&body.activity_display_name)).filter(|name| *name != activity_key);
    audit_event::Model {
        occurred_at: body.occurred_at.0,
        correlation_hash: hash(&key(body.correlation_id.as_ref())),
        service: terms.id(Kind::Service, fold(&body.service)),
        component: terms.id(Kind::Component, key(body.component.as_ref())),
        category: terms.id(Kind::Category, fold(&body.category)),
        activity_key: terms.id(Kind::Activity, activity_key),
        activity_name: terms.id(Kind::ActivityName, activity_name.unwrap_or_default()),
        actor_key: terms.id(Kind::Actor, body.actor.key()),
        application_id: terms.id(Kind::Application, body.actor.application_id().map(fold).unwrap_or_default()),
        ip_address: terms.id(Kind::IpAddress, key(body.actor.ip_address.as_ref())),
        recorded_by: terms.id(Kind::Recorder, fold(&body.recording.recorded_by)),
        event_key_hash: hash(&fold(&body.event_key)),
        resource_type: body.resource_type.code(),
        operation_type: body.operation_type.code(),
        group_source: body.group_source.map_or(0, model::GroupSource::code),
        status: body.status.code(),
        recorded_via: body.recording.route.code(),
        // Not in the body: tenant, sequence, recording time and snapshot id.
        ..row.clone()
    }
}

async fn check_actor(connection: &DatabaseConnection, terms: &Terms, row: &audit_event::Model, body: &EventBody) {
    let found = actor::Entity::find_by_id((row.tenant_id, row.actor_id)).one(connection).await.unwrap().unwrap();
    let (who, application) = (&body.actor, body.actor.application.clone().unwrap_or_default());
    let expected = actor::Model {
        key: terms.id(Kind::Actor, who.key()),
        service: terms.id(Kind::Service, fold(&body.service)),
        kind: who.kind.code(),
        object_id: key(who.object_id.as_ref()),
        user_principal_name: key(who.user_principal_name.as_ref()),
        display_name: who.shown_name().map(fold).unwrap_or_default(),
        service_principal_name: key(who.service_principal_name.as_ref()),
        application_id: key(application.application_id.as_ref()),
        application_name: key(application.display_name.as_ref()),
        ..found.clone()
    };
    assert_eq!(found, expected);
}

async fn check_targets(connection: &DatabaseConnection, terms: &Terms, row: &audit_event::Model, body: &EventBody) {
    let links = event_target::Entity::find()
        .filter(event_target::Column::Sequence.eq(row.sequence))
        .order_by_asc(event_target::Column::Ordinal);
    let links = links.all(connection).await.unwrap();
    assert_eq!(links.len(), body.targets.len());
    for (i, (link, one)) in links.iter().zip(&body.targets).enumerate() {
        let is_first = body.targets[..i].iter().all(|earlier| earlier.key() != one.key());
        let expected = event_target::Model {
            ordinal: i16::try_from(i).unwrap(),
            occurred_at: body.occurred_at.0,
            target_key: terms.id(Kind::Target, one.key()),
            is_first: i16::from(is_first),
            ..link.clone()
        };
        assert_eq!(link, &expected);
        let found = target::Entity::find_by_id((row.tenant_id, link.target_id)).one(connection).await.unwrap().unwrap();
        let expected = target::Model {
            key: link.target_key,
            service: row.service,
            r#type: key(one.kind.as_ref()),
            object_id: key(one.object_id.as_ref()),
            user_principal_name: key(one.user_principal_name.as_ref()),
            display_name: key(one.display_name.as_ref()),
            application_id: key(one.application_id.as_ref()),
            ..found.clone()
        };
        assert_eq!(found, expected);
    }
}

async fn check_changes(connection: &DatabaseConnection, terms: &Terms, row: &audit_event::Model, body: &EventBody) {
    let rows = property_change::Entity::find()
        .filter(property_change::Column::Sequence.eq(row.sequence))
        .order_by_asc(property_change::Column::TargetOrdinal)
        .order_by_asc(property_change::Column::Ordinal);
    let mut expected: Vec<property_change::Model> = Vec::new();
    for (target_ordinal, target) in (0..).zip(&body.targets) {
        for (ordinal, change) in (0..).zip(&target.modified_properties) {
            let name_key = terms.id(Kind::Property, fold(&change.name));
            let is_first = expected.iter().all(|earlier| earlier.name_key != name_key);
            expected.push(property_change::Model {
                tenant_id: row.tenant_id,
                sequence: row.sequence,
                target_ordinal,
                ordinal,
                occurred_at: body.occurred_at.0,
                name_key,
                old_hash: value_hash(change.old_value.as_ref()),
                new_hash: value_hash(change.new_value.as_ref()),
                flags: change.change.code() + 8 * i16::from(change.is_sensitive),
                is_first: i16::from(is_first),
            });
        }
    }
    assert_eq!(rows.all(connection).await.unwrap(), expected);
}

#[tokio::test]
async fn columns_and_side_tables_equal_the_bodies() {
    let log = TestLog::new().await;
    let recorded = bodies(&mut TestRunner::default(), "k", 120);
    log.record(recorded.clone()).await;
    let connection = log.database.connection().await;
    let terms = Terms::read(&connection).await;
    let rows = audit_event::Entity::find().order_by_asc(audit_event::Column::Sequence).all(&connection).await.unwrap();
    assert_eq!(rows.len(), recorded.len());
    for (row, recorded) in rows.iter().zip(recorded) {
        let text = body_codec::decode(row.body_format, &row.body).unwrap();
        let body: EventBody = serde_json::from_str(&text).unwrap();
        // Parsing only marks sensitive values.
        let event = NewEvent::parse(recorded, NOW, &SensitiveNames::default()).unwrap();
        assert_eq!(&body, event.body());
        assert_eq!(row, &columns(&terms, row, &body));
        check_actor(&connection, &terms, row, &body).await;
        check_targets(&connection, &terms, row, &body).await;
        check_changes(&connection, &terms, row, &body).await;
        let id = EventId::of(&body.service, &body.event_key).0.to_vec();
        let named = event_key::Entity::find_by_id((row.tenant_id, id)).one(&connection).await.unwrap().unwrap();
        assert_eq!(named.sequence, row.sequence);
        assert_eq!(named.input_hash.len(), event.input_hash().len());
    }
}

#[tokio::test]
async fn activity_types_equal_the_bodies() {
    let log = TestLog::new().await;
    let recorded = bodies(&mut TestRunner::default(), "k", 120);
    for batch in recorded.chunks(11) {
        log.record(batch.to_vec()).await;
    }
    let mut expected: BTreeMap<[String; 3], i64> = BTreeMap::new();
    for body in &recorded {
        let key = [fold(&body.service), fold(&body.category), fold_activity(&body.activity)];
        *expected.entry(key).or_default() += 1;
    }
    let connection = log.database.connection().await;
    let rows = activity_type::Entity::find().all(&connection).await.unwrap();
    let found: BTreeMap<_, _> =
        rows.into_iter().map(|row| ([row.service, row.category, row.activity_key], row.event_count)).collect();
    assert_eq!(found, expected);
}
