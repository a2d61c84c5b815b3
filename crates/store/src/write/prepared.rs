//! Builds the rows of an event before its transaction starts: everything except the ids, the numbers of terms and the
//! sequences that the log assigns.

use std::collections::{BTreeMap, HashSet};

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target};

use crate::db::bulk::Hash16;
use crate::query::condition::SENSITIVE_FLAG;
use crate::term::{Term, TermIds, TermKind, key_hash, shortened};
use crate::write::snapshot_cache::{ActivityKey, SnapshotIds};
use model::fold::{fold, fold_activity};
use model::json::hash16;
use model::{Actor, Comparison, EventBody, Json, ModifiedProperty, NewEvent, Target, Timestamp};

/// A snapshot of an actor or a target, and the hash of its columns.
pub(crate) struct PartySnapshot<M> {
    pub(crate) fingerprint: Hash16,
    pub(crate) row: M,
}

/// The number of columns of an event with numbers of terms.
const TERM_COLUMNS: usize = 9;

/// The terms of an event. That of an absent string has an empty key.
pub(crate) struct EventTerms {
    service: Term,
    component: Term,
    category: Term,
    activity: Term,
    activity_name: Term,
    application: Term,
    ip_address: Term,
    recorder: Term,
    actor: Term,
    /// The keys of the targets, in their order.
    pub(crate) targets: Vec<Term>,
    /// The names of the changed properties, in the order of the changes.
    pub(crate) properties: Vec<Term>,
}

/// The rows of an event.
pub(crate) struct PreparedEvent {
    pub(crate) event: audit_event::Model,
    pub(crate) key: event_key::Model,
    pub(crate) terms: EventTerms,
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

/// Returns the columns with numbers of terms, in the order of [`EventTerms::of_event`].
fn term_columns(row: &mut audit_event::Model) -> [&mut i32; TERM_COLUMNS] {
    [
        &mut row.service,
        &mut row.component,
        &mut row.category,
        &mut row.activity_key,
        &mut row.activity_name,
        &mut row.application_id,
        &mut row.ip_address,
        &mut row.recorded_by,
        &mut row.actor_key,
    ]
}

/// Returns the numbers of the terms of a row, in the order of [`EventTerms::of_event`].
pub(crate) const fn term_ids(row: &audit_event::Model) -> [i32; TERM_COLUMNS] {
    [
        row.service,
        row.component,
        row.category,
        row.activity_key,
        row.activity_name,
        row.application_id,
        row.ip_address,
        row.recorded_by,
        row.actor_key,
    ]
}

impl EventTerms {
    fn of(body: &EventBody) -> Self {
        let activity_key = fold_activity(&body.activity);
        let activity_name = Some(fold(&body.activity_display_name)).filter(|name| *name != activity_key);
        let changes = body.targets.iter().flat_map(|target| &target.modified_properties);
        Self {
            service: Term::new(TermKind::Service, fold(&body.service)),
            component: Term::new(TermKind::Component, key_of(body.component.as_deref())),
            category: Term::new(TermKind::Category, fold(&body.category)),
            activity: Term::new(TermKind::Activity, activity_key),
            activity_name: Term::new(TermKind::ActivityName, activity_name.unwrap_or_default()),
            application: Term::new(TermKind::Application, key_of(body.actor.application_id())),
            ip_address: Term::new(TermKind::IpAddress, key_of(body.actor.ip_address.as_deref())),
            recorder: Term::new(TermKind::Recorder, fold(&body.recording.recorded_by)),
            actor: Term::new(TermKind::Actor, body.actor.key()),
            targets: body.targets.iter().map(|target| Term::new(TermKind::Target, target.key())).collect(),
            properties: changes.map(|change| Term::new(TermKind::Property, fold(&change.name))).collect(),
        }
    }

    /// Returns the terms to which the columns in [`term_columns`] refer.
    pub(crate) fn of_event(&self) -> [&Term; TERM_COLUMNS] {
        [
            &self.service,
            &self.component,
            &self.category,
            &self.activity,
            &self.activity_name,
            &self.application,
            &self.ip_address,
            &self.recorder,
            &self.actor,
        ]
    }

