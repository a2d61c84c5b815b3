//! Conditions as SQL: exactly what [`Condition::matches`] accepts, on the folded columns.
//!
//! Every predicate is two-valued: the columns are never NULL, absent texts are empty.

mod set;

use std::collections::BTreeSet;

use super::select::Driver;
use super::sql::Sql;
use model::filter::{
    ActorCondition, Condition, EventString, PropertyCondition, StringCondition, TargetCondition, TimeRange,
};
use model::fold::after_prefix;
use model::{OperationType, ResourceType, Scope, ServiceSet};
use set::{named_set, status};

/// Writes conditions.
pub(super) struct Writer<'a> {
    pub(super) scope: &'a Scope,
    pub(super) driver: &'a Driver,
    /// Whether the database stops as soon as there are enough events, and does not read all of them.
    pub(super) stops: bool,
}

impl Writer<'_> {
    pub(super) fn condition(&self, sql: &mut Sql, condition: &Condition) {
        match condition {
            Condition::All(parts) => drop(sql.joined(parts, " AND ", "TRUE", |sql, part| self.condition(sql, part))),
            Condition::Any(parts) => drop(sql.joined(parts, " OR ", "FALSE", |sql, part| self.condition(sql, part))),
            Condition::Not(part) => {
                sql.push("NOT ");
                self.condition(sql, part);
            }
            Condition::String(column, condition) => text(sql, event_column(*column), condition),
            Condition::ResourceType(set) => named_set(sql, "e.resource_type", set, ResourceType::name),
            Condition::OperationType(set) => named_set(sql, "e.operation_type", set, OperationType::name),
            Condition::Status(set) => status(sql, set),
            Condition::GroupSource(source) => drop(sql.push("e.group_source = ").bind(source.name())),
            Condition::Actor(condition) => actor(sql, condition),
            Condition::Target(condition) => self.target(sql, condition),
            Condition::Involving(condition) => self.involving(sql, condition),
            Condition::Recorded(range) => recorded(sql, *range),
            Condition::Search(words) => drop(sql.joined(words, " AND ", "TRUE", |sql, word| self.search(sql, word))),
        }
    }

    fn target(&self, sql: &mut Sql, condition: &TargetCondition) {
        if self.is_driven(condition) {
            sql.push("TRUE");
            return;
        }
        sql.push("(");
        self.narrowed(sql, condition);
        // Each change is met once and leads to its target: an event may have thousands of both.
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
            one_of(sql, "t.target_key", keys);
        }
        let texts = target_texts(condition);
        let searched = condition.search.as_ref().map(|part| (part, TARGET_COLUMNS.as_slice()));
        if searched.is_some() || texts.iter().any(|(_, condition)| condition.is_some()) {
            sql.push(" AND t.target_id IN (SELECT g.id FROM target g WHERE g.tenant_id = $1");
            snapshot(sql, &texts, searched);
            sql.push(")");
        }
        sql.push("))");
    }

    /// Where few targets can be meant: that the event is on one of them, which is an index away.
    fn narrowed(&self, sql: &mut Sql, condition: &TargetCondition) {
        let texts = target_texts(condition);
        if *self.driver == Driver::Event && is_narrow(&texts) {
            sql.push("e.sequence IN (SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1");
            sql.push(" AND d.target_key IN (SELECT g.key FROM target g WHERE g.tenant_id = $1");
            snapshot(sql, &texts, None);
            sql.push(")) AND ");
        }
    }

    /// Whether the rows that drive the walk are exactly those that meet a condition.
    fn is_driven(&self, condition: &TargetCondition) -> bool {
        let only = |text: &String| Some(BTreeSet::from([text.clone()]));
        let driven = match self.driver {
            Driver::Event => return false,
            Driver::Target(keys) => TargetCondition { keys: Some(keys.clone()), ..TargetCondition::default() },
            Driver::Property(name) => {
                let name = StringCondition { one_of: only(name), ..StringCondition::default() };
                let property = PropertyCondition { name: Some(name), ..PropertyCondition::default() };
                TargetCondition { modified_property: Some(property), ..TargetCondition::default() }
            }
        };
        *condition == driven
    }

    fn property(&self, sql: &mut Sql, condition: &PropertyCondition) {
        if let Some(name) = &condition.name {
            sql.push(" AND ");
            text(sql, "p.name_key", name);
        }
        if let Some(change) = condition.change {
            sql.push(" AND p.change = ").bind(change.name());
        }
        if condition.from.is_some() || condition.to.is_some() {
            for (column, hash) in [("p.old_hash", condition.from), ("p.new_hash", condition.to)] {
                if let Some(hash) = hash {
                    sql.push(&format!(" AND {column} = ")).bind(hash.to_vec());
                }
            }
            // A withheld value never matches.
            match &self.scope.sensitive {
                ServiceSet::All => {}
                ServiceSet::Only(keys) if keys.is_empty() => drop(sql.push(" AND p.sensitive = 0")),
                ServiceSet::Only(keys) => {
                    sql.push(" AND (p.sensitive = 0 OR e.service IN ");
                    sql.list(keys.iter().map(String::as_str)).push(")");
                }
            }
        }
    }

    fn involving(&self, sql: &mut Sql, condition: &StringCondition) {
        let actor = ["a.object_id", "a.user_principal_name", "a.display_name"];
        if condition.is_set == Some(false) {
            if condition.is_only_absence() {
                sql.push("NOT ");
                anybody(sql, self.stops, [&actor, &TARGET_COLUMNS], |sql, column| {
                    sql.push(&format!("{column} <> ''"));
                });
            } else {
                sql.push("FALSE");
            }
            return;
        }
        // Absent texts are not somebody's: a condition that allows everything still needs one that is there.
        let present = StringCondition { is_set: Some(true), ..condition.clone() };
        let write = |sql: &mut Sql, column: &str| text(sql, column, &present);
        sql.push("(");
        if present.one_of.is_some() {
            // Few can be meant: their events are an index away.
            sql.push("e.sequence IN (SELECT i.sequence FROM audit_event i WHERE i.tenant_id = $1");
            sql.push(" AND i.actor_key IN (SELECT a.key FROM actor a WHERE a.tenant_id = $1 AND ");
            sql.joined(&actor, " OR ", "FALSE", |sql, column| write(sql, column));
            sql.push(") UNION ALL SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1");
            sql.push(" AND d.target_key IN (SELECT g.key FROM target g WHERE g.tenant_id = $1 AND ");
            sql.joined(&TARGET_COLUMNS, " OR ", "FALSE", |sql, column| write(sql, column));
            sql.push(")) AND ");
        }
        anybody(sql, self.stops, [&actor, &TARGET_COLUMNS], write);
        sql.push(")");
    }

    fn search(&self, sql: &mut Sql, word: &str) {
        sql.push("(");
        like(sql, "e.activity_key", word);
        sql.push(" OR ");
        like(sql, "e.activity_name", word);
        sql.push(" OR ");
        anybody(sql, self.stops, [&ACTOR_COLUMNS, &TARGET_COLUMNS], |sql, column| like(sql, column, word));
        sql.push(")");
    }
}

