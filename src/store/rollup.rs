//! Which part of a count the rollups answer, and which the events themselves.
//!
//! A list as of a place is cut into parts that do not overlap and leave nothing out: whole quarter hours or days of the
//! blocks that end at or before that place come from the rollups; the rest of those days and hours, and what was
//! recorded after the last such block, is read from the events. Rollups have the columns of the events by which most is
//! asked, under the same names, so a condition on those is the same SQL on both. What asks for anything else is read
//! from the events altogether.

mod build;

use entity::rollup_key;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::condition::Writer;
use super::select::{self, Driver};
use super::sql::Sql;
use super::{List, Reader, StoreError};
use crate::audit::Timestamp;
use crate::audit::filter::{ActorCondition, Condition, EventText, TimeRange};
use crate::audit::time::{DAY, HOUR};

pub use build::BLOCK_EVENTS;

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

/// A part of a list.
#[derive(Clone, Debug)]
pub(super) enum Part<'a> {
    /// Read from the events.
    Events(select::List<'a>),
    /// Read from the rollups of the blocks up to one.
    Rolled { list: select::List<'a>, grain: Grain, block: i64 },
}

impl Part<'_> {
    /// ` FROM ... WHERE ...`: events as `e`, else the keys of rollups as `e` and their counts as `r`.
    pub(super) fn from(&self, sql: &mut Sql) {
        let (list, grain, block) = match self {
            Self::Events(list) => return list.unordered(sql),
            Self::Rolled { list, grain, block } => (list, *grain, *block),
        };
        sql.push(" FROM rollup r JOIN rollup_key e ON e.tenant_id = $1 AND e.id = r.key_id WHERE r.tenant_id = $1");
        sql.push(" AND r.grain = ").bind(grain.code()).push(" AND r.block <= ").bind(block);
        if let Some(from) = list.period.from {
            sql.push(" AND r.starts_at >= ").bind(from.0);
        }
        if let Some(to) = list.period.to {
            sql.push(" AND r.starts_at < ").bind(to.0);
        }
        select::visible(sql, &list.scope.visible, "e.service");
        sql.push(" AND ");
        Writer { scope: list.scope, driver: &Driver::Event }.condition(sql, list.condition);
    }

    /// How many events a row stands for, when they happened, and the last of them.
    pub(super) const fn columns(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Events(_) => ("1", "e.occurred_at", "e.sequence"),
            Self::Rolled { .. } => ("r.events", "r.starts_at", "r.newest"),
        }
    }
}

impl Reader {
    /// Cuts a list into parts that together are all of it. Without `needs` it is counted by something that rollups do not
    /// have. `step` is how finely times are told apart in microseconds, if
    /// they are.
    pub(super) async fn parts<'a>(
        &'a self,
        list: &'a List,
        needs: Option<Needs>,
        step: Option<i64>,
    ) -> Result<Vec<Part<'a>>, StoreError> {
        let whole = self.list(list);
        let needs = needs.zip(Needs::of(&list.condition)).map(|(own, condition)| own.and(condition));
        let (Some(needs), Some(as_of)) = (needs, list.as_of) else { return Ok(vec![Part::Events(whole)]) };
        let base = if needs.actor { Grain::ActorDay } else { Grain::Quarter };
        let fits = |grain: Grain| step.is_none_or(|step| step.rem_euclid(grain.micros()) == 0);
        if needs.kind && needs.actor || !fits(base) {
            return Ok(vec![Part::Events(whole)]);
        }
        let inner = base.within(list.period);
        let Some((block, end)) = self.last_block_at(as_of).await?.filter(|_| !is_empty(inner)) else {
            return Ok(vec![Part::Events(whole)]);
        };
        let mut parts = vec![Part::Events(select::List { after: Some(end), ..whole.clone() })];
        let before = |period| Part::Events(select::List { period, as_of: Some(end), ..whole.clone() });
        parts.extend(around(list.period, inner).map(before));
        let rolled = |grain| {
            let whole = &whole;
            move |period| Part::Rolled { list: select::List { period, ..whole.clone() }, grain, block }
        };
        let days = Grain::Day.within(inner);
        if base == Grain::Quarter && fits(Grain::Day) && !is_empty(days) {
            parts.extend(around(inner, days).map(rolled(Grain::Quarter)));
            parts.push(rolled(Grain::Day)(days));
        } else {
            parts.push(rolled(base)(inner));
        }
        Ok(parts)
    }

    /// The last block that ends at or before a place, and where it ends.
    async fn last_block_at(&self, as_of: i64) -> Result<Option<(i64, i64)>, StoreError> {
        use entity::rollup_block::{Column, Entity};
        let last = Entity::find()
            .filter(Column::TenantId.eq(self.tenant_id))
            .filter(Column::LastSequence.lte(as_of))
            .order_by_desc(Column::Block);
        Ok(self.in_time(last.one(&self.store.read)).await?.map(|row| (row.block, row.last_sequence)))
    }
}

fn is_empty(period: TimeRange) -> bool {
    period.from.zip(period.to).is_some_and(|(from, to)| from >= to)
}

/// What of a period lies before and after an inner one.
fn around(period: TimeRange, inner: TimeRange) -> impl Iterator<Item = TimeRange> {
    let before = TimeRange { from: period.from, to: inner.from };
    let after = TimeRange { from: inner.to, to: period.to };
    [(before, period.from != inner.from), (after, period.to != inner.to)]
        .into_iter()
        .filter_map(|(part, differs)| differs.then_some(part))
}
