//! Which part of a count comes from the rollups, and which from the events themselves.
//!
//! A list as of a place is cut into parts that do not overlap and leave nothing out: whole quarter hours or days of the
//! blocks that end at or before that place come from the rollups; quarter hours of which the list covers only a part,
//! and events recorded after the last such block, are counted from the events. Rollups and those events are kept in
//! memory ([`held`]) and counted there, for any scope and condition. A count that needs anything that rollups do not
//! have is made by the database from the events alone.

mod build;
mod held;
mod count;

use entity::rollup_key;
use sea_orm::{DbErr, QueryResult};

use model::filter::{ActorCondition, Condition, EventString, TimeRange};
use model::time::{DAY, HOUR};
use model::{FacetField, Timestamp};

pub use build::BLOCK_EVENTS;
pub(super) use build::{Count, Counts};
pub(super) use count::Tally;
pub(super) use held::Held;

const KIND_COLUMNS: &str = "e.service, e.category, e.activity_key, e.resource_type, e.operation_type, e.status";

/// What is counted, in spans of which length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Grain {
    /// Kinds of events, by the quarter hour: every midnight of every time zone is at the start of one.
    Quarter,
    /// Kinds of events, by the day in UTC.
    Day,
    /// Actors of services, by the day in UTC.
    ActorDay,
}

impl Grain {
    pub(super) const fn code(self) -> i16 {
        match self {
            Self::Quarter => 0,
            Self::Day => 1,
            Self::ActorDay => 2,
        }
    }

    /// How long a span is, in microseconds.
    pub(super) const fn micros(self) -> i64 {
        match self {
            Self::Quarter => HOUR / 4,
            Self::Day | Self::ActorDay => DAY,
        }
    }

    /// The columns of events that make up its keys, and how many they are.
    const fn columns(self) -> (&'static str, usize) {
        match self {
            Self::Quarter | Self::Day => (KIND_COLUMNS, 6),
            Self::ActorDay => ("e.service, e.actor_key", 2),
        }
    }

    /// The key in a row that begins with these columns.
    fn key(self, row: &QueryResult) -> Result<Key, DbErr> {
        let text = |at: usize| row.try_get_by::<String, _>(at);
        Ok(match self {
            Self::Quarter | Self::Day => {
                Key([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?, text(5)?, String::new()])
            }
            Self::ActorDay => Key::of_actor(text(0)?, text(1)?),
        })
    }

    /// The whole spans within a period.
    fn within(self, period: TimeRange) -> TimeRange {
        let (from, to) = (period.from.map(|at| at.0), period.to.map(|at| at.0));
        TimeRange {
            from: from.map(|at| Timestamp(at.saturating_add((-at).rem_euclid(self.micros())))),
            to: to.map(|at| Timestamp(at - at.rem_euclid(self.micros()))),
        }
    }
}

/// What events have in common that are counted together: the columns of `rollup_key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) [String; 7]);

impl Key {
    /// Its value of a field; empty if it has none.
    pub(super) fn value(&self, field: FacetField) -> &str {
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

    pub(super) fn of_actor(service: String, actor_key: String) -> Self {
        let none = String::new;
        Self([service, none(), none(), none(), none(), none(), actor_key])
    }

    pub(super) fn row(self, tenant_id: i32, id: i64) -> rollup_key::Model {
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

impl From<rollup_key::Model> for Key {
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

/// The columns by which something is counted or chosen, beside the service, which all rollups have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    /// Those that tell kinds of events apart.
    pub(super) kind: bool,
    /// That of the actor.
    pub(super) actor: bool,
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self { kind: self.kind || other.kind, actor: self.actor || other.actor }
    }

    /// What a condition needs; none if the rollups do not have it.
    fn of(condition: &Condition) -> Option<Self> {
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
