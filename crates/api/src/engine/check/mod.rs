//! The check of a document before it runs, in time linear in its length whatever its fragments are.
//!
//! The library's own limits walk the expanded tree, so a document of a kilobyte whose fragments double at each level
//! keeps a core busy for minutes. Here the text is scanned once before it is parsed, and every fragment is measured
//! once, with saturating sums, before execution.

use std::collections::HashMap;

use async_graphql::Variables;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Positioned, Value};

use crate::engine::cost;
use crate::error::ApiError;
use model::Invalid;
use model::page::PageLimits;

/// The limits of a document.
#[derive(Clone, Copy, Debug)]
pub struct DocumentLimits {
    /// The most bytes of text.
    pub bytes: usize,
    /// The most tokens.
    pub tokens: usize,
    /// The most levels of fields, fragments expanded.
    pub depth: usize,
    /// The most fields, fragments expanded.
    pub fields: usize,
    /// The most aliases, fragments expanded.
    pub aliases: usize,
    /// The most directives, fragments expanded.
    pub directives: usize,
    /// The most fields of the root type.
    pub root_fields: usize,
    /// The most operations.
    pub operations: usize,
    /// The most fragments.
    pub fragments: usize,
    /// The most bytes of the variables of a query.
    pub variables_bytes: usize,
    /// The most points of cost; see [`super::cost`].
    pub cost: usize,
    /// The page size, which determines most of the cost.
    pub page: PageLimits,
    /// Whether introspection is allowed.
    pub introspection: bool,
}

/// The most levels of brackets: more than a document within the other limits needs, and safe for the parser.
const NESTING_MAX: usize = 64;
/// The most levels of fields in `__schema` and `__type`. The query of common tools has 13.
const INTROSPECTION_DEPTH_MAX: usize = 16;
/// Lists of introspection that lead back to themselves, and how deep they may be nested.
const INTROSPECTION_CYCLES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
const INTROSPECTION_CYCLES_MAX: usize = 2;

fn within(what: &'static str, asked: usize, limit: usize) -> Result<(), ApiError> {
    if asked <= limit { Ok(()) } else { Err(ApiError::Limit { what, asked, limit }) }
}

/// Checks the text before it is parsed: its length, tokens and nesting. Returns how many tokens it has.
pub fn text(query: &str, limits: &DocumentLimits) -> Result<usize, ApiError> {
    within("bytes in the document", query.len(), limits.bytes)?;
    let bytes = query.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0, 0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef | 0xbb | 0xbf => {
                at += 1;
                continue;
            }
            b'#' => {
                at = bytes[at..].iter().position(|b| *b == b'\n' || *b == b'\r').map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' | b'(' => {
                nesting += 1;
                within("levels of brackets in the document", nesting, NESTING_MAX)?;
                at += 1;
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                at += 1;
            }
            _ => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'+'))
                {
                    at += 1;
                }
                at = at.max(start + 1);
            }
        }
        tokens += 1;
        within("tokens in the document", tokens, limits.tokens)?;
    }
    Ok(tokens)
}

/// The index after the string, block string or unfinished string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    if bytes[start..].starts_with(b"\"\"\"") {
        let mut at = start + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return bytes.len();
    }
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'\n' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The size of a selection, with its fragments expanded.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    levels: usize,
    fields: usize,
    roots: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    introspection_depth: usize,
    introspection_cycles: usize,
}

impl Size {
    fn merge(self, other: Self) -> Self {
        Self {
            levels: self.levels.max(other.levels),
            fields: self.fields.saturating_add(other.fields),
            roots: self.roots.saturating_add(other.roots),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            introspection_cycles: self.introspection_cycles.max(other.introspection_cycles),
        }
    }

    fn with_directives(mut self, directives: &[Positioned<Directive>]) -> Self {
        self.directives = self.directives.saturating_add(directives.len());
        self
    }
}

/// Measures selections; every fragment once.
struct ComplexityVisitor<'a> {
    document: &'a ExecutableDocument,
    /// Fragments measured; `None` for one that is being measured.
    fragments: HashMap<&'a str, Option<Size>>,
    /// The number of fields, spreads and fragments that were visited.
    visited: usize,
}

