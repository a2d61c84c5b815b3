//! Input values: the conversion of variables to their types, and null as omitted.
//!
//! Some clients send null for every variable without a value. So null is as omitted, everywhere, and only this module
//! decides it: a variable or an argument that is null has its default, a member that is null is left out, and a
//! condition that becomes empty by that is left out as well. Below `not` and `or` that would reverse the meaning of a
//! filter, so null and empty conditions are refused there. Resolvers do not receive null, except as an element of a list
//! or inside the scalar `JSON`.

use std::collections::HashMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Number, Value as Constant, Variables};
use async_graphql_value::Value;

use super::type_system::{Definition, Inputs, TYPES, base_name, input};
use crate::error::ApiError;
use model::Invalid;

/// The members of a filter below which null is refused.
const REVERSING: [&str; 2] = ["not", "or"];

/// A value that does not fit its type, and where.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// The names of members and the indexes of elements, from the inside to the outside.
    path: Vec<String>,
    rule: String,
}

impl Mismatch {
    fn new(rule: impl Into<String>) -> Self {
        Self { path: Vec::new(), rule: rule.into() }
    }

    fn within(mut self, segment: impl FnOnce() -> String) -> Self {
        self.path.push(segment());
        self
    }

    /// The value, as a path that starts with `name`, and the rule.
    pub(super) fn sentence(&self, name: &str) -> String {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        format!("`{name}{path}` {}", self.rule)
    }
}

/// Converts a value to a type: a single value to a list, a string to an enum, a number to an id. A literal must not need
/// what only JSON needs.
pub(super) fn coerce(mut value: Constant, ty: &Type, is_literal: bool) -> Result<Constant, Mismatch> {
    convert(&mut value, ty, is_literal)?;
    Ok(value)
}

fn convert(value: &mut Constant, ty: &Type, is_literal: bool) -> Result<(), Mismatch> {
    if *value == Constant::Null {
        return if ty.nullable { Ok(()) } else { Err(Mismatch::new("must not be null")) };
    }
    let name = match (&ty.base, &mut *value) {
        (BaseType::List(element), Constant::List(values)) => {
            for (i, value) in values.iter_mut().enumerate() {
                convert(value, element, is_literal).map_err(|mismatch| mismatch.within(|| format!("[{i}]")))?;
            }
            return Ok(());
        }
        (BaseType::List(element), _) => {
            convert(value, element, is_literal)?;
            *value = Constant::List(vec![std::mem::take(value)]);
            return Ok(());
        }
        (BaseType::Named(name), _) => name,
    };
    match TYPES.get(name) {
        Some(Definition::Input { members, is_one_of }) => convert_object(value, members, *is_one_of, is_literal),
        Some(Definition::Enum(values)) => convert_enum(value, values, is_literal),
        _ => convert_scalar(value, name, is_literal),
    }
}

fn convert_object(value: &mut Constant, members: &Inputs, is_one_of: bool, is_literal: bool) -> Result<(), Mismatch> {
    let Constant::Object(given) = value else { return Err(Mismatch::new("must be an object")) };
    for (name, value) in given.iter_mut() {
        let within = |mismatch: Mismatch| mismatch.within(|| format!(".{name}"));
        let member = input(members, name).ok_or_else(|| within(Mismatch::new("is unknown")))?;
        convert(value, &member.ty, is_literal).map_err(within)?;
    }
    for (name, member) in members {
        if member.is_required() && !given.contains_key(name) {
            return Err(Mismatch::new("is required").within(|| format!(".{name}")));
        }
    }
    if is_one_of && (given.len() != 1 || given.values().any(|value| *value == Constant::Null)) {
        return Err(Mismatch::new("must have exactly one member, which is not null"));
    }
    Ok(())
}

fn convert_enum(value: &mut Constant, values: &[Name], is_literal: bool) -> Result<(), Mismatch> {
    let name = match value {
        Constant::Enum(name) if is_literal => Some(name.as_str()),
        Constant::String(name) if !is_literal => Some(name.as_str()),
        _ => None,
    };
    match values.iter().find(|value| name.is_some_and(|name| *value == name)) {
        Some(known) => *value = Constant::Enum(known.clone()),
        None => return Err(Mismatch::new(format!("must be one of `{}`", values.join("`, `")))),
    }
    Ok(())
}

