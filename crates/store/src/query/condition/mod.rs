//! Writes conditions as SQL predicates.
//!
//! A predicate selects exactly the events that [`Condition::matches`] accepts, and works on the folded strings. Only
//! conditions on hashes may select more; [`Condition::needs_body`] returns which conditions these are. Every predicate
//! is two-valued: the columns are never NULL, and an absent string is 0 or empty.

mod set;

use std::collections::BTreeSet;

use crate::query::driving_table::DrivingTable;
use crate::query::sql::{Sql, like};
use crate::query::string::{
    any_term, each_term, event_keys, event_string, none_of_terms, one_of_terms, string_predicate, term_predicate,
};
use crate::term::{TermKind, shortened};
use model::filter::{
    ActorCondition, Condition, PropertyCondition, SequenceRange, StringCondition, TargetCondition, TimeRange,
};
use model::{ActorKind, GroupSource, OperationType, PropertyChange, RecordingRoute, ResourceType, Scope, ServiceSet};
use set::{coded_set, status};

/// What `property_change.flags` adds to the number of the kind of a change if its values are sensitive.
pub(crate) const SENSITIVE_FLAG: i16 = 8;

/// Writes the predicate of a condition.
pub(crate) struct PredicateWriter<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) driving_table: &'a DrivingTable,
    /// Whether the statement has a `LIMIT` and so stops before it has read all events.
    pub(crate) stops_early: bool,
}