/// Appends a statement for the places of the events with some keys: of actors, targets, or a text of the event.
pub(super) fn with_key(sql: &mut Sql, condition: &Condition) {
    let events = "SELECT e.sequence FROM audit_event e WHERE e.tenant_id = $1 AND ";
    match condition {
        Condition::Target(target) => {
            sql.push("SELECT d.sequence FROM event_target d WHERE d.tenant_id = $1 AND d.is_first = 1 AND ");
            one_of(sql, "d.target_key", target.keys.as_ref().unwrap_or(&BTreeSet::new()));
        }
        Condition::Actor(found) => actor(sql.push(events), found),
        Condition::String(column, found) => text(sql.push(events), event_column(*column), found),
        _ => drop(sql.push("SELECT e.sequence FROM audit_event e WHERE e.tenant_id = $1")),
    }
}

const fn event_column(column: EventString) -> &'static str {
    match column {
        EventString::Service => "e.service",
        EventString::Category => "e.category",
        EventString::Activity => "e.activity_key",
        EventString::ActivityName => "e.activity_name",
        EventString::Component => "e.component",
        EventString::Correlation => "e.correlation_key",
        EventString::EventKey => "e.event_key",
    }
}

/// What is searched of targets and, by words, of actors.
pub(super) const TARGET_COLUMNS: [&str; 3] = ["g.display_name", "g.user_principal_name", "g.object_id"];
#[rustfmt::skip]
pub(super) const ACTOR_COLUMNS: [&str; 6] = [
    "a.display_name", "a.user_principal_name", "a.service_principal_name", "a.application_name", "a.object_id",
    "a.application_id",
];

