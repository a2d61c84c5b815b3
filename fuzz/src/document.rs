//! Documents: the check of one is linear in its length, and what passes it is as small as it says when it is written
//! out, fragments and all.

use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, Variables};
use model::page::PageLimits;
use api::engine::check::{self, DocumentLimits};
use api::{Limits, Schema, build};
use futures_util::FutureExt as _;

/// Smaller than a server's, so that a small document can be too large.
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

/// How deep the description of the schema may be asked for.
const SCHEMA_DEPTH_MAX: usize = 16;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| build(Limits { page: LIMITS.page }));

/// The input is the text of a document.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(tokens) = check::text(text, &LIMITS) else { return };
    let Ok(document) = parse_query(text) else { return };
    let (visited, result) = check::measured(&document, &LIMITS);
    assert!(visited <= 4 * tokens, "{visited} visited in {tokens} tokens");
    if result.is_err() {
        return;
    }
    for (_, operation) in document.operations.iter() {
        let mut size = Size { directives: operation.node.directives.len(), ..Size::default() };
        size.add(&document, &operation.node.selection_set.node, Depth::Log(1));
    }
    let Some(operation) = check::operation(&document, None) else { return };
    let variables = Variables::default();
    let passes = check::variables(operation, &variables, &LIMITS).is_ok();
    if passes && check::cost(&document, operation, &variables, &LIMITS).is_ok() {
        // Without a caller every field but those of the schema is refused, and nothing is waited for.
        let mut request = Request::new("");
        request.set_parsed_query(document.clone());
        let _refused = SCHEMA.execute(request).now_or_never();
    }
}

/// How large a selection is when it is written out.
#[derive(Default)]
struct Size {
    fields: usize,
    aliases: usize,
    directives: usize,
}

/// How deep a field stands: among the log's fields, or in the description of the schema.
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

impl Size {
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
