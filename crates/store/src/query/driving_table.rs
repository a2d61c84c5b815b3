//! Chooses the table that a range scan starts from.

use std::collections::BTreeSet;

use crate::query::sql::Sql;
use crate::query::string::{each_term, event_keys};
use crate::term::TermKind;
use model::filter::Condition;
use model::page::{Order, OrderField};

/// The table whose index gives the rows of a page in the page's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DrivingTable {
    /// `audit_event`.
    Event,
    /// `audit_event`, for the keys of a condition on the actor or on a term. For several keys the rows come in no order.
    EventKeys(Box<Condition>),
    /// `event_target`, for one target key. For several keys the rows come in no order.
    Target(BTreeSet<String>),
    /// `property_change`, for one property name.
    Property(String),
}

impl DrivingTable {
    /// Returns the table to scan for a condition.
    pub(crate) fn of(condition: &Condition, order: Order) -> Self {
        if order.field == OrderField::Sequence {
            return Self::Event;
        }
        let conjuncts = match condition {
            Condition::All(conditions) => conditions.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut driving_table = Self::Event;
        for conjunct in conjuncts {
            if let Condition::Target(target) = conjunct {
                if let Some(keys) = target.keys.as_ref().filter(|keys| keys.len() == 1) {
                    return Self::Target(keys.clone());
                }
                let name = target.modified_property.as_ref().and_then(|property| property.name.as_ref());
                if let Some(name) = name.and_then(|name| only(name.one_of.as_ref())) {
                    driving_table = Self::Property(name);
                }
            }
        }
        driving_table
    }

    /// Returns the alias of the table that has the page's order.
    pub(crate) const fn alias(&self) -> &'static str {
        match self {
            Self::Event | Self::EventKeys(_) => "e",
            Self::Target(_) | Self::Property(_) => "d",
        }
    }

    pub(crate) fn write_from(&self, sql: &mut Sql) {
        // `CROSS JOIN` fixes the join order in SQLite.
        match self {
            Self::Event => sql.push(" FROM audit_event e WHERE e.tenant_id = $1"),
            Self::EventKeys(condition) => {
                sql.push(" FROM audit_event e WHERE e.tenant_id = $1 AND ");
                event_keys(sql, condition);
                sql
            }
            Self::Target(keys) => {
                sql.push(" FROM event_target d CROSS JOIN audit_event e")
                    .push(" WHERE e.tenant_id = $1 AND e.sequence = d.sequence AND d.tenant_id = $1 AND d.is_first = 1")
                    .push(" AND ");
                each_term(sql, "d.target_key", TermKind::Target, keys);
                sql
            }
            Self::Property(name) => {
                sql.push(" FROM property_change d CROSS JOIN audit_event e")
                    .push(" WHERE e.tenant_id = $1 AND e.sequence = d.sequence AND d.tenant_id = $1 AND d.is_first = 1")
                    .push(" AND ");
                each_term(sql, "d.name_key", TermKind::Property, &BTreeSet::from([name.clone()]));
                sql
            }
        };
    }
}

fn only(set: Option<&BTreeSet<String>>) -> Option<String> {
    set.filter(|set| set.len() == 1)?.first().cloned()
}
