//! Validation of documents, by the rules of the GraphQL specification (section 5).
//!
//! It depends on the document and the schema only, so that each document is validated once, before it is cached. Each
//! operation and each fragment is visited once; what depends on the operation that spreads a fragment (the types of
//! variables, the fields that are merged) is checked afterwards with bounds of its own. The parser checks the
//! uniqueness of names. Validation expects a document within the limits of [`super::check`], which also refuses
//! fragments that contain themselves.

mod overlap;
mod values;
mod variables;

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Pos, Positioned};

use super::type_system::{OutputField, TYPES, base_name};
use crate::error::ApiError;
use variables::{Uses, VariableUse};

/// The most violations that are reported.
const VIOLATIONS_MAX: usize = 20;

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// The part of the document and the rule.
    pub(super) sentence: String,
    /// The positions of the part.
    pub(super) positions: Vec<Pos>,
}

/// The violations of a document; empty if it is valid.
///
/// # Errors
///
/// Fails if the fields of the document cannot be compared within the limit.
pub(super) fn violations(document: &ExecutableDocument) -> Result<Vec<Violation>, ApiError> {
    let mut validator =
        Validator { document, violations: Vec::new(), fragments: HashMap::new(), uses: Uses::default() };
    validator.document();
    let mut violations = validator.violations;
    // Fields are compared only if all of them exist.
    if violations.is_empty() {
        violations.extend(overlap::conflicts(document)?);
    }
    violations.sort_by(|a, b| a.positions.cmp(&b.positions));
    violations.truncate(VIOLATIONS_MAX);
    Ok(violations)
}

struct Validator<'a> {
    document: &'a ExecutableDocument,
    violations: Vec<Violation>,
    /// What each visited fragment uses.
    fragments: HashMap<&'a str, Uses<'a>>,
    /// What the operation or the fragment that is being visited uses.
    uses: Uses<'a>,
}

