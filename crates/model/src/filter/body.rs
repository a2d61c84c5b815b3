//! Conditions on parts of an event that no column of the log contains, or only as a hash.
//!
//! A query selects the events of [`Condition::on_columns`], and then evaluates the whole condition on each of them. The
//! column of a correlation id, an event key or a value contains a hash, and different strings may have the same one:
//! equality is a condition on the hash and is evaluated again on the event, anything else only on the event.

use super::{Condition, EventString, PropertyCondition, StringCondition, TargetCondition, folded};
use crate::Json;
use crate::event::{Detail, Event};
use crate::fold::fold;
use crate::json::JsonNode;

/// A condition on a part of an event that no column contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyCondition {
    /// The reason for the outcome.
    StatusReason(StringCondition),
    /// The client application of the recorder's token.
    ClientId(StringCondition),
    /// The source of an imported record.
    Source(StringCondition),
    /// At least one detail matches.
    Detail(DetailCondition),
    /// Whether any part of the event is redacted.
    IsRedacted(bool),
}

/// Conditions on a detail, all of which must hold for the same detail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetailCondition {
    /// The name.
    pub key: Option<StringCondition>,
    /// The value: a string as it is, any other value as its JSON text.
    pub value: Option<StringCondition>,
}

impl BodyCondition {
    /// Whether an event, as redacted for the caller, matches the condition.
    pub(super) fn matches(&self, event: &Event) -> bool {
        let body = &event.body;
        match self {
            Self::StatusReason(condition) => condition.matches(&folded(body.status_reason.as_deref())),
            Self::ClientId(condition) => condition.matches(&folded(body.recording.client_id.as_deref())),
            Self::Source(condition) => condition.matches(&folded(body.recording.source.as_deref())),
            Self::Detail(condition) => body.additional_details.iter().any(|detail| condition.matches(detail)),
            Self::IsRedacted(is_redacted) => event.is_redacted == *is_redacted,
        }
    }
}

impl DetailCondition {
    fn matches(&self, detail: &Detail) -> bool {
        let text = || match (detail.string(), &detail.value) {
            (Some(string), _) => fold(&string),
            (None, value) => folded(value.as_ref().map(Json::text)),
        };
        self.key.as_ref().is_none_or(|condition| condition.matches(&fold(&detail.key)))
            && self.value.as_ref().is_none_or(|condition| condition.matches(&text()))
    }
}

impl PropertyCondition {
    /// Whether columns decide the condition. Those of the values contain hashes, which do not.
    fn is_decided_by_columns(&self) -> bool {
        *self == Self { from: None, to: None, ..self.on_columns() }
    }

    /// The parts of the condition that concern columns.
    fn on_columns(&self) -> Self {
        Self { from_is_null: None, to_is_null: None, from_contains: None, to_contains: None, ..self.clone() }
    }
}

impl EventString {
    /// Whether the log has only a hash of the string.
    pub const fn is_hashed(self) -> bool {
        matches!(self, Self::Correlation | Self::EventKey)
    }
}

impl StringCondition {
    /// Whether a column with a hash of the string decides the condition.
    fn is_decided_by_hash(&self) -> bool {
        *self == Self { is_set: self.is_set, ..Self::default() }
    }

    /// The parts of the condition that a column with a hash of the string can decide, up to different strings with the
    /// same hash.
    fn on_hash(&self) -> Self {
        let parts = [&self.starts_with, &self.contains];
        let needs_string = !self.none_of.is_empty() || parts.into_iter().flatten().any(|part| !part.is_empty());
        let is_set = self.is_set.or(needs_string.then_some(true));
        Self { one_of: self.one_of.clone(), is_set, ..Self::default() }
    }
}

impl Condition {
    /// Whether columns do not decide the condition, so that it has to be evaluated on each event.
    pub fn needs_body(&self) -> bool {
        match self {
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::needs_body),
            Self::Not(condition) => condition.needs_body(),
            Self::Body(_) => true,
            Self::String(string, condition) => string.is_hashed() && !condition.is_decided_by_hash(),
            Self::Target(target) => {
                target.modified_property.as_ref().is_some_and(|change| !change.is_decided_by_columns())
            }
            _ => false,
        }
    }

    /// Whether a part of the condition is narrowed down by no column, not even by a hash: it is evaluated on the body of
    /// each event that the other parts leave.
    pub fn scans_bodies(&self) -> bool {
        match self {
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::scans_bodies),
            Self::Not(condition) => condition.scans_bodies(),
            Self::Body(_) => true,
            Self::String(string, condition) => {
                string.is_hashed() && (condition.starts_with.is_some() || condition.contains.is_some())
            }
            Self::Target(target) => {
                target.modified_property.as_ref().is_some_and(|change| *change != change.on_columns())
            }
            _ => false,
        }
    }

    /// A condition on columns that matches at least the events that this condition matches.
    #[must_use]
    pub fn on_columns(&self) -> Self {
        self.approximation(true)
    }

    /// A condition on columns that matches at least the same events, or at most those.
    fn approximation(&self, is_wider: bool) -> Self {
        match self {
            Self::All(conditions) => {
                let parts = conditions.iter().map(|part| part.approximation(is_wider));
                Self::All(parts.filter(|part| *part != Self::everything()).collect())
            }
            Self::Any(conditions) => Self::Any(conditions.iter().map(|part| part.approximation(is_wider)).collect()),
            Self::Not(condition) => Self::Not(Box::new(condition.approximation(!is_wider))),
            condition if !condition.needs_body() => condition.clone(),
            Self::Target(target) if is_wider => Self::Target(Box::new(TargetCondition {
                modified_property: target.modified_property.as_ref().map(PropertyCondition::on_columns),
                ..TargetCondition::clone(target)
            })),
            Self::String(string, condition) if is_wider => Self::String(*string, condition.on_hash()),
            _ if is_wider => Self::everything(),
            _ => Self::Any(Vec::new()),
        }
    }
}

