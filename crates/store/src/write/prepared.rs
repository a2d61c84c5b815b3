//! Builds the rows of an event before its transaction starts: everything except the ids and sequences that the log
//! assigns.

use std::collections::{BTreeMap, HashSet};

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target};

use crate::db::bulk::Hash16;
use crate::write::snapshot_cache::{ActivityKey, SnapshotIds};
use model::fold::{fold, fold_activity};
use model::json::hash16;
use model::{Actor, Comparison, NewEvent, Target, Timestamp};

/// A snapshot of an actor or a target, and the hash of its columns.
pub(crate) struct PartySnapshot<M> {
    pub(crate) fingerprint: Hash16,
    pub(crate) row: M,
}

/// The rows of an event.
pub(crate) struct PreparedEvent {
    pub(crate) event: audit_event::Model,
    pub(crate) key: event_key::Model,
    /// How the event is compared with another one under its key.
    pub(crate) comparison: Comparison,
    pub(crate) actor: PartySnapshot<actor::Model>,
    /// The snapshots that the rows of `targets` refer to, in the same order.
    pub(crate) target_snapshots: Vec<PartySnapshot<target::Model>>,
    pub(crate) targets: Vec<event_target::Model>,
    pub(crate) changes: Vec<property_change::Model>,
    pub(crate) activity: activity_type::Model,
    /// The names of changed properties: folded, and as first spelled in the event.
    pub(crate) property_names: BTreeMap<String, String>,
    /// The hash of the body, computed before the log is locked.
    body_hash: Hash16,
}

impl PreparedEvent {
    /// Builds the rows of an event.
    pub(crate) fn new(tenant_id: i32, event: &NewEvent) -> Self {
        let body = event.body();
        let actor = actor_row(tenant_id, &body.service, &body.actor);
        let snapshots = body.targets.iter().map(|target| target_row(tenant_id, &body.service, target)).collect();
        let row = event_row(tenant_id, event, &actor.row);
        let mut prepared = Self {
            key: event_key::Model {
                tenant_id,
                key_hash: event.id().0.to_vec(),
                sequence: 0,
                content_hash: event.content_hash().to_vec(),
                input_hash: event.input_hash().to_vec(),
            },
            comparison: event.comparison(),
            activity: activity_row(event, &row),
            event: row,
            actor,
            target_snapshots: snapshots,
            targets: Vec::with_capacity(body.targets.len()),
            changes: Vec::new(),
            property_names: BTreeMap::new(),
            body_hash: hash16(event.json().as_bytes()),
        };
        prepared.add_targets(event);
        prepared
    }

    fn add_targets(&mut self, event: &NewEvent) {
        let (tenant_id, occurred_at) = (self.event.tenant_id, self.event.occurred_at);
        let mut keys = HashSet::new();
        for ((target_ordinal, target), snapshot) in (0..).zip(&event.body().targets).zip(&self.target_snapshots) {
            self.targets.push(event_target::Model {
                tenant_id,
                sequence: 0,
                ordinal: target_ordinal,
                occurred_at,
                target_id: 0,
                is_first: i16::from(keys.insert(snapshot.row.key.as_str())),
                target_key: snapshot.row.key.clone(),
            });
            for change in &target.modified_properties {
                let name_key = fold(&change.name);
                let is_first = !self.property_names.contains_key(&name_key);
                if is_first {
                    self.property_names.insert(name_key.clone(), change.name.clone());
                }
                self.changes.push(property_change::Model {
                    tenant_id,
                    sequence: 0,
                    ordinal: i32::try_from(self.changes.len()).unwrap_or(i32::MAX),
                    occurred_at,
                    target_ordinal,
                    is_first: i16::from(is_first),
                    name_key,
                    change: change.change.name().to_owned(),
                    sensitive: i16::from(change.is_sensitive),
                    old_hash: change.old_value.as_ref().map(|value| value.equality_hash().to_vec()),
                    new_hash: change.new_value.as_ref().map(|value| value.equality_hash().to_vec()),
                });
            }
        }
    }

    /// Returns the key of the activity in the catalogue.
    pub(crate) fn activity_key(&self) -> ActivityKey {
        [&self.activity.service, &self.activity.category, &self.activity.activity_key].map(Clone::clone)
    }

    /// Returns the approximate memory in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        2_000 + self.event.body.len() + 300 * (self.targets.len() + self.changes.len())
    }

    /// Sets the event's sequence and time of recording in all rows.
    pub(crate) fn set_sequence(&mut self, sequence: i64, recorded_at: Timestamp) {
        self.event.sequence = sequence;
        self.event.recorded_at = recorded_at.0;
        self.event.checksum = self.checksum();
        self.key.sequence = sequence;
        self.targets.iter_mut().for_each(|row| row.sequence = sequence);
        self.changes.iter_mut().for_each(|row| row.sequence = sequence);
    }

    /// Returns the checksum of the row: over its tenant, its sequence, its time of recording and its body.
    fn checksum(&self) -> Vec<u8> {
        let row = &self.event;
        let mut content = Vec::with_capacity(36);
        content.extend(row.tenant_id.to_be_bytes());
        content.extend(row.sequence.to_be_bytes());
        content.extend(row.recorded_at.to_be_bytes());
        content.extend(self.body_hash);
        hash16(&content).to_vec()
    }

    /// Sets the ids of the snapshots. The maps must contain them.
    pub(crate) fn set_snapshot_ids(&mut self, actors: &SnapshotIds, targets: &SnapshotIds) {
        let id = |ids: &SnapshotIds, fingerprint| ids.get(fingerprint).copied().unwrap_or_default();
        self.event.actor_id = id(actors, &self.actor.fingerprint);
        for (row, snapshot) in self.targets.iter_mut().zip(&self.target_snapshots) {
            row.target_id = id(targets, &snapshot.fingerprint);
        }
    }
}

