//! Filter inputs, checked and turned into the condition they mean.
//!
//! A condition that is omitted or null in a filter does not restrict. Inside a condition, null and `{}` are refused:
//! somebody who writes `category: {eq: $category}` and forgets the variable must not see everything.

use std::collections::BTreeSet;

use async_graphql::MaybeUndefined;

use crate::error::ApiError;
use crate::schema::filter::{ActorFilter, AuditEventFilter, ModifiedPropertyFilter, StringFilter, TargetFilter};
use crate::schema::scalar::Json;
use model::Invalid;
use model::catalogue::catalogue;
use model::filter::{
    ActorCondition, Condition, EventString, LIST_MAX, PropertyCondition, StringCondition, TargetCondition, needle,
    needles, search_words,
};
use model::fold::{fold, fold_activity};

/// The most levels of `and`, `or` and `not`, the filter itself included.
const LEVELS_MAX: usize = 5;
/// The most conditions in a filter.
const CONDITIONS_MAX: usize = 50;

impl AuditEventFilter {
    /// The condition that the filter means.
    pub fn condition(self) -> Result<Condition, ApiError> {
        Parser { conditions: 0 }.filter(self, "filter", 1)
    }
}

/// Counts conditions while it checks them.
pub(crate) struct Parser {
    conditions: usize,
}

impl Parser {
    /// A condition that was given; null is refused.
    pub(crate) fn given<T>(&mut self, part: &str, name: &str, value: MaybeUndefined<T>) -> Result<Option<T>, ApiError> {
        match value {
            MaybeUndefined::Undefined => Ok(None),
            MaybeUndefined::Null => Err(Invalid::new(format!("`{part}.{name}` must not be null; leave it out")).into()),
            MaybeUndefined::Value(value) => {
                self.count()?;
                Ok(Some(value))
            }
        }
    }