    /// Returns the terms whose strings are present. A term may occur more than once.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Term> {
        let all = self.of_event().into_iter().chain(&self.targets).chain(&self.properties);
        all.filter(|term| !term.key.is_empty())
    }
}

impl PreparedEvent {
    /// Builds the rows of an event.
    pub(crate) fn new(tenant_id: i32, event: &NewEvent) -> Self {
        let body = event.body();
        let terms = EventTerms::of(body);
        let snapshots = body.targets.iter().zip(&terms.targets);
        let mut prepared = Self {
            event: event_row(tenant_id, event),
            key: event_key::Model {
                tenant_id,
                key_hash: event.id().0.to_vec(),
                sequence: 0,
                input_hash: event.input_hash().to_vec(),
            },
            comparison: event.comparison(),
            activity: activity_row(tenant_id, event, &terms),
            actor: actor_row(tenant_id, &terms, &body.actor),
            target_snapshots: snapshots.map(|(target, key)| target_row(tenant_id, &terms, target, &key.key)).collect(),
            targets: Vec::with_capacity(body.targets.len()),
            changes: Vec::with_capacity(terms.properties.len()),
            property_names: BTreeMap::new(),
            body_hash: hash16(event.json().as_bytes()),
            terms,
        };
        prepared.add_targets(event);
        prepared
    }

