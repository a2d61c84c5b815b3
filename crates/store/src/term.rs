//! Terms: the folded strings that the events of a log share, and the numbers by which its tables refer to them.
//!
//! A number is assigned in the transaction that records the first event with the string, and never changes. Queries do
//! not cache numbers: a statement finds those of its strings itself, in a subselect, so it sees the terms of exactly
//! the events that it sees.

use std::collections::HashMap;

use model::json::hash16;

use crate::StoreError;

/// What the string of a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TermKind {
    /// The service that logged an event.
    Service,
    /// A component of a service.
    Component,
    /// A category.
    Category,
    /// An activity.
    Activity,
    /// The display name of an activity, if it differs from the activity.
    ActivityName,
    /// The id of an actor's application.
    Application,
    /// The IP address of a request.
    IpAddress,
    /// The subject of a recorder's token.
    Recorder,
    /// The name of a changed property.
    Property,
    /// The key of an actor.
    Actor,
    /// The key of a target.
    Target,
}

impl TermKind {
    const ALL: [Self; 11] = [
        Self::Service,
        Self::Component,
        Self::Category,
        Self::Activity,
        Self::ActivityName,
        Self::Application,
        Self::IpAddress,
        Self::Recorder,
        Self::Property,
        Self::Actor,
        Self::Target,
    ];

    /// The number of the kind in the database. Numbers are permanent.
    pub(crate) const fn code(self) -> i16 {
        match self {
            Self::Service => 1,
            Self::Component => 2,
            Self::Category => 3,
            Self::Activity => 4,
            Self::ActivityName => 5,
            Self::Application => 6,
            Self::IpAddress => 7,
            Self::Recorder => 8,
            Self::Property => 9,
            Self::Actor => 10,
            Self::Target => 11,
        }
    }

    /// Returns the kind with a number, or `None` if there is none.
    pub(crate) fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A term without its number. The string of an absent term is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term {
    pub(crate) kind: TermKind,
    pub(crate) key: String,
}

/// Numbers by term.
pub(crate) type TermIds = HashMap<Term, i32>;

impl Term {
    pub(crate) const fn new(kind: TermKind, key: String) -> Self {
        Self { kind, key }
    }
}

/// Returns the next number of a table's rows, which are numbered by tenant.
///
/// # Errors
///
/// [`StoreError::NumbersExhausted`] if the log has 2^31 - 1 rows in that table.
pub(crate) fn next_id(last_id: &mut i64, table: &'static str) -> Result<i32, StoreError> {
    let next = i32::try_from(*last_id + 1).map_err(|_too_large| StoreError::NumbersExhausted { table })?;
    *last_id = i64::from(next);
    Ok(next)
}

/// Returns the hash of a folded string in a column, or 0 if the string is empty.
pub(crate) fn key_hash(key: &str) -> i32 {
    if key.is_empty() { 0 } else { shortened(hash16(key.as_bytes())) }
}

/// Returns a shorter hash than 16 bytes, which is never 0.
pub(crate) fn shortened(hash: [u8; 16]) -> i32 {
    let [a, b, c, d, ..] = hash;
    match i32::from_be_bytes([a, b, c, d]) {
        0 => 1,
        hash => hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_kinds_are_different() {
        for kind in TermKind::ALL {
            assert_eq!(TermKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(TermKind::from_code(0), None);
    }

    #[test]
    fn numbers_end_at_the_largest_integer() {
        let mut last_id = i64::from(i32::MAX) - 1;
        assert_eq!(next_id(&mut last_id, "term").unwrap(), i32::MAX);
        let exhausted = next_id(&mut last_id, "term").unwrap_err();
        assert!(exhausted.to_string().contains("table `term`"), "{exhausted}");
        assert_eq!(last_id, i64::from(i32::MAX));
    }

    #[test]
    fn only_absent_strings_have_the_hash_zero() {
        assert_eq!(key_hash(""), 0);
        assert_ne!(key_hash("a"), 0);
        assert_eq!(shortened([0; 16]), 1);
    }
}