impl PredicateWriter<'_> {
    pub(crate) fn condition(&self, sql: &mut Sql, condition: &Condition) {
        match condition {
            Condition::All(parts) => drop(sql.joined(parts, " AND ", "TRUE", |sql, part| self.condition(sql, part))),
            Condition::Any(parts) => drop(sql.joined(parts, " OR ", "FALSE", |sql, part| self.condition(sql, part))),
            Condition::Not(part) => {
                sql.push("NOT ");
                self.condition(sql, part);
            }
            Condition::String(column, condition) => event_string(sql, *column, condition),
            Condition::ResourceType(set) => coded_set(sql, "e.resource_type", set, ResourceType::code),
            Condition::OperationType(set) => coded_set(sql, "e.operation_type", set, OperationType::code),
            Condition::Status(set) => status(sql, set),
            Condition::GroupSource(set) => {
                sql.push("(e.group_source <> 0 AND ");
                coded_set(sql, "e.group_source", set, GroupSource::code);
                sql.push(")");
            }
            Condition::Actor(condition) => actor(sql, condition),
            Condition::Target(condition) => self.target(sql, condition),
            Condition::Involving(condition) => self.involving(sql, condition),
            Condition::RecordedAt(range) => recorded_at(sql, *range),
            Condition::Route(set) => coded_set(sql, "e.recorded_via", set, RecordingRoute::code),
            Condition::Sequence(range) => sequence(sql, *range),
            // Such a condition is evaluated on the decoded event; see `crate::read::matching`.
            Condition::Body(_) => drop(sql.push("FALSE")),
            Condition::Search(words) => drop(sql.joined(words, " AND ", "TRUE", |sql, word| self.search(sql, word))),
        }
    }

    fn target(&self, sql: &mut Sql, condition: &TargetCondition) {
        if self.is_implied_by_table(condition) {
            sql.push("TRUE");
            return;
        }
        sql.push("(");
        self.restrict_by_key(sql, condition);
        // Start from the changes and join their targets: an event may have thousands of both, and this reads each
        // change once.
        if let Some(property) = &condition.modified_property {
            sql.push("EXISTS (SELECT 1 FROM property_change p");
            let is_alone =
                TargetCondition { modified_property: None, ..condition.clone() } == TargetCondition::default();
            if !is_alone {
                sql.push(" CROSS JOIN event_target t");
            }
            sql.push(" WHERE p.tenant_id = $1 AND p.sequence = e.sequence");
            self.property(sql, property);
            if is_alone {
                sql.push("))");
                return;
            }
            sql.push(" AND t.tenant_id = $1 AND t.sequence = p.sequence AND t.ordinal = p.target_ordinal");
        } else {
            sql.push("EXISTS (SELECT 1 FROM event_target t WHERE t.tenant_id = $1 AND t.sequence = e.sequence");
        }
        if let Some(keys) = &condition.keys {
            sql.push(" AND ");
            one_of_terms(sql, "t.target_key", TermKind::Target, keys);
        }
        none_of_terms(sql, "t.target_key", TermKind::Target, &condition.excluded_keys);
        let columns = target_columns(condition);
        let search_term = condition.search.as_ref().map(|part| (part, TARGET_COLUMNS.as_slice()));
        if search_term.is_some() || columns.iter().any(|(_, condition)| condition.is_some()) {
            sql.push(" AND t.target_id IN (SELECT g.id FROM target g WHERE g.tenant_id = $1");
            push_snapshot_conditions(sql, &columns, search_term);
            sql.push(")");
        }
        sql.push("))");
    }

    /// Restricts the event by target keys if few targets can match, because an index leads from target keys to events.
    fn restrict_by_key(&self, sql: &mut Sql, condition: &TargetCondition) {
        let columns = target_columns(condition);
        if *self.driving_table == DrivingTable::Event && is_selective(&columns) {
            sql.push("e.sequence IN (SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1");
            sql.push(" AND d.target_key IN (SELECT g.key FROM target g WHERE g.tenant_id = $1");
            push_snapshot_conditions(sql, &columns, None);
            sql.push(")) AND ");
        }
    }

    /// Returns whether the rows of the driving table are exactly those that match a condition.
    fn is_implied_by_table(&self, condition: &TargetCondition) -> bool {
        let only = |text: &String| Some(BTreeSet::from([text.clone()]));
        let implied = match self.driving_table {
            DrivingTable::Event | DrivingTable::EventKeys(_) => return false,
            DrivingTable::Target(keys) => TargetCondition { keys: Some(keys.clone()), ..TargetCondition::default() },
            DrivingTable::Property(name) => {
                let name = StringCondition { one_of: only(name), ..StringCondition::default() };
                let property = PropertyCondition { name: Some(name), ..PropertyCondition::default() };
                TargetCondition { modified_property: Some(property), ..TargetCondition::default() }
            }
        };
        *condition == implied
    }

    fn property(&self, sql: &mut Sql, condition: &PropertyCondition) {
        if let Some(name) = &condition.name {
            sql.push(" AND ");
            term_predicate(sql, "p.name_key", TermKind::Property, name);
        }
        if let Some(set) = &condition.change {
            sql.push(" AND ");
            coded_set(sql, &format!("p.flags % {SENSITIVE_FLAG}"), set, PropertyChange::code);
        }
        if condition.from.is_some() || condition.to.is_some() {
            for (column, hash) in [("p.old_hash", condition.from), ("p.new_hash", condition.to)] {
                if let Some(hash) = hash {
                    sql.push(&format!(" AND {column} = ")).bind(shortened(hash));
                }
            }
            // A withheld value never matches.
            if let ServiceSet::Only(keys) = &self.scope.sensitive {
                sql.push(&format!(" AND (p.flags < {SENSITIVE_FLAG} OR "));
                one_of_terms(sql, "e.service", TermKind::Service, keys);
                sql.push(")");
            }
        }
    }

    fn involving(&self, sql: &mut Sql, condition: &StringCondition) {
        let actor = ["a.object_id", "a.user_principal_name", "a.display_name", "a.application_id"];
        if condition.is_set == Some(false) {
            if condition.is_only_absence() {
                sql.push("NOT ");
                any_party(sql, self.stops_early, [&actor, &TARGET_COLUMNS], |sql, column| {
                    sql.push(&format!("{column} <> ''"));
                });
            } else {
                sql.push("FALSE");
            }
            return;
        }
        // An absent string belongs to no party, so even a condition that matches every string requires one to be
        // present.
        let present = StringCondition { is_set: Some(true), ..condition.clone() };
        let write = |sql: &mut Sql, column: &str| string_predicate(sql, column, &present);
        sql.push("(");
        if present.one_of.is_some() {
            // Few parties can match: find their events through the index on keys.
            sql.push("e.sequence IN (SELECT i.sequence FROM audit_event i WHERE i.tenant_id = $1");
            sql.push(" AND i.actor_key IN (SELECT a.key FROM actor a WHERE a.tenant_id = $1 AND ");
            sql.joined(&actor, " OR ", "FALSE", |sql, column| write(sql, column));
            sql.push(") UNION ALL SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1");
            sql.push(" AND d.target_key IN (SELECT g.key FROM target g WHERE g.tenant_id = $1 AND ");
            sql.joined(&TARGET_COLUMNS, " OR ", "FALSE", |sql, column| write(sql, column));
            sql.push(")) AND ");
        }
        any_party(sql, self.stops_early, [&actor, &TARGET_COLUMNS], write);
        sql.push(")");
    }

    fn search(&self, sql: &mut Sql, word: &str) {
        sql.push("(");
        for (column, kind) in [("e.activity_key", TermKind::Activity), ("e.activity_name", TermKind::ActivityName)] {
            any_term(sql, column, kind, |sql| like(sql.push(" AND "), "k.key", word));
            sql.push(" OR ");
        }
        any_party(sql, self.stops_early, [&ACTOR_COLUMNS, &TARGET_COLUMNS], |sql, column| like(sql, column, word));
        sql.push(")");
    }
}

