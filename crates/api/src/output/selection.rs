//! A compiled selection set: compiled once per request, then applied to every row.
//!
//! async-graphql resolves a selection with a boxed future and an owned value for each field of each object, which takes
//! most of the time of a page. A [`SelectionPlan`] is the selection as a list of response keys and the writers of their
//! values, collected and merged as the GraphQL specification requires. `@skip` and `@include` have been applied before.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Context, Name, Positioned, QueryPathSegment};

use crate::output::write::WriteContext;

/// Appends the value of a field of an object as JSON.
pub(crate) type FieldWriter<'e, T> = Box<dyn Fn(&mut Vec<u8>, &WriteContext<'_>, &T) + Send + Sync + 'e>;

/// The selection sets that are merged at one response path of an operation.
pub(crate) struct SelectionPath<'a> {
    sets: Vec<&'a SelectionSet>,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> SelectionPath<'a> {
    /// Returns the selection sets of the field that is being resolved, from all its occurrences under the same response
    /// key, or `None` if the field is below an element of a list.
    pub(crate) fn of(ctx: &Context<'a>) -> Option<Self> {
        let mut path = Vec::new();
        let mut node = ctx.path_node.as_ref();
        while let Some(current) = node {
            match current.segment {
                QueryPathSegment::Name(name) => path.push(name),
                QueryPathSegment::Index(_) => return None,
            }
            node = current.parent;
        }
        let root = &ctx.query_env.operation.node.selection_set.node;
        let mut selection = Self { sets: vec![root], fragments: &ctx.query_env.fragments };
        for name in path.into_iter().rev() {
            // None of the types on the way is abstract or has an interface, so every fragment applies.
            let fields = selection.fields(&|_| true);
            let (_, same) = fields.into_iter().find(|(key, _)| *key == name)?;
            selection = selection.below(&same);
        }
        Some(selection)
    }

    /// An empty selection.
    #[cfg(test)]
    pub(crate) fn empty(fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>) -> Self {
        Self { sets: Vec::new(), fragments }
    }

    fn below(&self, fields: &[&'a Field]) -> Self {
        Self { sets: fields.iter().map(|field| &field.selection_set.node).collect(), fragments: self.fragments }
    }

    /// The selected fields by response key, in the order of the response. `applies` decides whether the fragments with
    /// a type condition apply.
    fn fields(&self, applies: &dyn Fn(&str) -> bool) -> Vec<(&'a str, Vec<&'a Field>)> {
        let mut fields = Vec::new();
        for set in &self.sets {
            self.collect(set, applies, &mut fields);
        }
        fields
    }

    fn collect(
        &self,
        set: &'a SelectionSet,
        applies: &dyn Fn(&str) -> bool,
        fields: &mut Vec<(&'a str, Vec<&'a Field>)>,
    ) {
        for item in &set.items {
            let (condition, set) = match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let key = field.response_key().node.as_str();
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((key, vec![field])),
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    // Validation rejects a spread of an undefined fragment.
                    let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) else { continue };
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            if condition.is_none_or(|condition| applies(condition.node.on.node.as_str())) {
                self.collect(set, applies, fields);
            }
        }
    }
}

/// The compiled selection of an object: response keys, with quotes and colon, and the writers of their values.
pub(crate) struct SelectionPlan<'e, T>(Vec<(String, FieldWriter<'e, T>)>);

impl<'e, T: 'e> SelectionPlan<'e, T> {
    /// Compiles the selection of an object of a type. `field_writer` returns the writer of a field. Returns `None` if
    /// `field_writer` has none for a selected field; then async-graphql resolves the list.
    pub(crate) fn compile(
        selection: &SelectionPath<'_>,
        type_name: &'static str,
        interface: &str,
        field_writer: impl Fn(&str, SelectionPath<'_>) -> Option<FieldWriter<'e, T>>,
    ) -> Option<Self> {
        let fields = selection.fields(&|condition| condition == type_name || condition == interface);
        let writers = fields.into_iter().map(|(key, same)| {
            let name = same.first()?.name.node.as_str();
            let writer: FieldWriter<'e, T> = match name {
                "__typename" => Box::new(move |out, _, _| crate::output::write::raw_string(out, type_name)),
                name => field_writer(name, selection.below(&same))?,
            };
            Some((format!("\"{key}\":"), writer))
        });
        writers.collect::<Option<_>>().map(Self)
    }

    /// Appends an object as JSON.
    pub(crate) fn write_object(&self, out: &mut Vec<u8>, context: &WriteContext<'_>, value: &T) {
        let mut separator = b'{';
        for (key, writer) in &self.0 {
            out.push(separator);
            out.extend_from_slice(key.as_bytes());
            writer(out, context, value);
            separator = b',';
        }
        if separator == b'{' {
            out.push(separator);
        }
        out.push(b'}');
    }
}

/// Appends a list as JSON.
pub(crate) fn write_list<E>(
    out: &mut Vec<u8>,
    elements: impl IntoIterator<Item = E>,
    mut write: impl FnMut(&mut Vec<u8>, E),
) {
    out.push(b'[');
    for (i, element) in elements.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, element);
    }
    out.push(b']');
}