pub(super) fn one_of(sql: &mut Sql, column: &str, texts: &BTreeSet<String>) {
    match texts.len() {
        0 => drop(sql.push("FALSE")),
        1 => drop(sql.push(&format!("{column} = ")).bind(texts.first().map(String::as_str))),
        _ => drop(sql.push(&format!("{column} IN ")).list(texts.iter().map(String::as_str))),
    }
}

pub(super) fn like(sql: &mut Sql, column: &str, part: &str) {
    // LIKE of SQLite takes these characters for one and the same.
    if part.contains(['\u{fffd}', '\u{fffe}', '\u{ffff}']) {
        sql.push(&format!("replace({column}, ")).bind(part).push(&format!(", '') <> {column}"));
        return;
    }
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    sql.push(&format!("{column} LIKE ")).bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
}

fn text(sql: &mut Sql, column: &str, condition: &StringCondition) {
    sql.push("(TRUE");
    if let Some(texts) = &condition.one_of {
        sql.push(" AND ");
        one_of(sql, column, texts);
        // Said aloud for the partial indexes over texts that are there.
        sql.push(&format!(" AND {column} <> ''"));
    }
    if !condition.none_of.is_empty() {
        sql.push(&format!(" AND {column} <> '' AND {column} NOT IN "));
        sql.list(condition.none_of.iter().map(String::as_str));
    }
    if let Some(start) = &condition.starts_with {
        sql.push(&format!(" AND {column} >= ")).bind(start.as_str());
        if let Some(end) = after_prefix(start) {
            sql.push(&format!(" AND {column} < ")).bind(end);
        }
    }
    if let Some(part) = &condition.contains {
        sql.push(" AND ");
        like(sql, column, part);
    }
    if let Some(is_set) = condition.is_set {
        sql.push(&format!(" AND {column} {} ''", if is_set { "<>" } else { "=" }));
    }
    sql.push(")");
}

fn target_texts(condition: &TargetCondition) -> [(&'static str, &Option<StringCondition>); 4] {
    [
        ("g.object_id", &condition.object_id),
        ("g.user_principal_name", &condition.user_principal_name),
        ("g.type", &condition.kind),
        ("g.display_name", &condition.display_name),
    ]
}

/// Whether few snapshots can meet conditions: one asks for a name or an id itself. Types are shared by many.
fn is_narrow(texts: &[(&str, &Option<StringCondition>)]) -> bool {
    texts.iter().any(|(column, condition)| {
        *column != "g.type" && condition.as_ref().is_some_and(|condition| condition.one_of.is_some())
    })
}

/// Appends conditions on the folded columns of a snapshot table.
fn snapshot(sql: &mut Sql, texts: &[(&str, &Option<StringCondition>)], searched: Option<(&String, &[&str])>) {
    for (column, condition) in texts {
        if let Some(condition) = condition {
            sql.push(" AND ");
            text(sql, column, condition);
        }
    }
    if let Some((part, columns)) = searched {
        sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, part));
    }
}

/// What is searched of actors by name.
const ACTOR_NAMES: [&str; 3] = ["a.display_name", "a.user_principal_name", "a.service_principal_name"];

