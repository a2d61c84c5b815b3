//! The selection of an operation, with its fragments resolved and equal fields merged.
//!
//! The library executes a field once for each of its occurrences and merges the results, which records events twice and
//! opens as many streams as a subscription repeats its field; and it finds the field of a subscription outside of
//! fragments only. So the operation that it executes has no named fragments, no directives, and each field of an object
//! once, as `CollectFields` and `MergeSelectionSets` of the specification (section 6.3.2) define it. Below interfaces and
//! unions the fields depend on the object, so inline fragments remain there.

use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, InlineFragment, OperationDefinition, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

use super::type_system::{TYPES, base_name};

/// The operation without named fragments and without directives. The document must be valid.
pub(super) fn operation(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> OperationDefinition {
    let flattener = Flattener { document, variables };
    let set = &operation.selection_set;
    let root = TYPES.root(operation.ty).map_or("", Name::as_str);
    OperationDefinition {
        ty: operation.ty,
        variable_definitions: operation.variable_definitions.clone(),
        directives: Vec::new(),
        selection_set: set.position_node(flattener.merged(&[&set.node], root)),
    }
}

struct Flattener<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
}

impl<'a> Flattener<'a> {
    /// The merged selection of selection sets of one type.
    fn merged(&self, sets: &[&'a SelectionSet], parent: &str) -> SelectionSet {
        let mut items = Vec::new();
        if TYPES.is_object(parent) {
            let mut fields = IndexMap::new();
            let mut entered = HashSet::new();
            for set in sets {
                self.collect(set, parent, &mut entered, &mut fields);
            }
            for same in fields.values() {
                items.extend(self.field(same, parent));
            }
        } else {
            for set in sets {
                self.resolved(set, parent, &mut items);
            }
        }
        SelectionSet { items }
    }

    /// Collects the fields that apply to an object by response key, each fragment once.
    fn collect(
        &self,
        set: &'a SelectionSet,
        object: &str,
        entered: &mut HashSet<&'a str>,
        fields: &mut IndexMap<&'a str, Vec<&'a Positioned<Field>>>,
    ) {
        for item in set.items.iter().filter(|item| self.is_included(item.node.directives())) {
            let (condition, set) = match &item.node {
                Selection::Field(field) => {
                    fields.entry(field.node.response_key().node.as_str()).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (inline.node.type_condition.as_ref(), &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if !entered.insert(name) {
                        continue;
                    }
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            let applies = |condition: &Positioned<TypeCondition>| {
                TYPES.possible(&condition.node.on.node).is_some_and(|possible| possible.contains(object))
            };
            if condition.is_none_or(applies) {
                self.collect(set, object, entered, fields);
            }
        }
    }

    /// One field for all occurrences of it.
    fn field(&self, same: &[&'a Positioned<Field>], parent: &str) -> Option<Positioned<Selection>> {
        let first = *same.first()?;
        let ty = base_name(&TYPES.field(parent, &first.node.name.node)?.ty);
        let sets: Vec<_> = same.iter().map(|field| &field.node.selection_set.node).collect();
        let is_leaf = first.node.selection_set.node.items.is_empty();
        let set = if is_leaf { SelectionSet::default() } else { self.merged(&sets, ty) };
        let field = Field {
            alias: first.node.alias.clone(),
            name: first.node.name.clone(),
            arguments: first.node.arguments.clone(),
            directives: Vec::new(),
            selection_set: first.node.selection_set.position_node(set),
        };
        Some(first.position_node(Selection::Field(first.position_node(field))))
    }

    /// Appends the selections of an interface or a union, with named fragments as inline fragments.
    fn resolved(&self, set: &'a SelectionSet, parent: &str, items: &mut Vec<Positioned<Selection>>) {
        for item in set.items.iter().filter(|item| self.is_included(item.node.directives())) {
            let (condition, set) = match &item.node {
                Selection::Field(field) => {
                    items.extend(self.field(&[field], parent));
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (inline.node.type_condition.as_ref(), &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    let Some(fragment) = fragment else { continue };
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            match condition.filter(|condition| condition.node.on.node != parent) {
                None => self.resolved(set, parent, items),
                Some(condition) => {
                    let selection_set = item.position_node(self.merged(&[set], &condition.node.on.node));
                    let type_condition = Some(condition.clone());
                    let inline = InlineFragment { type_condition, directives: Vec::new(), selection_set };
                    items.push(item.position_node(Selection::InlineFragment(item.position_node(inline))));
                }
            }
        }
    }

    /// Whether `@skip` and `@include` select the field or fragment.
    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let directive = &directive.node;
            let condition = match directive.get_argument("if").map(|value| &value.node) {
                Some(Value::Boolean(condition)) => *condition,
                Some(Value::Variable(name)) => self.variables.get(name) == Some(&Constant::Boolean(true)),
                _ => return true,
            };
            condition == (directive.name.node != "skip")
        })
    }
}

#[cfg(test)]
mod tests;