/// Appends a statement for the sequences of the events with one of some keys: of actors, of targets, or of a column.
pub(crate) fn select_by_key(sql: &mut Sql, condition: &Condition) {
    let events = "SELECT e.sequence FROM audit_event e WHERE e.tenant_id = $1 AND ";
    match condition {
        Condition::Target(target) => {
            sql.push("SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1 AND ");
            each_term(sql, "d.target_key", TermKind::Target, target.keys.as_ref().unwrap_or(&BTreeSet::new()));
        }
        condition => event_keys(sql.push(events), condition),
    }
}

/// Columns of targets that a search covers. Those of actors for words of a full search are in `ACTOR_COLUMNS`.
pub(crate) const TARGET_COLUMNS: [&str; 4] =
    ["g.display_name", "g.user_principal_name", "g.object_id", "g.application_id"];
#[rustfmt::skip]
pub(crate) const ACTOR_COLUMNS: [&str; 6] = [
    "a.display_name", "a.user_principal_name", "a.service_principal_name", "a.application_name", "a.object_id",
    "a.application_id",
];

fn target_columns(condition: &TargetCondition) -> [(&'static str, &Option<StringCondition>); 5] {
    [
        ("g.object_id", &condition.object_id),
        ("g.application_id", &condition.application_id),
        ("g.user_principal_name", &condition.user_principal_name),
        ("g.type", &condition.kind),
        ("g.display_name", &condition.display_name),
    ]
}

/// Returns whether few snapshots can match: one of the conditions names an exact value. Types do not count, because
/// many targets share one.
fn is_selective(columns: &[(&str, &Option<StringCondition>)]) -> bool {
    columns.iter().any(|(column, condition)| {
        *column != "g.type" && condition.as_ref().is_some_and(|condition| condition.one_of.is_some())
    })
}

/// Appends conditions on the folded columns of a snapshot table.
fn push_snapshot_conditions(
    sql: &mut Sql,
    columns: &[(&str, &Option<StringCondition>)],
    search_term: Option<(&String, &[&str])>,
) {
    for (column, condition) in columns {
        if let Some(condition) = condition {
            sql.push(" AND ");
            string_predicate(sql, column, condition);
        }
    }
    if let Some((part, columns)) = search_term {
        sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, part));
    }
}

/// Columns of actors that a search by name covers.
const ACTOR_NAMES: [&str; 3] = ["a.display_name", "a.user_principal_name", "a.service_principal_name"];

