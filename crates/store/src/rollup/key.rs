//! The keys and the spans of time that rollups count by.

use std::collections::HashMap;

use entity::rollup_key;
use sea_orm::{DbErr, QueryResult};

use crate::StoreError;
use model::filter::{ActorCondition, Condition, EventString, TimeRange};
use model::time::{DAY, HOUR};
use model::{FacetField, OperationType, ResourceType, Status, Timestamp};

const KIND_COLUMNS: &str = "e.service, e.category, e.activity_key, e.resource_type, e.operation_type, e.status";

/// The columns of events that rollups count by.
pub(super) const EVENT_COLUMNS: &str =
    "sequence, occurred_at, service, category, activity_key, resource_type, operation_type, status, actor_key";

/// Decodes a row of [`EVENT_COLUMNS`]: sequence, time, key by kind, and key by actor.
pub(super) fn read_event_keys(row: &QueryResult) -> Result<(i64, i64, RollupKey, RollupKey), StoreError> {
    let kind = RollupKey::of_kind(row, 2)?;
    Ok((row.try_get_by(0)?, row.try_get_by(1)?, kind, RollupKey::of_actor(kind.service, row.try_get_by(8)?)))
}

/// What a rollup counts, and the length of its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Grain {
    /// Kinds of events per quarter hour: midnight in every time zone starts one.
    Quarter,
    /// Kinds of events per UTC day.
    Day,
    /// Actors of services per UTC day.
    ActorDay,
}

impl Grain {
    pub(crate) const fn code(self) -> i16 {
        match self {
            Self::Quarter => 0,
            Self::Day => 1,
            Self::ActorDay => 2,
        }
    }

    /// Returns the length of a span in microseconds.
    pub(crate) const fn micros(self) -> i64 {
        match self {
            Self::Quarter => HOUR / 4,
            Self::Day | Self::ActorDay => DAY,
        }
    }

    /// Returns the event columns of the key, and their number.
    pub(crate) const fn columns(self) -> (&'static str, usize) {
        match self {
            Self::Quarter | Self::Day => (KIND_COLUMNS, 6),
            Self::ActorDay => ("e.service, e.actor_key", 2),
        }
    }

    /// Decodes the key from a row that starts with these columns.
    pub(crate) fn key(self, row: &QueryResult) -> Result<RollupKey, DbErr> {
        match self {
            Self::Quarter | Self::Day => RollupKey::of_kind(row, 0),
            Self::ActorDay => Ok(RollupKey::of_actor(row.try_get_by(0)?, row.try_get_by(1)?)),
        }
    }

    /// Returns the whole spans within a period.
    pub(crate) fn within(self, period: TimeRange) -> TimeRange {
        let (from, to) = (period.from.map(|at| at.0), period.to.map(|at| at.0));
        TimeRange {
            from: from.map(|at| Timestamp(at.saturating_add((-at).rem_euclid(self.micros())))),
            to: to.map(|at| Timestamp(at - at.rem_euclid(self.micros()))),
        }
    }
}

/// The properties of events that are counted together: the columns of `rollup_key`. A column is 0 if the key lacks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct RollupKey {
    pub(super) service: i32,
    pub(super) category: i32,
    pub(super) activity_key: i32,
    pub(super) actor_key: i32,
    resource_type: i16,
    operation_type: i16,
    status: i16,
}

/// The strings of terms, by their numbers.
pub(super) type TermKeys = HashMap<i32, Box<str>>;

/// A key with the strings of its terms.
#[derive(Clone, Copy)]
pub(crate) struct KeyView<'a> {
    pub(super) key: RollupKey,
    pub(super) terms: &'a TermKeys,
}