fn convert_scalar(value: &mut Constant, name: &str, is_literal: bool) -> Result<(), Mismatch> {
    match (name, &*value) {
        ("Int", Constant::Number(number)) => {
            let whole = number.as_i64().or_else(|| if is_literal { None } else { whole(number) });
            let whole = whole.and_then(|number| i32::try_from(number).ok());
            let whole = whole.ok_or_else(|| Mismatch::new("must be a whole number of 32 bits"))?;
            *value = Constant::Number(whole.into());
        }
        ("Float", Constant::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => {}
        ("ID", Constant::Number(number)) => {
            let digits = if is_literal { None } else { whole(number).map(|number| number.to_string()) };
            let digits = digits.unwrap_or_else(|| number.to_string());
            if !digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
                return Err(Mismatch::new("must be a string or a whole number"));
            }
            *value = Constant::String(digits);
        }
        ("String" | "ID", Constant::String(_)) | ("Boolean", Constant::Boolean(_)) => {}
        ("Int" | "Float", _) => return Err(Mismatch::new("must be a number")),
        ("String", _) => return Err(Mismatch::new("must be a string")),
        ("ID", _) => return Err(Mismatch::new("must be a string or a whole number")),
        ("Boolean", _) => return Err(Mismatch::new("must be `true` or `false`")),
        // Other scalars check their values when they are read.
        _ => {}
    }
    Ok(())
}

/// The whole number that a JSON number is equal to, such as `1.0` or `1e2`, below 2^53.
#[expect(clippy::cast_possible_truncation, reason = "the number is whole and small")]
fn whole(number: &Number) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < LIMIT).map(|number| number as i64)
}

/// The variables of an operation, converted to their types. A variable that is omitted or null has its default; without
/// one, the result does not contain it.
///
/// # Errors
///
/// Fails if a value does not fit its type, or if a variable that needs a value has none.
pub(super) fn variables(operation: &OperationDefinition, mut given: Variables) -> Result<Variables, ApiError> {
    let mut variables = Variables::default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let refused = |mismatch: Mismatch| Invalid::new(mismatch.sentence(&format!("${name}")));
        let default = definition.default_value.as_ref().map(|default| &default.node);
        let value = match (given.remove(name).filter(|value| *value != Constant::Null), default) {
            (Some(value), _) => coerce(value, ty, false).map_err(refused)?,
            (None, Some(default)) => coerce(default.clone(), ty, true).map_err(refused)?,
            (None, None) if ty.nullable => continue,
            (None, None) => return Err(Invalid::new(format!("variable `${name}` must have a value")).into()),
        };
        if value != Constant::Null {
            variables.insert(name.clone(), value);
        }
    }
    Ok(variables)
}

/// Resolves the arguments of an operation without fragments: a null is as omitted, in variables and literals, at every
/// depth. A variable that is an argument by itself and is used once remains one; all others are replaced by their
/// values. Returns the remaining variables.
///
/// # Errors
///
/// Fails if there is a null or an empty condition below `not` or `or`.
pub(super) fn resolve(operation: &mut OperationDefinition, variables: Variables) -> Result<Variables, ApiError> {
    let mut uses = HashMap::new();
    count_uses(&operation.selection_set.node, &mut uses);
    let are_conditions = operation.ty != OperationType::Mutation;
    let mut resolver = Resolver { variables, uses, are_conditions, remaining: Variables::default() };
    if let Some(root) = TYPES.root(operation.ty) {
        resolver.selection(&mut operation.selection_set.node, root)?;
    }
    Ok(resolver.remaining)
}

/// Counts how often each variable is an argument by itself.
fn count_uses(set: &SelectionSet, uses: &mut HashMap<Name, usize>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                for (_, value) in &field.node.arguments {
                    value_uses(&value.node, uses);
                }
                count_uses(&field.node.selection_set.node, uses);
            }
            Selection::InlineFragment(inline) => count_uses(&inline.node.selection_set.node, uses),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn value_uses(value: &Value, uses: &mut HashMap<Name, usize>) {
    match value {
        Value::Variable(name) => *uses.entry(name.clone()).or_default() += 1,
        Value::List(values) => values.iter().for_each(|value| value_uses(value, uses)),
        Value::Object(members) => members.values().for_each(|value| value_uses(value, uses)),
        _ => {}
    }
}

struct Resolver {
    variables: Variables,
    uses: HashMap<Name, usize>,
    /// Whether input objects are conditions, which are left out if they become empty.
    are_conditions: bool,
    remaining: Variables,
}