/// Whether a string, number, boolean or member name within a value contains a folded string.
pub(super) fn contains(value: &JsonNode, part: &str) -> bool {
    match value {
        JsonNode::Object(members) => {
            members.iter().any(|(name, value)| fold(name).contains(part) || contains(value, part))
        }
        JsonNode::Array(elements) => elements.iter().any(|element| contains(element, part)),
        JsonNode::Scalar(raw) => match value.as_str() {
            Some(string) => fold(&string).contains(part),
            None => raw.contains(part),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(value: &str, part: &str) -> bool {
        contains(&JsonNode::parse(value).unwrap(), part)
    }

    #[test]
    fn value_contains_a_part_of_any_of_its_words() {
        assert!(holds(r#""Stra\u00dfe 5""#, "strasse"));
        assert!(holds(r#"{"Rules":[{"Port":8443}]}"#, "rule"));
        assert!(holds(r#"{"rules":[{"port":8443}]}"#, "844"));
        assert!(holds("[true]", "true"));
        assert!(!holds(r#"{"rules":[{"port":8443}]}"#, "port\":"));
        assert!(!holds("[1,2]", "1,2"));
    }

    #[test]
    fn condition_on_columns_is_wider_in_every_position() {
        let reason = || Condition::Body(BodyCondition::StatusReason(StringCondition::default()));
        let not = |condition| Condition::Not(Box::new(condition));
        let nothing = || Condition::Any(Vec::new());
        assert_eq!(reason().on_columns(), Condition::everything());
        assert_eq!(not(reason()).on_columns(), not(nothing()));
        assert_eq!(not(not(reason())).on_columns(), not(not(Condition::everything())));
        let search = || Condition::Search(vec!["a".to_owned()]);
        assert_eq!(Condition::All(vec![search(), reason()]).on_columns(), Condition::All(vec![search()]));
        assert_eq!(
            Condition::Any(vec![search(), reason()]).on_columns(),
            Condition::Any(vec![search(), Condition::everything()])
        );
        assert!(!search().needs_body());
        let change = PropertyCondition { to_contains: Some("a".to_owned()), ..PropertyCondition::default() };
        let target = |change| {
            Condition::Target(Box::new(TargetCondition {
                modified_property: Some(change),
                ..TargetCondition::default()
            }))
        };
        assert!(target(change.clone()).needs_body());
        assert_eq!(target(change.clone()).on_columns(), target(PropertyCondition::default()));
        assert_eq!(not(target(change)).on_columns(), not(nothing()));
    }

    #[test]
    fn hash_decides_only_whether_a_string_is_present() {
        let is = |condition| Condition::String(EventString::Correlation, condition);
        let not = |condition| Condition::Not(Box::new(condition));
        let present = || StringCondition { is_set: Some(true), ..StringCondition::default() };
        assert!(!is(present()).needs_body());
        assert_eq!(not(is(present())).on_columns(), not(is(present())));
        let equal = StringCondition { one_of: Some(["a".to_owned()].into()), ..StringCondition::default() };
        assert!(is(equal.clone()).needs_body());
        assert_eq!(is(equal.clone()).on_columns(), is(equal.clone()));
        assert_eq!(not(is(equal.clone())).on_columns(), not(Condition::Any(Vec::new())));
        let start = StringCondition { starts_with: Some("a".to_owned()), ..StringCondition::default() };
        assert_eq!(is(start).on_columns(), is(present()));
        let other = StringCondition { none_of: ["a".to_owned()].into(), ..StringCondition::default() };
        assert_eq!(is(other).on_columns(), is(present()));
        assert!(!Condition::String(EventString::Category, equal).needs_body());
        let changed = PropertyCondition { from: Some([7; 16]), ..PropertyCondition::default() };
        let target = |property| TargetCondition { modified_property: Some(property), ..TargetCondition::default() };
        let changed = Condition::Target(Box::new(target(changed)));
        assert!(changed.needs_body());
        assert_eq!(changed.on_columns(), changed);
    }
}
