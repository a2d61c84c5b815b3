//! Variables: each is defined, used, and of a type that fits its uses.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, VariableDefinition};
use async_graphql::{Name, Pos, Value as Constant};

use super::Validator;
use crate::engine::type_system::{Definition, TYPES, base_name};

/// What an operation or a fragment uses itself, without the fragments that it spreads.
#[derive(Debug, Default)]
pub(super) struct Uses<'a> {
    pub(super) variables: Vec<VariableUse<'a>>,
    pub(super) spreads: Vec<&'a str>,
}

/// The use of a variable.
#[derive(Debug)]
pub(super) struct VariableUse<'a> {
    pub(super) name: &'a str,
    /// The type of the position, or `None` if it is unknown or inside a scalar.
    pub(super) ty: Option<&'static Type>,
    /// Whether the position has a default.
    pub(super) has_default: bool,
    /// Whether the position is a member of a one-of input object.
    pub(super) is_one_of: bool,
    pub(super) pos: Pos,
}

impl<'a> Validator<'a> {
    /// Checks the definitions of variables.
    pub(super) fn variable_definitions(&mut self, operation: &'a OperationDefinition) {
        let mut names = HashSet::new();
        for definition in &operation.variable_definitions {
            let (pos, definition) = (definition.pos, &definition.node);
            let name = &definition.name.node;
            if !names.insert(name) {
                self.report(pos, format!("variable `${name}` is defined twice"));
            }
            self.no_directives(&definition.directives, "a variable definition");
            let ty = &definition.var_type.node;
            match TYPES.get(base_name(ty)) {
                None => self.report(pos, format!("type `{}` of variable `${name}` does not exist", base_name(ty))),
                Some(Definition::Composite { .. }) => {
                    self.report(pos, format!("type `{}` of variable `${name}` is not an input type", base_name(ty)));
                }
                Some(_) => self.default_value(definition, pos),
            }
        }
    }

    fn default_value(&mut self, definition: &VariableDefinition, pos: Pos) {
        let Some(default) = &definition.default_value else { return };
        if let Err(mismatch) = crate::engine::inputs::coerce(default.node.clone(), &definition.var_type.node, true) {
            let sentence = mismatch.sentence(&format!("${}", definition.name.node));
            self.report(pos, format!("wrong default: {sentence}"));
        }
    }

    /// Checks the variables that an operation uses, in the fragments that it spreads as well. Adds these fragments to
    /// `spread`.
    pub(super) fn variables_of(
        &mut self,
        name: Option<&'a Name>,
        operation: &'a OperationDefinition,
        own: &Uses<'a>,
        spread: &mut HashSet<&'a str>,
    ) {
        let definitions: HashMap<&str, &VariableDefinition> = operation
            .variable_definitions
            .iter()
            .map(|definition| (definition.node.name.node.as_str(), &definition.node))
            .collect();
        let mut used = HashSet::new();
        let mut entered: HashSet<&str> = HashSet::new();
        let mut found = Vec::new();
        let mut pending = vec![own];
        while let Some(uses) = pending.pop() {
            for variable in &uses.variables {
                used.insert(variable.name);
                if let Some(sentence) = misused(variable, &definitions, name) {
                    found.push((variable.pos, sentence));
                }
            }
            let spreads = uses.spreads.iter().filter(|name| entered.insert(name));
            pending.extend(spreads.filter_map(|name| self.fragments.get(name)));
        }
        spread.extend(entered);
        for (pos, sentence) in found {
            self.report(pos, sentence);
        }
        for definition in &operation.variable_definitions {
            let name = &definition.node.name.node;
            if !used.contains(name.as_str()) {
                self.report(definition.pos, format!("variable `${name}` is not used"));
            }
        }
    }
}

/// What is wrong with the use of a variable, or `None`.
fn misused(
    variable: &VariableUse<'_>,
    definitions: &HashMap<&str, &VariableDefinition>,
    operation: Option<&Name>,
) -> Option<String> {
    let VariableUse { name, ty, has_default, is_one_of, .. } = variable;
    let Some(definition) = definitions.get(name) else {
        let operation = operation.map_or("the operation".to_owned(), |name| format!("operation `{name}`"));
        return Some(format!("{operation} does not define the variable `${name}`"));
    };
    let (ty, defined) = ((*ty)?, &definition.var_type.node);
    if *is_one_of && defined.nullable {
        let sentence = format!(
            "variable `${name}` of type `{defined}` must not be nullable, because it decides a one-of input object"
        );
        return Some(sentence);
    }
    let default = definition.default_value.as_ref().map(|default| &default.node);
    let has_default = *has_default || default.is_some_and(|default| *default != Constant::Null);
    let fits = if !ty.nullable && defined.nullable {
        has_default && is_subtype_of_base(&defined.base, &ty.base)
    } else {
        is_subtype(defined, ty)
    };
    let sentence = || format!("variable `${name}` of type `{defined}` is used where `{ty}` is expected");
    if fits { None } else { Some(sentence()) }
}

fn is_subtype(ty: &Type, of: &Type) -> bool {
    (of.nullable || !ty.nullable) && is_subtype_of_base(&ty.base, &of.base)
}

fn is_subtype_of_base(base: &BaseType, of: &BaseType) -> bool {
    match (base, of) {
        (BaseType::Named(name), BaseType::Named(of)) => name == of,
        (BaseType::List(element), BaseType::List(of)) => is_subtype(element, of),
        _ => false,
    }
}