impl Resolver {
    fn selection(&mut self, set: &mut SelectionSet, parent: &str) -> Result<(), ApiError> {
        for item in &mut set.items {
            match &mut item.node {
                Selection::Field(field) => {
                    let field = &mut field.node;
                    let Some(definition) = TYPES.field(parent, &field.name.node) else { continue };
                    self.arguments(field, &definition.arguments)?;
                    if !field.selection_set.node.items.is_empty() {
                        self.selection(&mut field.selection_set.node, base_name(&definition.ty))?;
                    }
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                    let parent = condition.as_ref().map_or(parent, Name::as_str);
                    self.selection(&mut inline.node.selection_set.node, parent)?;
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn arguments(&mut self, field: &mut Field, defined: &Inputs) -> Result<(), ApiError> {
        let mut refused = None;
        field.arguments.retain_mut(|(name, value)| {
            let Some(argument) = input(defined, &name.node) else { return false };
            match self.argument(&mut value.node, &argument.ty) {
                Ok(is_given) => is_given,
                Err(mismatch) => {
                    refused.get_or_insert_with(|| Invalid::new(mismatch.sentence(&name.node)));
                    false
                }
            }
        });
        refused.map_or(Ok(()), |refused| Err(refused.into()))
    }

    /// Resolves an argument; returns whether it has a value.
    fn argument(&mut self, value: &mut Value, ty: &Type) -> Result<bool, Mismatch> {
        if let Value::Variable(name) = value
            && self.uses.get(name) == Some(&1)
        {
            let Some(mut constant) = self.variables.remove(name) else { return Ok(false) };
            let is_given = self.omit_nulls(&mut constant, ty, true, false)?;
            if is_given {
                self.remaining.insert(name.clone(), constant);
            }
            return Ok(is_given);
        }
        if !matches!(value, Value::Variable(_) | Value::Null | Value::List(_) | Value::Object(_)) {
            return Ok(true);
        }
        let Some(mut constant) = self.constant(value, Some(ty)) else { return Ok(false) };
        let is_given = self.omit_nulls(&mut constant, ty, true, false)?;
        *value = constant.into_value();
        Ok(is_given)
    }

    /// The value with its variables replaced, or `None` if it is a variable without a value. Inside an input object such
    /// a variable is null, so that a condition that becomes empty is noticed; inside a scalar it is left out. `ty` is
    /// `None` inside a scalar.
    fn constant(&self, value: &Value, ty: Option<&Type>) -> Option<Constant> {
        Some(match value {
            Value::Variable(name) => self.variables.get(name)?.clone(),
            Value::List(values) => {
                let element = ty.map(|ty| match &ty.base {
                    BaseType::List(element) => element,
                    BaseType::Named(_) => ty,
                });
                Constant::List(values.iter().map(|value| self.constant(value, element).unwrap_or_default()).collect())
            }
            Value::Object(members) => {
                let defined = match ty.and_then(|ty| TYPES.get(base_name(ty))) {
                    Some(Definition::Input { members, .. }) => Some(members),
                    _ => None,
                };
                let given = members.iter().filter_map(|(name, value)| {
                    let ty = defined.and_then(|defined| input(defined, name)).map(|member| &member.ty);
                    let constant = self.constant(value, ty).or_else(|| defined.map(|_| Constant::Null));
                    Some((name.clone(), constant?))
                });
                Constant::Object(given.collect())
            }
            other => other.clone().into_const()?,
        })
    }

    /// Leaves out nulls inside a value. Returns false if the value itself is to be left out; with `may_omit`, also if it
    /// is a condition that became empty. With `is_strict`, a null or an empty condition is an error.
    fn omit_nulls(&self, value: &mut Constant, ty: &Type, may_omit: bool, is_strict: bool) -> Result<bool, Mismatch> {
        match (&mut *value, &ty.base) {
            (Constant::Null, _) if is_strict => {
                let rule =
                    "must not be null below `not` and `or`: leaving it out would reverse the meaning of the filter";
                Err(Mismatch::new(rule))
            }
            (Constant::Null, _) => Ok(false),
            (Constant::List(values), BaseType::List(element)) => {
                let given = values.len();
                let mut kept = Vec::with_capacity(given);
                for (i, mut value) in std::mem::take(values).into_iter().enumerate() {
                    let is_null = value == Constant::Null;
                    let within = |mismatch: Mismatch| mismatch.within(|| format!("[{i}]"));
                    if self.omit_nulls(&mut value, element, true, is_strict).map_err(within)? || is_null {
                        kept.push(value);
                    }
                }
                let is_emptied = kept.is_empty() && given > 0;
                *values = kept;
                Ok(!(may_omit && is_emptied))
            }
            (_, BaseType::List(element)) => self.omit_nulls(value, element, may_omit, is_strict),
            (Constant::Object(members), BaseType::Named(name)) => match TYPES.get(name) {
                Some(Definition::Input { members: defined, .. }) => {
                    self.omit_members(members, defined, may_omit, is_strict)
                }
                _ => Ok(true),
            },
            _ => Ok(true),
        }
    }

    fn omit_members(
        &self,
        members: &mut IndexMap<Name, Constant>,
        defined: &Inputs,
        may_omit: bool,
        is_strict: bool,
    ) -> Result<bool, Mismatch> {
        let (given, mut refused) = (members.len(), None);
        members.retain(|name, value| {
            let Some(member) = input(defined, name) else { return false };
            let reverses = self.are_conditions && *value != Constant::Null && REVERSING.contains(&name.as_str());
            let may_omit = !member.is_required();
            self.omit_nulls(value, &member.ty, may_omit, is_strict || reverses).unwrap_or_else(|mismatch| {
                refused.get_or_insert_with(|| mismatch.within(|| format!(".{name}")));
                false
            })
        });
        match refused {
            Some(mismatch) => Err(mismatch),
            None if is_strict && members.is_empty() => {
                Err(Mismatch::new("must have at least one condition below `not` and `or`"))
            }
            None => Ok(!(may_omit && self.are_conditions && members.is_empty() && given > 0)),
        }
    }
}

#[cfg(test)]
mod tests;