    fn add_targets(&mut self, event: &NewEvent) {
        let (tenant_id, occurred_at) = (self.event.tenant_id, self.event.occurred_at);
        let (mut keys, mut names) = (HashSet::new(), self.terms.properties.iter());
        for ((index, target), key) in event.body().targets.iter().enumerate().zip(&self.terms.targets) {
            let target_ordinal = ordinal(index);
            self.targets.push(event_target::Model {
                tenant_id,
                sequence: 0,
                ordinal: target_ordinal,
                occurred_at,
                target_id: 0,
                is_first: i16::from(keys.insert(key.key.as_str())),
                target_key: 0,
            });
            for ((index, change), name) in target.modified_properties.iter().enumerate().zip(names.by_ref()) {
                let is_first = !self.property_names.contains_key(&name.key);
                if is_first {
                    self.property_names.insert(name.key.clone(), change.name.clone());
                }
                self.changes.push(property_change::Model {
                    tenant_id,
                    sequence: 0,
                    target_ordinal,
                    ordinal: ordinal(index),
                    occurred_at,
                    name_key: 0,
                    old_hash: value_hash(change.old_value.as_ref()),
                    new_hash: value_hash(change.new_value.as_ref()),
                    flags: change_flags(change),
                    is_first: i16::from(is_first),
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
        2_500 + self.event.body.len() + 400 * (self.targets.len() + self.changes.len())
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

    /// Sets the numbers of the terms in all rows and snapshots. The map must contain them.
    pub(crate) fn set_term_ids(&mut self, ids: &TermIds) {
        let id = |term: &Term| ids.get(term).copied().unwrap_or_default();
        let Self { event, terms, actor, target_snapshots, targets, changes, .. } = self;
        for (term, column) in terms.of_event().into_iter().zip(term_columns(event)) {
            *column = id(term);
        }
        (actor.row.key, actor.row.service) = (event.actor_key, event.service);
        for ((term, row), snapshot) in terms.targets.iter().zip(targets).zip(target_snapshots) {
            row.target_key = id(term);
            (snapshot.row.key, snapshot.row.service) = (row.target_key, event.service);
        }
        for (term, row) in terms.properties.iter().zip(changes) {
            row.name_key = id(term);
        }
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

/// Returns an index as an ordinal. The limits of an event are below the greatest ordinal.
fn ordinal(index: usize) -> i16 {
    i16::try_from(index).unwrap_or(i16::MAX)
}

fn key_of(text: Option<&str>) -> String {
    text.map(fold).unwrap_or_default()
}

fn value_hash(value: Option<&Json>) -> i32 {
    value.map_or(0, |value| shortened(value.equality_hash()))
}

fn change_flags(change: &ModifiedProperty) -> i16 {
    change.change.code() + if change.is_sensitive { SENSITIVE_FLAG } else { 0 }
}

/// Replaces NUL, which PostgreSQL cannot store, in a display name.
fn storable(name: &str) -> String {
    name.replace('\0', "\u{fffd}")
}

/// Returns the row of an event without the numbers of its terms.
fn event_row(tenant_id: i32, event: &NewEvent) -> audit_event::Model {
    let body = event.body();
    let encoded = body_codec::encode(event.json());
    audit_event::Model {
        tenant_id,
        sequence: 0,
        occurred_at: body.occurred_at.0,
        recorded_at: 0,
        service: 0,
        component: 0,
        category: 0,
        activity_key: 0,
        activity_name: 0,
        actor_id: 0,
        actor_key: 0,
        application_id: 0,
        ip_address: 0,
        recorded_by: 0,
        correlation_hash: key_hash(&key_of(body.correlation_id.as_deref())),
        event_key_hash: key_hash(&fold(&body.event_key)),
        resource_type: body.resource_type.code(),
        operation_type: body.operation_type.code(),
        group_source: body.group_source.map_or(0, model::GroupSource::code),
        status: body.status.code(),
        recorded_via: body.recording.route.code(),
        body_format: encoded.format.code(),
        checksum: Vec::new(),
        body: encoded.bytes,
    }
}

/// Returns the catalogue row of the event's activity, with a count of one.
fn activity_row(tenant_id: i32, event: &NewEvent, terms: &EventTerms) -> activity_type::Model {
    let body = event.body();
    activity_type::Model {
        tenant_id,
        service: terms.service.key.clone(),
        category: terms.category.key.clone(),
        activity_key: terms.activity.key.clone(),
        service_name: storable(&body.service),
        category_name: storable(&body.category),
        activity: storable(&body.activity),
        display_name: storable(&body.activity_display_name),
        resource_type: body.resource_type.name().to_owned(),
        operation_type: body.operation_type.name().to_owned(),
        property_names: String::new(),
        first_seen_at: 0,
        last_seen_at: 0,
        event_count: 1,
    }
}

fn fingerprint(parts: &[&str]) -> Hash16 {
    hash16(parts.join("\0").as_bytes())
}

fn actor_row(tenant_id: i32, terms: &EventTerms, actor: &Actor) -> PartySnapshot<actor::Model> {
    let mut row = actor::Model {
        tenant_id,
        id: 0,
        key: 0,
        service: 0,
        kind: actor.kind.code(),
        fingerprint: Vec::new(),
        object_id: key_of(actor.object_id.as_deref()),
        user_principal_name: key_of(actor.user_principal_name.as_deref()),
        display_name: key_of(actor.shown_name()),
        service_principal_name: key_of(actor.service_principal_name.as_deref()),
        application_id: terms.application.key.clone(),
        application_name: key_of(actor.application_name()),
    };
    let fingerprint = fingerprint(&[
        &terms.actor.key,
        &terms.service.key,
        actor.kind.name(),
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

fn target_row(tenant_id: i32, terms: &EventTerms, target: &Target, key: &str) -> PartySnapshot<target::Model> {
    let mut row = target::Model {
        tenant_id,
        id: 0,
        key: 0,
        service: 0,
        fingerprint: Vec::new(),
        r#type: key_of(target.kind.as_deref()),
        object_id: key_of(target.object_id.as_deref()),
        user_principal_name: key_of(target.user_principal_name.as_deref()),
        display_name: key_of(target.display_name.as_deref()),
        application_id: key_of(target.application_id.as_deref()),
    };
    let fingerprint = fingerprint(&[
        key,
        &terms.service.key,
        &row.r#type,
        &row.object_id,
        &row.user_principal_name,
        &row.display_name,
        &row.application_id,
    ]);
    row.fingerprint = fingerprint.to_vec();
    PartySnapshot { fingerprint, row }
}