impl<'a> Validator<'a> {
    fn report(&mut self, pos: Pos, sentence: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { sentence, positions: vec![pos] });
        }
    }

    fn document(&mut self) {
        let document = self.document;
        for (name, fragment) in &document.fragments {
            let parent = self.type_condition(&fragment.node.type_condition);
            self.no_directives(&fragment.node.directives, "a fragment definition");
            self.selection(&fragment.node.selection_set.node, parent);
            self.fragments.insert(name, std::mem::take(&mut self.uses));
        }
        let mut spread = HashSet::new();
        for (name, operation) in document.operations.iter() {
            self.operation(name, &operation.node, operation.pos, &mut spread);
        }
        for (name, fragment) in &document.fragments {
            if !spread.contains(name.as_str()) {
                self.report(fragment.pos, format!("fragment `{name}` is not used"));
            }
        }
    }

    fn operation(
        &mut self,
        name: Option<&'a Name>,
        operation: &'a OperationDefinition,
        pos: Pos,
        spread: &mut HashSet<&'a str>,
    ) {
        let Some(root) = TYPES.root(operation.ty) else {
            return self.report(pos, format!("the schema has no operations of the kind `{}`", operation.ty));
        };
        self.no_directives(&operation.directives, "an operation");
        self.variable_definitions(operation);
        self.selection(&operation.selection_set.node, Some(root));
        let own = std::mem::take(&mut self.uses);
        self.variables_of(name, operation, &own, spread);
        if operation.ty == OperationType::Subscription {
            self.subscription(operation, pos);
        }
    }

    /// A subscription selects one field of the root, unconditionally, however often it is written.
    fn subscription(&mut self, operation: &'a OperationDefinition, pos: Pos) {
        let mut keys: HashSet<&str> = HashSet::new();
        let mut entered = HashSet::new();
        let mut pending = vec![&operation.selection_set.node];
        while let Some(set) = pending.pop() {
            for item in &set.items {
                if let Some(directive) = item.node.directives().first() {
                    let sentence = "the field of a subscription must not have `@skip` or `@include`";
                    return self.report(directive.pos, sentence.to_owned());
                }
                match &item.node {
                    Selection::Field(field) if field.node.name.node.starts_with("__") => {
                        let sentence = format!("a subscription must not select `{}`", field.node.name.node);
                        return self.report(field.pos, sentence);
                    }
                    Selection::Field(field) => drop(keys.insert(&field.node.response_key().node)),
                    Selection::InlineFragment(inline) => pending.push(&inline.node.selection_set.node),
                    Selection::FragmentSpread(spread) => {
                        let name = spread.node.fragment_name.node.as_str();
                        if let Some(fragment) = self.document.fragments.get(name)
                            && entered.insert(name)
                        {
                            pending.push(&fragment.node.selection_set.node);
                        }
                    }
                }
            }
        }
        if keys.len() != 1 {
            self.report(pos, "a subscription must select exactly one field".to_owned());
        }
    }

    /// Visits a selection set. `parent` is `None` if its type is unknown, which was reported already.
    fn selection(&mut self, set: &'a SelectionSet, parent: Option<&'static str>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let inner = condition.map_or(parent, |condition| self.type_condition(condition));
                    self.possible(inline.pos, None, parent, inner);
                    self.directives(&inline.node.directives);
                    self.selection(&inline.node.selection_set.node, inner);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    self.directives(&spread.node.directives);
                    self.uses.spreads.push(name);
                    match self.document.fragments.get(name) {
                        None => self.report(spread.pos, format!("there is no fragment `{name}`")),
                        Some(fragment) => {
                            let on = TYPES.composite(&fragment.node.type_condition.node.on.node);
                            self.possible(spread.pos, Some(name), parent, on);
                        }
                    }
                }
            }
        }
    }

    fn type_condition(&mut self, condition: &Positioned<TypeCondition>) -> Option<&'static str> {
        let name = condition.node.on.node.as_str();
        let found = TYPES.composite(name);
        if found.is_none() {
            let known = if TYPES.get(name).is_some() { "is a type without fields" } else { "does not exist" };
            self.report(condition.pos, format!("type `{name}` of a fragment {known}"));
        }
        found
    }

    /// Checks that a fragment can apply where it is spread.
    fn possible(&mut self, pos: Pos, name: Option<&str>, parent: Option<&'static str>, inner: Option<&'static str>) {
        let (Some(parent), Some(inner)) = (parent, inner) else { return };
        let (Some(outer), Some(possible)) = (TYPES.possible(parent), TYPES.possible(inner)) else { return };
        if outer.is_disjoint(possible) {
            let name = name.map(|name| format!(" `{name}`")).unwrap_or_default();
            self.report(pos, format!("fragment{name} on `{inner}` never applies within `{parent}`"));
        }
    }

    fn field(&mut self, field: &'a Positioned<Field>, parent: Option<&'static str>) {
        let (pos, field) = (field.pos, &field.node);
        self.directives(&field.directives);
        let definition = parent.and_then(|parent| self.definition(pos, field, parent));
        let set = &field.selection_set.node;
        let Some((parent, definition)) = definition else {
            // The arguments cannot be checked, but their variables are used.
            for (_, value) in &field.arguments {
                self.variables_in(&value.node, pos);
            }
            return self.selection(set, None);
        };
        let name = &field.name.node;
        self.arguments(pos, &field.arguments, &definition.arguments, &|| format!("field `{parent}.{name}`"));
        let base = TYPES.composite(base_name(&definition.ty));
        match (base, set.items.is_empty()) {
            (Some(_), true) => {
                let sentence =
                    format!("field `{parent}.{name}` of type `{}` needs a selection of fields", definition.ty);
                self.report(pos, sentence);
            }
            (None, false) => {
                self.report(pos, format!("field `{parent}.{name}` of type `{}` has no fields", definition.ty));
            }
            (Some(base), false) => self.selection(set, Some(base)),
            (None, true) => {}
        }
    }

    fn definition(
        &mut self,
        pos: Pos,
        field: &Field,
        parent: &'static str,
    ) -> Option<(&'static str, &'static OutputField)> {
        let found = TYPES.field(parent, &field.name.node);
        if found.is_none() {
            self.report(pos, format!("type `{parent}` has no field `{}`", field.name.node));
        }
        found.map(|found| (parent, found))
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for (i, directive) in directives.iter().enumerate() {
            let name = &directive.node.name.node;
            let is_repeated = directives.iter().take(i).any(|other| other.node.name.node == *name);
            let Some(arguments) = TYPES.directive(name) else {
                for (_, value) in &directive.node.arguments {
                    self.variables_in(&value.node, directive.pos);
                }
                // Once, however often it is written.
                if !is_repeated {
                    self.report(directive.pos, format!("there is no directive `@{name}` for fields and fragments"));
                }
                continue;
            };
            if is_repeated {
                self.report(directive.pos, format!("directive `@{name}` must not be repeated"));
            }
            let given = &directive.node.arguments;
            self.arguments(directive.pos, given, arguments, &|| format!("directive `@{name}`"));
        }
    }

    fn no_directives(&mut self, directives: &'a [Positioned<Directive>], owner: &str) {
        if let Some(directive) = directives.first() {
            let sentence = format!("directive `@{}` must not be used on {owner}", directive.node.name.node);
            self.report(directive.pos, sentence);
            // Its variables count as used.
            for (_, value) in &directive.node.arguments {
                self.variables_in(&value.node, directive.pos);
            }
        }
    }
}

#[cfg(test)]
mod tests;