fn key_of(text: Option<&str>) -> String {
    text.map(fold).unwrap_or_default()
}

/// Replaces NUL, which PostgreSQL cannot store, in a display name.
fn storable(name: &str) -> String {
    name.replace('\0', "\u{fffd}")
}

fn event_row(tenant_id: i32, event: &NewEvent, actor: &actor::Model) -> audit_event::Model {
    let body = event.body();
    let activity_key = fold_activity(&body.activity);
    let activity_name = Some(fold(&body.activity_display_name)).filter(|name| *name != activity_key);
    let encoded = body_codec::encode(event.json());
    audit_event::Model {
        tenant_id,
        sequence: 0,
        occurred_at: body.occurred_at.0,
        recorded_at: 0,
        service: actor.service.clone(),
        component: key_of(body.component.as_deref()),
        category: fold(&body.category),
        activity_key,
        activity_name: activity_name.unwrap_or_default(),
        resource_type: body.resource_type.name().to_owned(),
        operation_type: body.operation_type.name().to_owned(),
        group_source: body.group_source.map(|source| source.name().to_owned()).unwrap_or_default(),
        status: body.status.name().to_owned(),
        actor_id: 0,
        actor_key: actor.key.clone(),
        application_id: actor.application_id.clone(),
        ip_address: key_of(body.actor.ip_address.as_deref()),
        correlation_key: key_of(body.correlation_id.as_deref()),
        event_key: fold(&body.event_key),
        recorded_by: key_of(Some(&body.recording.recorded_by)),
        recorded_via: body.recording.route.name().to_owned(),
        checksum: Vec::new(),
        body_format: encoded.format.code(),
        body: encoded.bytes,
    }
}

/// Returns the catalogue row of the event's activity, with a count of one.
fn activity_row(event: &NewEvent, row: &audit_event::Model) -> activity_type::Model {
    let body = event.body();
    activity_type::Model {
        tenant_id: row.tenant_id,
        service: row.service.clone(),
        category: row.category.clone(),
        activity_key: row.activity_key.clone(),
        service_name: storable(&body.service),
        category_name: storable(&body.category),
        activity: storable(&body.activity),
        display_name: storable(&body.activity_display_name),
        resource_type: row.resource_type.clone(),
        operation_type: row.operation_type.clone(),
        property_names: String::new(),
        first_seen_at: 0,
        last_seen_at: 0,
        event_count: 1,
    }
}

fn fingerprint(parts: &[&str]) -> Hash16 {
    hash16(parts.join("\0").as_bytes())
}

fn actor_row(tenant_id: i32, service: &str, actor: &Actor) -> PartySnapshot<actor::Model> {
    let mut row = actor::Model {
        tenant_id,
        id: 0,
        fingerprint: Vec::new(),
        key: actor.key(),
        service: fold(service),
        kind: actor.kind.name().to_owned(),
        object_id: key_of(actor.object_id.as_deref()),
        user_principal_name: key_of(actor.user_principal_name.as_deref()),
        display_name: key_of(actor.shown_name()),
        service_principal_name: key_of(actor.service_principal_name.as_deref()),
        application_id: key_of(actor.application_id()),
        application_name: key_of(actor.application_name()),
    };
    let fingerprint = fingerprint(&[
        &row.key,
        &row.service,
        &row.kind,
        &row.object_id,
        &row.user_principal_name,
        &row.display_name,
        &row.service_principal_name,
        &row.application_id,
        &row.application_name,
    ]);
    row.fingerprint = fingerprint.to_vec();
    PartySnapshot { fingerprint, row }
}

fn target_row(tenant_id: i32, service: &str, target: &Target) -> PartySnapshot<target::Model> {
    let mut row = target::Model {
        tenant_id,
        id: 0,
        fingerprint: Vec::new(),
        key: target.key(),
        service: fold(service),
        r#type: key_of(target.kind.as_deref()),
        object_id: key_of(target.object_id.as_deref()),
        user_principal_name: key_of(target.user_principal_name.as_deref()),
        display_name: key_of(target.display_name.as_deref()),
        application_id: key_of(target.application_id.as_deref()),
    };
    let fingerprint = fingerprint(&[
        &row.key,
        &row.service,
        &row.r#type,
        &row.object_id,
        &row.user_principal_name,
        &row.display_name,
        &row.application_id,
    ]);
    row.fingerprint = fingerprint.to_vec();
    PartySnapshot { fingerprint, row }
}