fn actor_texts(condition: &ActorCondition) -> [(&'static str, &Option<StringCondition>); 4] {
    [
        ("a.user_principal_name", &condition.user_principal_name),
        ("a.display_name", &condition.display_name),
        ("a.object_id", &condition.object_id),
        ("a.application_name", &condition.application_name),
    ]
}

/// Whether conditions ask for parts of names, and for none as a whole.
fn asks_for_parts(texts: &[(&str, &Option<StringCondition>)], search: Option<&String>) -> bool {
    let mut given = texts.iter().filter_map(|(_, condition)| condition.as_ref());
    let is_part = |condition: &StringCondition| condition.starts_with.is_some() || condition.contains.is_some();
    !is_narrow(texts) && (search.is_some() || given.any(is_part))
}

/// Appends what an actor's snapshot has to be where only parts of its names are asked for; false if they are not.
pub(super) fn actor_by_parts(sql: &mut Sql, condition: &ActorCondition) -> bool {
    let texts = actor_texts(condition);
    snapshot(sql, &texts, condition.search.as_ref().map(|part| (part, ACTOR_NAMES.as_slice())));
    condition.keys.is_none() && asks_for_parts(&texts, condition.search.as_ref())
}

/// The same of a target's.
pub(super) fn target_by_parts(sql: &mut Sql, condition: &TargetCondition) -> bool {
    let texts = target_texts(condition);
    snapshot(sql, &texts, condition.search.as_ref().map(|part| (part, TARGET_COLUMNS.as_slice())));
    let named = texts.iter().filter(|(column, _)| *column != "g.type").copied().collect::<Vec<_>>();
    condition.keys.is_none() && asks_for_parts(&named, condition.search.as_ref())
}

fn actor(sql: &mut Sql, condition: &ActorCondition) {
    sql.push("(TRUE");
    if let Some(keys) = &condition.keys {
        sql.push(" AND ");
        one_of(sql, "e.actor_key", keys);
    }
    if let Some(application) = &condition.application_id {
        sql.push(" AND ");
        text(sql, "e.application_id", application);
    }
    if let Some(address) = &condition.ip_address {
        sql.push(" AND ");
        text(sql, "e.ip_address", address);
    }
    let texts = actor_texts(condition);
    let searched = condition.search.as_ref().map(|part| (part, ACTOR_NAMES.as_slice()));
    if searched.is_some() || condition.kinds.is_some() || texts.iter().any(|(_, condition)| condition.is_some()) {
        if is_narrow(&texts) {
            // Few actors have it: their events are an index away.
            sql.push(" AND e.actor_key IN (SELECT a.key FROM actor a WHERE a.tenant_id = $1");
            snapshot(sql, &texts, searched);
            sql.push(")");
        }
        sql.push(" AND e.actor_id IN (SELECT a.id FROM actor a WHERE a.tenant_id = $1");
        match condition.kinds.as_deref() {
            None => {}
            Some([]) => drop(sql.push(" AND FALSE")),
            Some(kinds) => drop(sql.push(" AND a.kind IN ").list(kinds.iter().map(|kind| kind.name()))),
        }
        snapshot(sql, &texts, searched);
        sql.push(")");
    }
    sql.push(")");
}

/// `e.actor_id` or some target of the event is among the snapshots that meet a condition on any of their columns.
fn anybody(sql: &mut Sql, stops: bool, [actor, target]: [&[&str]; 2], write: impl Fn(&mut Sql, &str)) {
    sql.push("(e.actor_id IN (SELECT a.id FROM actor a WHERE a.tenant_id = $1 AND ");
    sql.joined(actor, " OR ", "FALSE", |sql, column| write(sql, column));
    // Of EXISTS, PostgreSQL may make a table of all events that have such a target, by reading all targets of the log:
    // good where all events are read, and nowhere else.
    let [begin, end] = if stops { ["COALESCE((", " LIMIT 1), 0) = 1"] } else { ["EXISTS (", ")"] };
    sql.push(") OR ").push(begin);
    sql.push("SELECT 1 FROM event_target t WHERE t.tenant_id = $1 AND t.sequence = e.sequence");
    sql.push(" AND t.target_id IN (SELECT g.id FROM target g WHERE g.tenant_id = $1 AND ");
    sql.joined(target, " OR ", "FALSE", |sql, column| write(sql, column));
    sql.push(")").push(end).push(")");
}

fn recorded(sql: &mut Sql, range: TimeRange) {
    sql.push("(TRUE");
    for (operator, moment) in [(">=", range.from), ("<", range.to)] {
        if let Some(moment) = moment {
            sql.push(&format!(" AND e.recorded_at {operator} ")).bind(moment.0);
        }
    }
    sql.push(")");
}
