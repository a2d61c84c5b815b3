//! Arguments and literals: each has the type that its position requires.

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::{Value, indexmap::IndexMap};

use super::{Validator, VariableUse};
use crate::engine::type_system::{Definition, Input, Inputs, TYPES, input};

/// The most characters of a literal in a message.
const SHOWN_CHARS_MAX: usize = 60;

/// A position for a value.
#[derive(Clone, Copy)]
pub(super) struct ArgumentPosition<'p> {
    pub(super) pos: Pos,
    /// The owner of the argument, as a message shows it.
    pub(super) owner: &'p dyn Fn() -> String,
    /// The name of the argument.
    pub(super) argument: &'p Name,
}

impl<'a> Validator<'a> {
    /// Checks the arguments of a field or a directive.
    pub(super) fn arguments(
        &mut self,
        pos: Pos,
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        defined: &'static Inputs,
        owner: &dyn Fn() -> String,
    ) {
        for (i, (name, value)) in given.iter().enumerate() {
            if given.iter().take(i).any(|(other, _)| other.node == name.node) {
                self.report(name.pos, format!("argument `{}` of {} is given twice", name.node, owner()));
            }
            let Some(argument) = input(defined, &name.node) else {
                self.report(name.pos, format!("{} has no argument `{}`", owner(), name.node));
                self.variables_in(&value.node, value.pos);
                continue;
            };
            let position = ArgumentPosition { pos: value.pos, owner, argument: &name.node };
            self.input_value(&value.node, argument, false, position);
        }
        for (name, argument) in defined.iter().filter(|(_, argument)| argument.is_required()) {
            if !given.iter().any(|(given, _)| given.node == *name) {
                let sentence = format!("{} needs its argument `{name}` of type `{}`", owner(), argument.ty);
                self.report(pos, sentence);
            }
        }
    }

    /// Checks the value of an argument or of a member. A member of a one-of input object must not be null.
    fn input_value(
        &mut self,
        value: &'a Value,
        input: &'static Input,
        is_one_of: bool,
        position: ArgumentPosition<'_>,
    ) {
        if let Value::Variable(name) = value {
            let ty = Some(&input.ty);
            let has_default = input.default.is_some();
            self.uses.variables.push(VariableUse { name, ty, has_default, is_one_of, pos: position.pos });
        } else {
            self.value(value, &input.ty, position);
        }
    }

    /// Checks a literal, or records the use of a variable.
    pub(super) fn value(&mut self, value: &'a Value, ty: &'static Type, position: ArgumentPosition<'_>) {
        match (value, &ty.base) {
            (Value::Variable(name), _) => {
                let (ty, has_default, is_one_of) = (Some(ty), false, false);
                self.uses.variables.push(VariableUse { name, ty, has_default, is_one_of, pos: position.pos });
            }
            (Value::Null, _) => {
                if !ty.nullable {
                    self.wrong(value, ty, position);
                }
            }
            (Value::List(elements), BaseType::List(element)) => {
                for value in elements {
                    self.value(value, element, position);
                }
            }
            // A value stands for a list of one element.
            (_, BaseType::List(element)) => self.value(value, element, position),
            (_, BaseType::Named(name)) => match TYPES.get(name) {
                Some(Definition::Input { members, is_one_of }) => match value {
                    Value::Object(given) => self.object(given, name, members, *is_one_of, position),
                    _ => self.wrong(value, ty, position),
                },
                Some(Definition::Enum(values)) => {
                    let is_known = matches!(value, Value::Enum(value) if values.contains(value));
                    if !is_known {
                        self.wrong_enum(value, name, values, position);
                    }
                }
                _ => {
                    self.variables_in(value, position.pos);
                    if !is_scalar(name, value) {
                        self.wrong(value, ty, position);
                    }
                }
            },
        }
    }

    fn object(
        &mut self,
        given: &'a IndexMap<Name, Value>,
        ty: &Name,
        members: &'static Inputs,
        is_one_of: bool,
        position: ArgumentPosition<'_>,
    ) {
        for (name, value) in given {
            if let Some(member) = input(members, name) {
                self.input_value(value, member, is_one_of, position);
            } else {
                self.variables_in(value, position.pos);
                self.report(position.pos, format!("input object `{ty}` has no member `{name}`"));
            }
        }
        for (name, member) in members {
            if member.is_required() && !given.contains_key(name) {
                let sentence = format!("input object `{ty}` needs its member `{name}` of type `{}`", member.ty);
                self.report(position.pos, sentence);
            }
        }
        if is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
            let sentence = format!("input object `{ty}` must have exactly one member, which is not null");
            self.report(position.pos, sentence);
        }
    }

    fn wrong(&mut self, value: &Value, ty: &Type, ArgumentPosition { pos, owner, argument }: ArgumentPosition<'_>) {
        let value = shown(value);
        self.report(pos, format!("argument `{argument}` of {}: `{value}` is not a value of type `{ty}`", owner()));
    }

    fn wrong_enum(&mut self, value: &Value, ty: &Name, values: &[Name], position: ArgumentPosition<'_>) {
        let ArgumentPosition { pos, owner, argument } = position;
        let hint = match value {
            Value::String(name) if values.iter().any(|value| value == name.as_str()) => ", written without quotes",
            _ => "",
        };
        let (owner, value, values) = (owner(), shown(value), values.join("`, `"));
        let sentence =
            format!("argument `{argument}` of {owner}: `{value}` is not a value of `{ty}`, which has `{values}`{hint}");
        self.report(pos, sentence);
    }

    /// Records the variables inside a value of unknown type.
    pub(super) fn variables_in(&mut self, value: &'a Value, pos: Pos) {
        match value {
            Value::Variable(name) => {
                self.uses.variables.push(VariableUse { name, ty: None, has_default: false, is_one_of: false, pos });
            }
            Value::List(elements) => elements.iter().for_each(|value| self.variables_in(value, pos)),
            Value::Object(members) => members.values().for_each(|value| self.variables_in(value, pos)),
            _ => {}
        }
    }
}

/// Whether a literal is one of a scalar type. Scalars that are not built in check their values when they are read.
fn is_scalar(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        ("ID", Value::Number(number)) => number.as_str().bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()),
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
        _ => true,
    }
}

/// The start of a literal.
pub(super) fn shown(value: &Value) -> String {
    let printed = value.to_string();
    let mut shown: String = printed.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < printed.len() {
        shown.push('…');
    }
    shown
}
