//! Converts filter inputs to conditions and validates them.
//!
//! A condition that is omitted does not restrict. The engine has left out nulls before; a null that is left, and `{}`,
//! are errors.

use std::collections::BTreeSet;

use async_graphql::MaybeUndefined;

use crate::error::ApiError;
use crate::schema::filter::{
    ActivityStatusFilter, ActorFilter, AuditDetailFilter, AuditEventFilter, GroupSourceFilter, KeyFilter,
    ModifiedPropertyFilter, OperationTypeFilter, RecordingFilter, ResourceTypeFilter, StringFilter, TargetFilter,
};
use crate::schema::filter_values::{StringKind, exact_keys, null_by_hash};
use crate::schema::scalar::JsonScalar;
use model::Invalid;
use model::filter::{
    ActorCondition, BodyCondition, Condition, DetailCondition, EventString, PropertyCondition, StringCondition,
    TargetCondition, contained, needle, needles, search_words,
};
use model::fold::{fold, fold_activity};

/// The most nested levels of `and`, `or` and `not`, including the filter itself.
const LEVELS_MAX: usize = 5;
/// The most conditions in a filter.
const CONDITIONS_MAX: usize = 50;

impl AuditEventFilter {
    /// Converts the filter to a condition.
    ///
    /// # Errors
    ///
    /// Fails if the filter is not valid or exceeds a limit.
    pub fn condition(self) -> Result<Condition, ApiError> {
        FilterParser { conditions: 0 }.filter(self, "filter", 1)
    }
}

/// Validates conditions and counts them.
pub(crate) struct FilterParser {
    conditions: usize,
}

