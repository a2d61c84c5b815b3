//! Documents: the check is linear in the length of a document, and an accepted document stays within the limits when
//! all its fragments are expanded.

use std::sync::LazyLock;

use api::engine::check::{self, DocumentLimits};
use api::engine::parameters::Parameters;
use api::engine::persisted::PersistedQueries;
use api::engine::{Engine, OperationRule};
use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use model::page::PageLimits;
use serde_json::{Map, Value};

/// Lower than the defaults of the server, so that a small document can exceed them.
const LIMITS: DocumentLimits = DocumentLimits {
    bytes: 4 << 10,
    tokens: 1_000,
    depth: 12,
    fields: 200,
    aliases: 20,
    directives: 10,
    root_fields: 10,
    operations: 4,
    fragments: 12,
    variables_bytes: 1 << 10,
    cost: 250_000,
    page: PageLimits { default: 50, max: 200 },
    introspection: true,
};

/// Maximum depth of fields below `__schema` and `__type`.
const SCHEMA_DEPTH_MAX: usize = 16;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(LIMITS, PersistedQueries::new(None, 0)));

/// Checks a document.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(tokens) = check::text(text, &LIMITS) else { return };
    let members = Map::from_iter([("query".to_owned(), Value::from(text))]);
    if let Ok(parameters) = Parameters::from_members(members) {
        // Parsing, validation and the resolution of arguments accept any text.
        let _prepared = ENGINE.prepare(parameters, OperationRule::Any, "tenant");
    }
    let Ok(document) = parse_query(text) else { return };
    let (visited, result) = check::measured(&document, &LIMITS);
    assert!(visited <= 4 * tokens, "{visited} visited in {tokens} tokens");
    if result.is_err() {
        return;
    }
    for (_, operation) in document.operations.iter() {
        let mut size = ExpandedSize { directives: operation.node.directives.len(), ..ExpandedSize::default() };
        size.add(&document, &operation.node.selection_set.node, Depth::Log(1));
    }
    let Some(operation) = check::operation(&document, None) else { return };
    let variables = Variables::default();
    let _within = check::variables(operation, &variables, &LIMITS)
        .and_then(|()| check::cost(&document, operation, &variables, &LIMITS));
}

/// Size of a selection set with its fragments expanded.
#[derive(Default)]
struct ExpandedSize {
    fields: usize,
    aliases: usize,
    directives: usize,
}

/// Depth of a field: among the fields of the log, or below an introspection field.
#[derive(Clone, Copy)]
enum Depth {
    Log(usize),
    Schema(usize),
}

impl Depth {
    fn below(self, field: &str) -> Self {
        match self {
            Self::Log(_) if matches!(field, "__schema" | "__type") => Self::Schema(2),
            Self::Log(depth) => Self::Log(depth + 1),
            Self::Schema(depth) => Self::Schema(depth + 1),
        }
    }

    fn is_allowed(self) -> bool {
        match self {
            Self::Log(depth) => depth <= LIMITS.depth,
            Self::Schema(depth) => depth <= SCHEMA_DEPTH_MAX,
        }
    }
}

impl ExpandedSize {
    fn add(&mut self, document: &ExecutableDocument, set: &SelectionSet, depth: Depth) {
        for item in &set.items {
            let (directives, below, depth) = match &item.node {
                Selection::Field(field) => {
                    assert!(depth.is_allowed());
                    self.fields += 1;
                    self.aliases += usize::from(field.node.alias.is_some());
                    let name = field.node.name.node.as_str();
                    (field.node.directives.len(), Some(&field.node.selection_set), depth.below(name))
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.directives.len(), Some(&fragment.node.selection_set), depth)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    let own = fragment.map_or(0, |fragment| fragment.node.directives.len());
                    let below = fragment.map(|fragment| &fragment.node.selection_set);
                    (spread.node.directives.len() + own, below, depth)
                }
            };
            self.directives += directives;
            assert!(self.fields <= LIMITS.fields && self.aliases <= LIMITS.aliases);
            assert!(self.directives <= LIMITS.directives);
            if let Some(below) = below {
                self.add(document, &below.node, depth);
            }
        }
    }
}