impl<'a> ComplexityVisitor<'a> {
    fn selection(&mut self, set: &'a SelectionSet) -> Result<Size, ApiError> {
        let mut size = Size::default();
        for item in &set.items {
            self.visited += 1;
            let one = match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let below = self.selection(&field.selection_set.node)?;
                    field_size(field.name.node.as_str(), field.alias.is_some(), below)
                        .with_directives(&field.directives)
                }
                Selection::InlineFragment(fragment) => {
                    self.selection(&fragment.node.selection_set.node)?.with_directives(&fragment.node.directives)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?.with_directives(&spread.node.directives)
                }
            };
            size = size.merge(Size { levels: one.levels.saturating_add(1), ..one });
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, ApiError> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(ApiError::NotValid(Invalid::new(format!("fragment `{name}` contains itself")))),
            None => {}
        }
        // Validation reports a missing fragment.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.visited += 1;
        self.fragments.insert(name, None);
        let size = self.selection(&fragment.node.selection_set.node)?.with_directives(&fragment.node.directives);
        self.fragments.insert(name, Some(size));
        Ok(size)
    }

    /// Checks the document against its limits.
    fn check(&mut self, limits: &DocumentLimits) -> Result<(), ApiError> {
        let document = self.document;
        within("fragments", document.fragments.len(), limits.fragments)?;
        let operations: Vec<_> = document.operations.iter().map(|(_, operation)| &operation.node).collect();
        within("operations", operations.len(), limits.operations)?;
        for operation in operations {
            let size = self.selection(&operation.selection_set.node)?.with_directives(&operation.directives);
            within("levels of selections", size.levels, NESTING_MAX)?;
            within("fields", size.fields, limits.fields)?;
            within("root fields", size.roots, limits.root_fields)?;
            within("aliases", size.aliases, limits.aliases)?;
            within("directives", size.directives, limits.directives)?;
            within("levels of fields", size.depth, limits.depth)?;
            if size.introspection_depth > 0 && !limits.introspection {
                return Err(ApiError::Forbidden("introspection is disabled on this server"));
            }
            within("levels of introspection", size.introspection_depth, INTROSPECTION_DEPTH_MAX)?;
            within("lists of introspection inside each other", size.introspection_cycles, INTROSPECTION_CYCLES_MAX)?;
        }
        // Fragments that no operation uses are measured as well: they may contain themselves.
        for name in document.fragments.keys() {
            self.fragment(name)?;
        }
        Ok(())
    }
}

fn field_size(name: &str, has_alias: bool, below: Size) -> Size {
    let mut size = Size {
        fields: below.fields.saturating_add(1),
        roots: 1,
        aliases: below.aliases.saturating_add(usize::from(has_alias)),
        ..below
    };
    if matches!(name, "__schema" | "__type") {
        size.introspection_depth = below.depth.max(below.introspection_depth).saturating_add(1);
        size.depth = 1;
    } else {
        size.depth = below.depth.saturating_add(1);
        if INTROSPECTION_CYCLES.contains(&name) {
            size.introspection_cycles += 1;
        }
    }
    size
}

/// Checks the size of a parsed document.
pub fn document(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<(), ApiError> {
    measured(document, limits).1
}

/// As [`document`]; also returns the number of fields, spreads and fragments that were visited.
pub fn measured(document: &ExecutableDocument, limits: &DocumentLimits) -> (usize, Result<(), ApiError>) {
    let mut visitor = ComplexityVisitor { document, fragments: HashMap::new(), visited: 0 };
    let result = visitor.check(limits);
    (visitor.visited, result)
}

/// The operation to run, or `None` if the name does not select one.
pub fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name).map(|found| &found.node),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|found| &found.node)
        }
        _ => None,
    }
}

/// Checks the size of the variables.
pub fn variables(
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &DocumentLimits,
) -> Result<(), ApiError> {
    // The variables of a mutation contain its events; the size of the body bounds them.
    if operation.ty != OperationType::Mutation {
        let bytes = variables.iter().map(|(name, value)| name.len() + 4 + bytes(value)).sum();
        within("bytes in the variables", bytes, limits.variables_bytes)?;
    }
    Ok(())
}

/// The approximate bytes of a value as JSON: strings without escapes, numbers as eight.
fn bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Boolean(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Enum(name) => name.len(),
        Value::Binary(binary) => binary.len(),
        Value::List(items) => items.iter().map(|item| bytes(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + 4 + bytes(value)).sum::<usize>() + 2,
    }
}

/// Calculates and checks the cost of an operation.
pub fn cost(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &DocumentLimits,
) -> Result<usize, ApiError> {
    let cost = cost::of(document, operation, variables, limits.page);
    within("points of cost", cost, limits.cost)?;
    Ok(cost)
}

#[cfg(test)]
pub(crate) mod tests;