impl<'a> KeyView<'a> {
    /// Returns the value of a field, empty if the key does not have it.
    pub(crate) fn value(self, field: FacetField) -> &'a str {
        let key = self.key;
        match field {
            FacetField::Activity => self.term(key.activity_key),
            FacetField::Actor => self.term(key.actor_key),
            FacetField::Category => self.term(key.category),
            FacetField::OperationType => self.operation_type().map_or("", OperationType::name),
            FacetField::ResourceType => self.resource_type().map_or("", ResourceType::name),
            FacetField::Service => self.term(key.service),
            FacetField::Status => self.status().map_or("", Status::name),
            FacetField::Application | FacetField::ModifiedProperty | FacetField::Target => "",
        }
    }

    /// Returns the status, or `None` if the key does not have it.
    pub(crate) fn status(self) -> Option<Status> {
        Status::from_code(self.key.status)
    }

    /// Returns the resource type, or `None` if the key does not have it.
    pub(super) fn resource_type(self) -> Option<ResourceType> {
        ResourceType::from_code(self.key.resource_type)
    }

    /// Returns the operation type, or `None` if the key does not have it.
    pub(super) fn operation_type(self) -> Option<OperationType> {
        OperationType::from_code(self.key.operation_type)
    }

    fn term(self, id: i32) -> &'a str {
        self.terms.get(&id).map(|key| &**key).unwrap_or_default()
    }
}

impl RollupKey {
    /// Returns the terms of the key.
    pub(super) fn terms(self) -> impl Iterator<Item = i32> {
        [self.service, self.category, self.activity_key, self.actor_key].into_iter().filter(|id| *id != 0)
    }

    fn of_actor(service: i32, actor_key: i32) -> Self {
        Self { service, actor_key, ..Self::default() }
    }

    /// Decodes the columns of a kind of events, from an index on.
    fn of_kind(row: &QueryResult, at: usize) -> Result<Self, DbErr> {
        Ok(Self {
            service: row.try_get_by(at)?,
            category: row.try_get_by(at + 1)?,
            activity_key: row.try_get_by(at + 2)?,
            resource_type: row.try_get_by(at + 3)?,
            operation_type: row.try_get_by(at + 4)?,
            status: row.try_get_by(at + 5)?,
            actor_key: 0,
        })
    }

    pub(crate) fn row(self, tenant_id: i32, id: i32) -> rollup_key::Model {
        let Self { service, category, activity_key, actor_key, resource_type, operation_type, status } = self;
        rollup_key::Model {
            tenant_id,
            id,
            service,
            category,
            activity_key,
            actor_key,
            resource_type,
            operation_type,
            status,
        }
    }
}

impl From<rollup_key::Model> for RollupKey {
    fn from(row: rollup_key::Model) -> Self {
        Self {
            service: row.service,
            category: row.category,
            activity_key: row.activity_key,
            actor_key: row.actor_key,
            resource_type: row.resource_type,
            operation_type: row.operation_type,
            status: row.status,
        }
    }
}

/// Columns that a count or a condition needs besides the service, which all rollups have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyColumns {
    /// The columns of [`Grain::Quarter`] and [`Grain::Day`].
    pub(crate) kind: bool,
    /// The column of [`Grain::ActorDay`].
    pub(crate) actor: bool,
}

impl KeyColumns {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { kind: self.kind || other.kind, actor: self.actor || other.actor }
    }

    /// Returns the columns that a condition needs, or `None` if the rollups lack one.
    pub(crate) fn of(condition: &Condition) -> Option<Self> {
        let kind = Self { kind: true, ..Self::default() };
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().map(Self::of).try_fold(Self::default(), |needs, part| Some(needs.and(part?)))
            }
            Condition::Not(part) => Self::of(part),
            Condition::String(EventString::Service, _) => Some(Self::default()),
            Condition::String(EventString::Category | EventString::Activity, _)
            | Condition::ResourceType(_)
            | Condition::OperationType(_)
            | Condition::Status(_) => Some(kind),
            Condition::Actor(actor) => {
                let only_keys = ActorCondition { keys: actor.keys.clone(), ..ActorCondition::default() };
                (**actor == only_keys).then_some(Self { actor: true, ..Self::default() })
            }
            _ => None,
        }
    }
}