impl FilterParser {
    /// The value of a condition, or `None` if it is omitted. Null is an error.
    pub(crate) fn given<T>(&mut self, part: &str, name: &str, value: MaybeUndefined<T>) -> Result<Option<T>, ApiError> {
        match value {
            MaybeUndefined::Undefined => Ok(None),
            MaybeUndefined::Null => Err(Invalid::new(format!("`{part}.{name}` must not be null; omit it")).into()),
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
        if any { Ok(()) } else { Err(Invalid::new(format!("`{part}` must have at least one condition")).into()) }
    }

    fn filter(&mut self, input: AuditEventFilter, part: &str, level: usize) -> Result<Condition, ApiError> {
        if level > LEVELS_MAX {
            return Err(ApiError::Limit { what: "levels of the filter", asked: level, limit: LEVELS_MAX });
        }
        let mut all = Vec::new();
        // The exhaustive pattern makes a filter that is not converted a compile error.
        let AuditEventFilter {
            actor,
            category,
            service,
            activity,
            resource_type,
            group_source,
            operation_type,
            status,
            target,
            involving,
            component,
            correlation_id,
            event_key,
            recorded_at,
            sequence,
            recording,
            status_reason,
            additional_detail,
            is_redacted,
            search,
            and,
            or,
            not,
        } = input;
        let strings = [
            (EventString::Category, "category", category),
            (EventString::Service, "service", service),
            (EventString::Activity, "activity", activity),
            (EventString::Component, "component", component),
            (EventString::Correlation, "correlationId", correlation_id),
            (EventString::EventKey, "eventKey", event_key),
        ];
        self.strings(strings, part, &mut all)?;
        if let Some(filter) = involving {
            self.involving(filter, part, &mut all)?;
        }
        self.kinds((resource_type, operation_type, status, group_source), part, &mut all)?;
        if let Some(actor) = actor {
            all.push(Condition::Actor(Box::new(self.actor(actor, &format!("{part}.actor"))?)));
        }
        if let Some(target) = target {
            all.push(Condition::Target(Box::new(self.target(target, &format!("{part}.target"))?)));
        }
        if let Some(range) = recorded_at {
            self.count()?;
            all.push(Condition::RecordedAt(range.range(&format!("{part}.recordedAt"))?));
        }
        if let Some(range) = sequence {
            self.count()?;
            all.push(Condition::Sequence(range.range(&format!("{part}.sequence"))?));
        }
        if let Some(recording) = recording {
            self.recording(recording, &format!("{part}.recording"), &mut all)?;
        }
        self.body((status_reason, additional_detail, is_redacted), part, &mut all)?;
        if let Some(search) = search {
            let words = search_words(&search)?;
            for _ in &words {
                self.count()?;
            }
            all.push(Condition::Search(words));
        }
        if let Some(filters) = and {
            all.push(Condition::All(self.filters(filters, part, "and", level)?));
        }
        if let Some(filters) = or {
            all.push(Condition::Any(self.filters(filters, part, "or", level)?));
        }
        if let Some(filter) = not {
            all.push(Condition::Not(Box::new(self.filter(*filter, &format!("{part}.not"), level + 1)?)));
        }
        Ok(Condition::All(all))
    }

    fn kinds(
        &mut self,
        (resource_type, operation_type, status, group_source): (
            Option<ResourceTypeFilter>,
            Option<OperationTypeFilter>,
            Option<ActivityStatusFilter>,
            Option<GroupSourceFilter>,
        ),
        part: &str,
        all: &mut Vec<Condition>,
    ) -> Result<(), ApiError> {
        if let Some(filter) = resource_type {
            all.push(Condition::ResourceType(filter.parse(self, &format!("{part}.resourceType"))?));
        }
        if let Some(filter) = operation_type {
            all.push(Condition::OperationType(filter.parse(self, &format!("{part}.operationType"))?));
        }
        if let Some(filter) = status {
            all.push(Condition::Status(filter.parse(self, &format!("{part}.status"))?));
        }
        if let Some(filter) = group_source {
            all.push(Condition::GroupSource(filter.parse(self, &format!("{part}.groupSource"))?));
        }
        Ok(())
    }

    /// Appends the conditions on parts that no column contains.
    fn body(
        &mut self,
        (status_reason, additional_detail, is_redacted): (
            Option<StringFilter>,
            Option<AuditDetailFilter>,
            Option<bool>,
        ),
        part: &str,
        all: &mut Vec<Condition>,
    ) -> Result<(), ApiError> {
        if let Some(filter) = status_reason {
            let reason = self.string(filter, &format!("{part}.statusReason"), StringKind::Other)?;
            all.push(Condition::Body(BodyCondition::StatusReason(reason)));
        }
        if let Some(detail) = additional_detail {
            let detail = self.detail(detail, &format!("{part}.additionalDetail"))?;
            all.push(Condition::Body(BodyCondition::Detail(detail)));
        }
        if let Some(is_redacted) = is_redacted {
            self.count()?;
            all.push(Condition::Body(BodyCondition::IsRedacted(is_redacted)));
        }
        Ok(())
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

    fn strings(
        &mut self,
        filters: impl IntoIterator<Item = (EventString, &'static str, Option<StringFilter>)>,
        part: &str,
        all: &mut Vec<Condition>,
    ) -> Result<(), ApiError> {
        for (string, name, filter) in filters {
            let Some(filter) = filter else { continue };
            let kind = if string == EventString::Activity { StringKind::Activity } else { StringKind::Other };
            all.push(Condition::String(string, self.string(filter, &format!("{part}.{name}"), kind)?));
        }
        Ok(())
    }

    fn involving(&mut self, filter: StringFilter, part: &str, all: &mut Vec<Condition>) -> Result<(), ApiError> {
        let mut condition = self.string(filter, &format!("{part}.involving"), StringKind::Other)?;
        // `notIn` excludes events whose actor or any target has one of the values.
        let excluded = std::mem::take(&mut condition.none_of);
        if !excluded.is_empty() {
            let excluded = StringCondition { one_of: Some(excluded), ..StringCondition::default() };
            all.push(Condition::Not(Box::new(Condition::Involving(excluded))));
        }
        if condition != StringCondition::default() {
            all.push(Condition::Involving(condition));
        }
        Ok(())
    }

    fn string(&mut self, input: StringFilter, part: &str, kind: StringKind) -> Result<StringCondition, ApiError> {
        let folded: fn(&str) -> String = if kind == StringKind::Activity { fold_activity } else { fold };
        let before = self.conditions;
        let mut condition = StringCondition::default();
        if let Some(string) = self.given(part, "eq", input.eq)? {
            condition.restrict(kind.with_aliases(std::iter::once(needle(&format!("{part}.eq"), &string, folded)?)));
        }
        if let Some(strings) = self.given(part, "in", input.one_of)? {
            condition.restrict(kind.with_aliases(needles(&format!("{part}.in"), &strings, folded)?));
        }
        if let Some(strings) = self.given(part, "notIn", input.not_in)? {
            condition.none_of = kind.with_aliases(needles(&format!("{part}.notIn"), &strings, folded)?);
        }
        if let Some(string) = self.given(part, "startsWith", input.starts_with)? {
            // A prefix of an activity may end with a dot, which `fold_activity` would remove.
            condition.starts_with = Some(needle(&format!("{part}.startsWith"), &string, fold)?);
        }
        if let Some(string) = self.given(part, "contains", input.contains)? {
            condition.contains = Some(contained(&format!("{part}.contains"), &string)?);
        }
        condition.is_set = self.given(part, "isSet", input.is_set)?;
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn optional_string(
        &mut self,
        part: &str,
        name: &str,
        input: MaybeUndefined<StringFilter>,
    ) -> Result<Option<StringCondition>, ApiError> {
        let Some((filter, part)) = self.nested(part, name, input)? else { return Ok(None) };
        self.string(filter, &part, StringKind::Other).map(Some)
    }

    /// The allowed keys, or `None` for all, and the excluded ones.
    fn keys(
        &mut self,
        part: &str,
        input: MaybeUndefined<KeyFilter>,
    ) -> Result<(Option<BTreeSet<String>>, BTreeSet<String>), ApiError> {
        let Some((filter, part)) = self.nested(part, "key", input)? else { return Ok((None, BTreeSet::new())) };
        let before = self.conditions;
        let equal = self.given(&part, "eq", filter.eq)?.map(|key| exact_keys(&part, "eq", vec![key])).transpose()?;
        let one_of = self.given(&part, "in", filter.one_of)?.map(|keys| exact_keys(&part, "in", keys)).transpose()?;
        let none_of = self.given(&part, "notIn", filter.not_in)?;
        let none_of = none_of.map(|keys| exact_keys(&part, "notIn", keys)).transpose()?.unwrap_or_default();
        Self::not_empty(&part, self.conditions > before)?;
        let one_of = match (equal, one_of) {
            (Some(equal), Some(keys)) => Some(equal.intersection(&keys).cloned().collect()),
            (equal, keys) => equal.or(keys),
        };
        Ok((one_of, none_of))
    }

    /// The value of a member whose own members are counted, and its path.
    fn nested<T>(&mut self, part: &str, name: &str, input: MaybeUndefined<T>) -> Result<Option<(T, String)>, ApiError> {
        let Some(filter) = self.given(part, name, input)? else { return Ok(None) };
        self.conditions -= 1;
        Ok(Some((filter, format!("{part}.{name}"))))
    }

    fn search_string(&mut self, part: &str, input: MaybeUndefined<String>) -> Result<Option<String>, ApiError> {
        let Some(search) = self.given(part, "search", input)? else { return Ok(None) };
        Ok(Some(contained(&format!("{part}.search"), &search)?))
    }

    fn actor(&mut self, input: ActorFilter, part: &str) -> Result<ActorCondition, ApiError> {
        let before = self.conditions;
        let (keys, excluded_keys) = self.keys(part, input.key)?;
        let kind = self.nested(part, "kind", input.kind)?;
        let condition = ActorCondition {
            keys,
            excluded_keys,
            search: self.search_string(part, input.search)?,
            kind: kind.map(|(kind, part)| kind.parse(self, &part)).transpose()?,
            user_principal_name: self.optional_string(part, "userPrincipalName", input.user_principal_name)?,
            display_name: self.optional_string(part, "displayName", input.display_name)?,
            object_id: self.optional_string(part, "objectId", input.object_id)?,
            ip_address: self.optional_string(part, "ipAddress", input.ip_address)?,
            application_id: self.optional_string(part, "applicationId", input.application_id)?,
            application_name: self.optional_string(part, "applicationDisplayName", input.application_display_name)?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn target(&mut self, input: TargetFilter, part: &str) -> Result<TargetCondition, ApiError> {
        let before = self.conditions;
        let property = self.given(part, "modifiedProperty", input.modified_property)?;
        let (keys, excluded_keys) = self.keys(part, input.key)?;
        let condition = TargetCondition {
            keys,
            excluded_keys,
            search: self.search_string(part, input.search)?,
            object_id: self.optional_string(part, "objectId", input.object_id)?,
            application_id: self.optional_string(part, "applicationId", input.application_id)?,
            user_principal_name: self.optional_string(part, "userPrincipalName", input.user_principal_name)?,
            kind: self.optional_string(part, "type", input.kind)?,
            display_name: self.optional_string(part, "displayName", input.display_name)?,
            modified_property: property
                .map(|property| self.property(property, &format!("{part}.modifiedProperty")))
                .transpose()?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn recording(&mut self, input: RecordingFilter, part: &str, all: &mut Vec<Condition>) -> Result<(), ApiError> {
        let before = self.conditions;
        if let Some((route, part)) = self.nested(part, "route", input.route)? {
            all.push(Condition::Route(route.parse(self, &part)?));
        }
        if let Some(condition) = self.optional_string(part, "recordedBy", input.recorded_by)? {
            all.push(Condition::String(EventString::RecordedBy, condition));
        }
        if let Some(condition) = self.optional_string(part, "clientId", input.client_id)? {
            all.push(Condition::Body(BodyCondition::ClientId(condition)));
        }
        if let Some(condition) = self.optional_string(part, "source", input.source)? {
            all.push(Condition::Body(BodyCondition::Source(condition)));
        }
        Self::not_empty(part, self.conditions > before)
    }

    fn detail(&mut self, input: AuditDetailFilter, part: &str) -> Result<DetailCondition, ApiError> {
        let before = self.conditions;
        let condition = DetailCondition {
            key: self.optional_string(part, "key", input.key)?,
            value: self.optional_string(part, "value", input.value)?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }

    fn part_of_value(
        &mut self,
        part: &str,
        name: &str,
        input: MaybeUndefined<String>,
    ) -> Result<Option<String>, ApiError> {
        let Some(given) = self.given(part, name, input)? else { return Ok(None) };
        Ok(Some(needle(&format!("{part}.{name}"), &given, fold)?))
    }

    fn property(&mut self, input: ModifiedPropertyFilter, part: &str) -> Result<PropertyCondition, ApiError> {
        let before = self.conditions;
        let hash = |value: JsonScalar| value.0.equality_hash();
        let (from, to) = (self.given(part, "from", input.from)?.map(hash), self.given(part, "to", input.to)?.map(hash));
        let from_is_null = self.given(part, "fromIsNull", input.from_is_null)?;
        let to_is_null = self.given(part, "toIsNull", input.to_is_null)?;
        let (from, from_is_null) = null_by_hash(from, from_is_null);
        let (to, to_is_null) = null_by_hash(to, to_is_null);
        let change = self.nested(part, "change", input.change)?;
        let condition = PropertyCondition {
            name: self.optional_string(part, "name", input.name)?,
            from,
            to,
            from_is_null,
            to_is_null,
            from_contains: self.part_of_value(part, "fromContains", input.from_contains)?,
            to_contains: self.part_of_value(part, "toContains", input.to_contains)?,
            change: change.map(|(change, part)| change.parse(self, &part)).transpose()?,
        };
        Self::not_empty(part, self.conditions > before)?;
        Ok(condition)
    }
}