    fn count(&mut self) -> Result<(), ApiError> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(ApiError::Limit {
                what: "conditions in the filter",
                asked: self.conditions,
                limit: CONDITIONS_MAX,
            });
        }
        Ok(())
    }

    pub(crate) fn not_empty(part: &str, any: bool) -> Result<(), ApiError> {
        if any { Ok(()) } else { Err(Invalid::new(format!("`{part}` must hold at least one condition")).into()) }
    }

    fn filter(&mut self, input: AuditEventFilter, part: &str, level: usize) -> Result<Condition, ApiError> {
        if level > LEVELS_MAX {
            return Err(ApiError::Limit { what: "levels of the filter", asked: level, limit: LEVELS_MAX });
        }
        let mut all = Vec::new();
        self.texts(&input, part, &mut all)?;
        self.sets(&input, part, &mut all)?;
        if let Some(actor) = input.initiated_by {
            all.push(Condition::Actor(Box::new(self.actor(actor, &format!("{part}.initiatedBy"))?)));
        }
        if let Some(target) = input.target {
            all.push(Condition::Target(Box::new(self.target(target, &format!("{part}.target"))?)));
        }
        if let Some(range) = input.recorded {
            self.count()?;
            all.push(Condition::Recorded(range.range(&format!("{part}.recorded"))?));
        }
        if let Some(text) = input.search {
            let words = search_words(&text)?;
            for _ in &words {
                self.count()?;
            }
            all.push(Condition::Search(words));
        }
        if let Some(filters) = input.and {
            all.push(Condition::All(self.filters(filters, part, "and", level)?));
        }
        if let Some(filters) = input.or {
            all.push(Condition::Any(self.filters(filters, part, "or", level)?));
        }
        if let Some(filter) = input.not {
            all.push(Condition::Not(Box::new(self.filter(*filter, &format!("{part}.not"), level + 1)?)));
        }
        Ok(Condition::All(all))
    }

    fn filters(
        &mut self,
        filters: Vec<AuditEventFilter>,
        part: &str,
        name: &str,
        level: usize,
    ) -> Result<Vec<Condition>, ApiError> {
        if filters.len() > CONDITIONS_MAX {
            return Err(ApiError::Limit { what: "filters in a list", asked: filters.len(), limit: CONDITIONS_MAX });
        }
        let filters = filters.into_iter().enumerate();
        filters.map(|(i, filter)| self.filter(filter, &format!("{part}.{name}[{i}]"), level + 1)).collect()
    }

    fn texts(&mut self, input: &AuditEventFilter, part: &str, all: &mut Vec<Condition>) -> Result<(), ApiError> {
        let texts = [
            (EventString::Category, "category", &input.category),
            (EventString::Service, "service", &input.service),
            (EventString::Activity, "activity", &input.activity),
            (EventString::Component, "component", &input.component),
            (EventString::Correlation, "correlationId", &input.correlation_id),
            (EventString::EventKey, "eventKey", &input.event_key),
        ];
        for (text, name, filter) in texts {
            if let Some(filter) = filter {
                let of = if text == EventString::Activity { TextOf::Activity } else { TextOf::Anything };
                all.push(Condition::String(text, self.text(filter.clone(), &format!("{part}.{name}"), of)?));
            }
        }
        if let Some(filter) = &input.involving {
            let mut condition = self.text(filter.clone(), &format!("{part}.involving"), TextOf::Anything)?;
            // Who is left out is neither the actor nor any target.
            let left_out =
                StringCondition { one_of: Some(std::mem::take(&mut condition.none_of)), ..StringCondition::default() };
            if left_out.one_of.as_ref().is_some_and(|texts| !texts.is_empty()) {
                all.push(Condition::Not(Box::new(Condition::Involving(left_out))));
            }
            if condition != StringCondition::default() {
                all.push(Condition::Involving(condition));
            }
        }
        Ok(())
    }

    fn sets(&mut self, input: &AuditEventFilter, part: &str, all: &mut Vec<Condition>) -> Result<(), ApiError> {
        if let Some(filter) = &input.activity_resource_type {
            let part = format!("{part}.activityResourceType");
            all.push(Condition::ResourceType(filter.clone().parse(self, &part)?));
        }
        if let Some(filter) = &input.operation_type {
            all.push(Condition::OperationType(filter.clone().parse(self, &format!("{part}.operationType"))?));
        }
        if let Some(filter) = &input.status {
            all.push(Condition::Status(filter.clone().parse(self, &format!("{part}.status"))?));
        }
        if let Some(source) = input.group_source {
            self.count()?;
            all.push(Condition::GroupSource(source.into()));
        }
        Ok(())
    }

    fn text(&mut self, input: StringFilter, part: &str, of: TextOf) -> Result<StringCondition, ApiError> {
        let folded: fn(&str) -> String = if of == TextOf::Activity { fold_activity } else { fold };
        let before = self.conditions;
        let mut condition = StringCondition::default();
        if let Some(text) = self.given(part, "eq", input.eq)? {
            condition.restrict(of.spread(std::iter::once(needle(&format!("{part}.eq"), &text, folded)?)));
        }
        if let Some(texts) = self.given(part, "in", input.one_of)? {
            condition.restrict(of.spread(needles(&format!("{part}.in"), &texts, folded)?));
        }
        if let Some(texts) = self.given(part, "notIn", input.not_in)? {
            condition.none_of = of.spread(needles(&format!("{part}.notIn"), &texts, folded)?);
        }
        if let Some(text) = self.given(part, "startsWith", input.starts_with)? {
            // A part of a name ends anywhere, and so may end with a dot.
            condition.starts_with = Some(needle(&format!("{part}.startsWith"), &text, fold)?);
        }
        if let Some(text) = self.given(part, "contains", input.contains)? {
            condition.contains = Some(needle(&format!("{part}.contains"), &text, fold)?);
        }
        condition.is_set = self.given(part, "isSet", input.is_set)?;
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn optional_text(
        &mut self,
        part: &str,
        name: &str,
        input: MaybeUndefined<StringFilter>,
    ) -> Result<Option<StringCondition>, ApiError> {
        let Some(filter) = self.given(part, name, input)? else { return Ok(None) };
        // The condition itself is counted by its parts.
        self.conditions -= 1;
        self.text(filter, &format!("{part}.{name}"), TextOf::Anything).map(Some)
    }

    fn keys(&mut self, part: &str, input: MaybeUndefined<Vec<String>>) -> Result<Option<BTreeSet<String>>, ApiError> {
        let Some(keys) = self.given(part, "key", input)? else { return Ok(None) };
        if keys.len() > LIST_MAX {
            return Err(Invalid::new(format!("`{part}.key` may hold at most {LIST_MAX} values")).into());
        }
        // No key holds NUL, and PostgreSQL does not take it in a text.
        Ok(Some(keys.into_iter().filter(|key| !key.contains('\0')).collect()))
    }

    fn search_text(&mut self, part: &str, input: MaybeUndefined<String>) -> Result<Option<String>, ApiError> {
        let Some(text) = self.given(part, "search", input)? else { return Ok(None) };
        Ok(Some(needle(&format!("{part}.search"), &text, fold)?))
    }

    fn actor(&mut self, input: ActorFilter, part: &str) -> Result<ActorCondition, ApiError> {
        let before = self.conditions;
        let condition = ActorCondition {
            keys: self.keys(part, input.key)?,
            search: self.search_text(part, input.search)?,
            kinds: self.given(part, "kind", input.kind)?.map(|kinds| distinct(kinds.into_iter().map(Into::into))),
            user_principal_name: self.optional_text(part, "userPrincipalName", input.user_principal_name)?,
            display_name: self.optional_text(part, "displayName", input.display_name)?,
            object_id: self.optional_text(part, "objectId", input.object_id)?,
            ip_address: self.optional_text(part, "ipAddress", input.ip_address)?,
            application_id: self.optional_text(part, "applicationId", input.application_id)?,
            application_name: self.optional_text(part, "applicationDisplayName", input.application_display_name)?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn target(&mut self, input: TargetFilter, part: &str) -> Result<TargetCondition, ApiError> {
        let before = self.conditions;
        let property = self.given(part, "modifiedProperty", input.modified_property)?;
        let condition = TargetCondition {
            keys: self.keys(part, input.key)?,
            search: self.search_text(part, input.search)?,
            object_id: self.optional_text(part, "objectId", input.object_id)?,
            user_principal_name: self.optional_text(part, "userPrincipalName", input.user_principal_name)?,
            kind: self.optional_text(part, "type", input.kind)?,
            display_name: self.optional_text(part, "displayName", input.display_name)?,
            modified_property: property
                .map(|property| self.property(property, &format!("{part}.modifiedProperty")))
                .transpose()?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn property(&mut self, input: ModifiedPropertyFilter, part: &str) -> Result<PropertyCondition, ApiError> {
        let before = self.conditions;
        let mut value = |input: MaybeUndefined<Json>| -> Result<_, ApiError> {
            if !input.is_undefined() {
                self.count()?;
            }
            Ok(match input {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(model::Json::stored("null".to_owned()).equality_hash()),
                MaybeUndefined::Value(json) => Some(json.0.equality_hash()),
            })
        };
        let (from, to) = (value(input.from)?, value(input.to)?);
        let condition = PropertyCondition {
            name: self.optional_text(part, "name", input.name)?,
            from,
            to,
            change: self.given(part, "change", input.change)?.map(Into::into),
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }
}

/// What a text names: an activity goes by several names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextOf {
    Activity,
    Anything,
}

impl TextOf {
    /// The texts, and for activities those that they are aliases of.
    fn spread(self, texts: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        match self {
            Self::Activity => texts.into_iter().flat_map(|text| catalogue().keys_of(&text)).collect(),
            Self::Anything => texts.into_iter().collect(),
        }
    }
}

/// Each value once: the sets are closed, so what is left is short.
pub(crate) fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}
