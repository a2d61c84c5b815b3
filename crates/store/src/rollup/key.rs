//! The keys and the spans of time that rollups count by.

use entity::rollup_key;
use sea_orm::{DbErr, QueryResult};

use crate::StoreError;
use model::filter::{ActorCondition, Condition, EventText, TimeRange};
use model::time::{DAY, HOUR};
use model::{FacetField, Timestamp};

const KIND_COLUMNS: &str = "e.service, e.category, e.activity_key, e.resource_type, e.operation_type, e.status";

/// The columns of events that rollups count by.
pub(super) const EVENT_COLUMNS: &str =
    "sequence, occurred_at, service, category, activity_key, resource_type, operation_type, status, actor_key";

/// Decodes a row of [`EVENT_COLUMNS`]: sequence, time, key by kind, and key by actor.
pub(super) fn read_event_keys(row: &QueryResult) -> Result<(i64, i64, RollupKey, RollupKey), StoreError> {
    let text = |at: usize| row.try_get_by::<String, _>(at);
    let kind = RollupKey([text(2)?, text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, String::new()]);
    Ok((row.try_get_by(0)?, row.try_get_by(1)?, kind, RollupKey::of_actor(text(2)?, text(8)?)))
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
        let text = |at: usize| row.try_get_by::<String, _>(at);
        Ok(match self {
            Self::Quarter | Self::Day => {
                RollupKey([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?, text(5)?, String::new()])
            }
            Self::ActorDay => RollupKey::of_actor(text(0)?, text(1)?),
        })
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

/// The properties of events that are counted together: the columns of `rollup_key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RollupKey(pub(crate) [String; 7]);

impl RollupKey {
    /// Returns the value of a field, empty if the key does not have it.
    pub(crate) fn value(&self, field: FacetField) -> &str {
        let Self([service, category, activity_key, resource_type, operation_type, status, actor_key]) = self;
        match field {
            FacetField::Activity => activity_key,
            FacetField::Actor => actor_key,
            FacetField::Category => category,
            FacetField::OperationType => operation_type,
            FacetField::ResourceType => resource_type,
            FacetField::Service => service,
            FacetField::Status => status,
            FacetField::Application | FacetField::ModifiedProperty | FacetField::Target => "",
        }
    }

    pub(crate) fn of_actor(service: String, actor_key: String) -> Self {
        let none = String::new;
        Self([service, none(), none(), none(), none(), none(), actor_key])
    }

    pub(crate) fn row(self, tenant_id: i32, id: i64) -> rollup_key::Model {
        let [service, category, activity_key, resource_type, operation_type, status, actor_key] = self.0;
        rollup_key::Model {
            tenant_id,
            id,
            service,
            category,
            activity_key,
            resource_type,
            operation_type,
            status,
            actor_key,
        }
    }
}

impl From<rollup_key::Model> for RollupKey {
    fn from(row: rollup_key::Model) -> Self {
        Self([
            row.service,
            row.category,
            row.activity_key,
            row.resource_type,
            row.operation_type,
            row.status,
            row.actor_key,
        ])
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
            Condition::Text(EventText::Service, _) => Some(Self::default()),
            Condition::Text(EventText::Category | EventText::Activity, _)
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
