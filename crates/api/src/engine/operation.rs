//! The description of an operation for the request log, the access log and the metrics: its kind, name and root fields.

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};

/// The most root fields, and the most fragments around root fields, that are collected from an operation.
const ROOT_FIELDS_MAX: usize = 50;
/// The most characters of the operation name.
const NAME_CHARS_MAX: usize = 200;

/// A field of the root type, and the key of its value in the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootField {
    /// The name of the field.
    pub name: String,
    /// Its alias, or its name if it has none.
    pub response_key: String,
}

/// A description of an operation; contains names only, no arguments and no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationInfo {
    kind: OperationType,
    name: String,
    root_fields: Vec<RootField>,
}

impl OperationInfo {
    /// Describes an operation of a document.
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let mut info = Self { kind: operation.ty, name: name_of(document, operation), root_fields: Vec::new() };
        info.collect(document, &operation.selection_set.node, &mut Vec::new());
        info
    }

    /// The kind of operation.
    pub fn kind(&self) -> OperationType {
        self.kind
    }

    /// The name of the operation, cut to 200 characters; empty if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fields of the root type, at most 50, in the order of the document.
    pub fn root_fields(&self) -> &[RootField] {
        &self.root_fields
    }

    /// Collects the root fields of a selection set; enters each fragment once.
    fn collect<'a>(&mut self, document: &'a ExecutableDocument, set: &'a SelectionSet, entered: &mut Vec<&'a str>) {
        for Positioned { node, .. } in &set.items {
            if self.root_fields.len() == ROOT_FIELDS_MAX || entered.len() == ROOT_FIELDS_MAX {
                return;
            }
            match node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let (name, response_key) = (field.name.node.to_string(), field.response_key().node.to_string());
                    self.root_fields.push(RootField { name, response_key });
                }
                Selection::InlineFragment(inline) => {
                    self.collect(document, &inline.node.selection_set.node, entered);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = document.fragments.get(name)
                        && !entered.contains(&name)
                    {
                        entered.push(name);
                        self.collect(document, &fragment.node.selection_set.node, entered);
                    }
                }
            }
        }
    }
}

fn name_of(document: &ExecutableDocument, operation: &OperationDefinition) -> String {
    let entry = document.operations.iter().find(|(_, found)| std::ptr::eq(&raw const found.node, operation));
    let name = entry.and_then(|(name, _)| name).map(async_graphql::Name::as_str).unwrap_or_default();
    name.chars().take(NAME_CHARS_MAX).collect()
}
