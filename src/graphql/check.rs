//! The check of a document before it runs: linear in its length, whatever its fragments do.
//!
//! The library's own limits walk the expanded tree, so a document of a kilobyte whose fragments double at each level
//! keeps a core busy for minutes. Here the text is scanned once before it is parsed, and every fragment is measured
//! once, with saturating sums, before anything is executed.

use std::collections::HashMap;

use async_graphql::Variables;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Positioned, Value};

use super::error::ApiError;
use crate::audit::Invalid;

/// How large a document may be.
#[derive(Clone, Copy, Debug)]
pub struct DocumentLimits {
    /// Bytes of text.
    pub bytes: usize,
    /// Tokens.
    pub tokens: usize,
    /// Brackets inside brackets.
    pub nesting: usize,
    /// Fields inside fields, fragments expanded.
    pub depth: usize,
    /// The same inside `__schema` and `__type`.
    pub introspection_depth: usize,
    /// Fields, fragments expanded.
    pub fields: usize,
    /// Aliases, fragments expanded.
    pub aliases: usize,
    /// Directives, fragments expanded.
    pub directives: usize,
    /// Fields of the root.
    pub root_fields: usize,
    /// Operations.
    pub operations: usize,
    /// Fragments.
    pub fragments: usize,
}

impl DocumentLimits {
    /// What every client we know stays far below.
    pub const DEFAULT: Self = Self {
        bytes: 64 << 10,
        tokens: 4_000,
        nesting: 64,
        depth: 12,
        introspection_depth: 16,
        fields: 2_000,
        aliases: 30,
        directives: 50,
        root_fields: 20,
        operations: 10,
        fragments: 50,
    };
}

/// Lists of introspection that lead back to themselves; more than this many inside each other is a probe.
const INTROSPECTION_CYCLES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
const INTROSPECTION_CYCLES_MAX: usize = 2;

fn within(what: &'static str, asked: usize, limit: usize) -> Result<(), ApiError> {
    if asked <= limit { Ok(()) } else { Err(ApiError::Limit { what, asked, limit }) }
}

/// Checks the text before it is parsed: its length, tokens and nesting.
pub fn text(query: &str, limits: &DocumentLimits) -> Result<(), ApiError> {
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
                within("levels of brackets in the document", nesting, limits.nesting)?;
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
    Ok(())
}

/// The first byte after a string, block string or unfinished string that starts here.
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

/// How large a selection is, with its fragments expanded.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    fields: usize,
    roots: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    introspection_depth: usize,
    introspection_cycles: usize,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
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
struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// Fragments measured; `None` for one that is being measured.
    fragments: HashMap<&'a str, Option<Size>>,
}

impl<'a> Measure<'a> {
    fn selection(&mut self, set: &'a SelectionSet) -> Result<Size, ApiError> {
        let mut size = Size::default();
        for item in &set.items {
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
            size = size.beside(one);
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, ApiError> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Invalid::new(format!("fragment `{name}` contains itself")).into()),
            None => {}
        }
        // A fragment that is not there is reported by validation.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.fragments.insert(name, None);
        let size = self.selection(&fragment.node.selection_set.node)?.with_directives(&fragment.node.directives);
        self.fragments.insert(name, Some(size));
        Ok(size)
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

/// Checks a parsed document.
pub fn document(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<(), ApiError> {
    within("fragments", document.fragments.len(), limits.fragments)?;
    let operations: Vec<_> = document.operations.iter().map(|(_, operation)| &operation.node).collect();
    within("operations", operations.len(), limits.operations)?;
    let mut measure = Measure { document, fragments: HashMap::new() };
    for operation in operations {
        let size = measure.selection(&operation.selection_set.node)?.with_directives(&operation.directives);
        within("fields", size.fields, limits.fields)?;
        within("root fields", size.roots, limits.root_fields)?;
        within("aliases", size.aliases, limits.aliases)?;
        within("directives", size.directives, limits.directives)?;
        within("levels of fields", size.depth, limits.depth)?;
        within("levels of introspection", size.introspection_depth, limits.introspection_depth)?;
        within("lists of introspection inside each other", size.introspection_cycles, INTROSPECTION_CYCLES_MAX)?;
    }
    // Fragments that no operation uses are measured as well: they may contain themselves.
    for name in document.fragments.keys() {
        measure.fragment(name)?;
    }
    Ok(())
}

/// The operation that will run; none if the name does not decide it.
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

/// Checks that every variable that must have a value has one: the library would only notice where it is used.
pub fn variables(operation: &OperationDefinition, variables: &Variables) -> Result<(), ApiError> {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let value = variables.get(name);
        let missing = value.is_none() && definition.default_value.is_none();
        if !definition.var_type.node.nullable && (missing || value == Some(&Value::Null)) {
            return Err(Invalid::new(format!("variable `${name}` must have a value")).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use std::fmt::Write as _;

    use super::*;

    fn refused(query: &str) -> Option<&'static str> {
        let limits = &DocumentLimits::DEFAULT;
        match text(query, limits).and_then(|()| document(&parse_query(query).unwrap(), limits)) {
            Ok(()) => None,
            Err(ApiError::Limit { what, .. }) => Some(what),
            Err(_) => Some("invalid"),
        }
    }

    #[test]
    fn fragments_that_double_are_measured_not_expanded() {
        let mut query = "query{...f0}".to_owned();
        for i in 0..40 {
            write!(query, " fragment f{i} on Query{{...f{} ...f{}}}", i + 1, i + 1).unwrap();
        }
        query += " fragment f40 on Query{a b}";
        assert_eq!(refused(&query), Some("fields"));
    }

    #[test]
    fn everything_too_large_is_refused_by_name() {
        assert_eq!(refused("{ viewer { subject } }"), None);
        assert_eq!(refused("query{...f} fragment f on Query{...f}"), Some("invalid"));
        assert_eq!(refused(&format!("{{{}}}", "a:b ".repeat(31))), Some("root fields"));
        assert_eq!(
            refused(&format!("{{ x {{{}}} }}", (0..31).fold(String::new(), |s, i| s + &format!("a{i}:b ")))),
            Some("aliases")
        );
        assert_eq!(refused(&format!("{{ x{} }}", " @a".repeat(51))), Some("directives"));
        assert_eq!(refused(&format!("{}x{}", "{a".repeat(13), "}".repeat(13))), Some("levels of fields"));
        assert_eq!(
            refused(&format!("{{a(b:{}1{})}}", "[".repeat(20_000), "]".repeat(20_000))),
            Some("levels of brackets in the document")
        );
        assert_eq!(refused(&"{a}".repeat(4_000)), Some("tokens in the document"));
        assert_eq!(
            refused("{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"),
            Some("lists of introspection inside each other")
        );
    }

    #[test]
    fn strings_and_comments_are_no_brackets() {
        let many = "[".repeat(100);
        assert_eq!(refused(&format!("{{ a(b: \"{many}\\\"\", c: \"\"\"{many}\"\"\") # {many}\n }}")), None);
    }
}
