//! The body is the event: columns and side tables are derived from it alone.

use std::collections::BTreeMap;

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target};
use model::fold::{fold, fold_activity};
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, NewEvent};
use proptest::test_runner::TestRunner;
use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::arbitrary::bodies;
use crate::harness::database::{NOW, TestLog};

fn key(text: Option<&String>) -> String {
    text.map(|text| fold(text)).unwrap_or_default()
}

/// The columns of an event, derived from its body.
fn columns(row: &audit_event::Model, body: &EventBody) -> audit_event::Model {
    let activity_key = fold_activity(&body.activity);
    let activity_name = fold(&body.activity_display_name);
    audit_event::Model {
        occurred_at: body.occurred_at.0,
        service: fold(&body.service),
        component: key(body.component.as_ref()),
        category: fold(&body.category),
        activity_name: if activity_name == activity_key { String::new() } else { activity_name },
        activity_key,
        resource_type: body.resource_type.name().to_owned(),
        operation_type: body.operation_type.name().to_owned(),
        group_source: body.group_source.map_or("", |source| source.name()).to_owned(),
        status: body.status.name().to_owned(),
        actor_key: body.actor.key(),
        application_id: key(body
            .actor
            .application
            .as_ref()
            .and_then(|application| application.application_id.as_ref())),
        correlation_key: key(body.correlation_id.as_ref()),
        event_key: fold(&body.event_key),
        recorded_by: fold(&body.recording.recorded_by),
        recorded_via: body.recording.route.name().to_owned(),
        // Not in the body: tenant, sequence, recording time and snapshot id.
        ..row.clone()
    }
}

async fn check_actor(connection: &DatabaseConnection, row: &audit_event::Model, body: &EventBody) {
    let found = actor::Entity::find_by_id((row.tenant_id, row.actor_id)).one(connection).await.unwrap().unwrap();
    let (who, application) = (&body.actor, body.actor.application.clone().unwrap_or_default());
    let expected = actor::Model {
        key: who.key(),
        service: fold(&body.service),
        kind: who.kind.name().to_owned(),
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

async fn check_targets(connection: &DatabaseConnection, row: &audit_event::Model, body: &EventBody) {
    let links = event_target::Entity::find()
        .filter(event_target::Column::Sequence.eq(row.sequence))
        .order_by_asc(event_target::Column::Ordinal);
    let links = links.all(connection).await.unwrap();
    assert_eq!(links.len(), body.targets.len());
    for (i, (link, one)) in links.iter().zip(&body.targets).enumerate() {
        let is_first = body.targets[..i].iter().all(|earlier| earlier.key() != one.key());
        let found = (link.ordinal, link.occurred_at, &link.target_key, link.is_first);
        assert_eq!(found, (i32::try_from(i).unwrap(), body.occurred_at.0, &one.key(), i16::from(is_first)));
        let found = target::Entity::find_by_id((row.tenant_id, link.target_id)).one(connection).await.unwrap().unwrap();
        let expected = target::Model {
            key: one.key(),
            service: fold(&body.service),
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

async fn check_changes(connection: &DatabaseConnection, row: &audit_event::Model, body: &EventBody) {
    let rows = property_change::Entity::find()
        .filter(property_change::Column::Sequence.eq(row.sequence))
        .order_by_asc(property_change::Column::Ordinal);
    let mut expected: Vec<property_change::Model> = Vec::new();
    for (target_ordinal, target) in (0..).zip(&body.targets) {
        for change in &target.modified_properties {
            let name_key = fold(&change.name);
            let is_first = expected.iter().all(|earlier| earlier.name_key != name_key);
            expected.push(property_change::Model {
                tenant_id: row.tenant_id,
                sequence: row.sequence,
                ordinal: i32::try_from(expected.len()).unwrap(),
                occurred_at: body.occurred_at.0,
                target_ordinal,
                name_key,
                change: change.change.name().to_owned(),
                sensitive: i16::from(change.is_sensitive),
                old_hash: change.old_value.as_ref().map(|value| value.equality_hash().to_vec()),
                new_hash: change.new_value.as_ref().map(|value| value.equality_hash().to_vec()),
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
    let rows = audit_event::Entity::find().order_by_asc(audit_event::Column::Sequence).all(&connection).await.unwrap();
    assert_eq!(rows.len(), recorded.len());
    for (row, recorded) in rows.iter().zip(recorded) {
        let text = body_codec::decode(row.body_format, &row.body).unwrap();
        let body: EventBody = serde_json::from_str(&text).unwrap();
        // Parsing only marks sensitive values.
        let event = NewEvent::parse(recorded, NOW, &SensitiveNames::default()).unwrap();
        assert_eq!(&body, event.body());
        assert_eq!(row, &columns(row, &body));
        check_actor(&connection, row, &body).await;
        check_targets(&connection, row, &body).await;
        check_changes(&connection, row, &body).await;
        let id = EventId::of(&body.service, &body.event_key).0.to_vec();
        let named = event_key::Entity::find_by_id((row.tenant_id, id)).one(&connection).await.unwrap().unwrap();
        assert_eq!((named.sequence, named.content_hash), (row.sequence, event.content_hash().to_vec()));
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