fn actor_columns(condition: &ActorCondition) -> [(&'static str, &Option<StringCondition>); 4] {
    [
        ("a.user_principal_name", &condition.user_principal_name),
        ("a.display_name", &condition.display_name),
        ("a.object_id", &condition.object_id),
        ("a.application_name", &condition.application_name),
    ]
}

/// Returns whether conditions ask for substrings or prefixes of names, and for no exact value.
fn has_only_substrings(columns: &[(&str, &Option<StringCondition>)], search: Option<&String>) -> bool {
    let mut given = columns.iter().filter_map(|(_, condition)| condition.as_ref());
    let is_part = |condition: &StringCondition| condition.starts_with.is_some() || condition.contains.is_some();
    !is_selective(columns) && (search.is_some() || given.any(is_part))
}

/// Appends conditions on an actor's snapshot. Returns whether they ask only for substrings of its names.
pub(crate) fn actor_substring_filter(sql: &mut Sql, condition: &ActorCondition) -> bool {
    let columns = actor_columns(condition);
    push_snapshot_conditions(sql, &columns, condition.search.as_ref().map(|part| (part, ACTOR_NAMES.as_slice())));
    condition.keys.is_none() && has_only_substrings(&columns, condition.search.as_ref())
}

/// Appends conditions on a target's snapshot. Returns whether they ask only for substrings of its names.
pub(crate) fn target_substring_filter(sql: &mut Sql, condition: &TargetCondition) -> bool {
    let columns = target_columns(condition);
    push_snapshot_conditions(sql, &columns, condition.search.as_ref().map(|part| (part, TARGET_COLUMNS.as_slice())));
    let without_type = columns.iter().filter(|(column, _)| *column != "g.type").copied().collect::<Vec<_>>();
    condition.keys.is_none() && has_only_substrings(&without_type, condition.search.as_ref())
}

fn actor(sql: &mut Sql, condition: &ActorCondition) {
    sql.push("(TRUE");
    if let Some(keys) = &condition.keys {
        sql.push(" AND ");
        one_of_terms(sql, "e.actor_key", TermKind::Actor, keys);
    }
    none_of_terms(sql, "e.actor_key", TermKind::Actor, &condition.excluded_keys);
    if let Some(application) = &condition.application_id {
        sql.push(" AND ");
        term_predicate(sql, "e.application_id", TermKind::Application, application);
    }
    if let Some(address) = &condition.ip_address {
        sql.push(" AND ");
        term_predicate(sql, "e.ip_address", TermKind::IpAddress, address);
    }
    let columns = actor_columns(condition);
    let search_term = condition.search.as_ref().map(|part| (part, ACTOR_NAMES.as_slice()));
    if search_term.is_some() || condition.kind.is_some() || columns.iter().any(|(_, condition)| condition.is_some()) {
        if is_selective(&columns) {
            // Few actors can match: find their events through the index on keys.
            sql.push(" AND e.actor_key IN (SELECT a.key FROM actor a WHERE a.tenant_id = $1");
            push_snapshot_conditions(sql, &columns, search_term);
            sql.push(")");
        }
        sql.push(" AND e.actor_id IN (SELECT a.id FROM actor a WHERE a.tenant_id = $1");
        if let Some(set) = &condition.kind {
            sql.push(" AND ");
            coded_set(sql, "a.kind", set, ActorKind::code);
        }
        push_snapshot_conditions(sql, &columns, search_term);
        sql.push(")");
    }
    sql.push(")");
}

/// Appends: the actor's snapshot, or that of some target of the event, has a column that matches.
fn any_party(sql: &mut Sql, stops_early: bool, [actor, target]: [&[&str]; 2], write: impl Fn(&mut Sql, &str)) {
    sql.push("(e.actor_id IN (SELECT a.id FROM actor a WHERE a.tenant_id = $1 AND ");
    sql.joined(actor, " OR ", "FALSE", |sql, column| write(sql, column));
    // For `EXISTS`, PostgreSQL may build a hash table of all events with such a target by reading all targets of the
    // log. That pays off only if the statement reads all events.
    let [begin, end] = if stops_early { ["COALESCE((", " LIMIT 1), 0) = 1"] } else { ["EXISTS (", ")"] };
    sql.push(") OR ").push(begin);
    sql.push("SELECT 1 FROM event_target t WHERE t.tenant_id = $1 AND t.sequence = e.sequence");
    sql.push(" AND t.target_id IN (SELECT g.id FROM target g WHERE g.tenant_id = $1 AND ");
    sql.joined(target, " OR ", "FALSE", |sql, column| write(sql, column));
    sql.push(")").push(end).push(")");
}

fn recorded_at(sql: &mut Sql, range: TimeRange) {
    sql.push("(TRUE");
    for (operator, time) in [(">=", range.from), ("<", range.to)] {
        if let Some(time) = time {
            sql.push(&format!(" AND e.recorded_at {operator} ")).bind(time.0);
        }
    }
    sql.push(")");
}

fn sequence(sql: &mut Sql, range: SequenceRange) {
    sql.push("(TRUE");
    for (operator, sequence) in [(">=", range.from), ("<", range.to)] {
        if let Some(sequence) = sequence {
            sql.push(&format!(" AND e.sequence {operator} ")).bind(sequence);
        }
    }
    sql.push(")");
}
