//! What is selected from an object, read once from the document and then applied to object after object.
//!
//! The library resolves a selection with a boxed future and an owned value for each field of each object, which takes
//! most of the time of a page. A [`Plan`] is the selection as a list of keys and the writers of their values, in the
//! order and with the merging of the specification. `@skip` and `@include` have been applied before.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Context, Name, Positioned, QueryPathSegment};

use crate::output::write::At;

/// Writes the value of a field of an object of an event.
pub(crate) type Write<'e, T> = Box<dyn Fn(&mut Vec<u8>, &At<'_>, &T) + Send + Sync + 'e>;

/// A place in an operation: all selections that are put together there.
pub(crate) struct Place<'a> {
    sets: Vec<&'a SelectionSet>,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> Place<'a> {
    /// What stands below the field that is being resolved, wherever the operation asks for it under this name. None
    /// below the elements of a list.
    pub(crate) fn of(ctx: &Context<'a>) -> Option<Self> {
        let mut path = Vec::new();
        let mut node = ctx.path_node.as_ref();
        while let Some(at) = node {
            match at.segment {
                QueryPathSegment::Name(name) => path.push(name),
                QueryPathSegment::Index(_) => return None,
            }
            node = at.parent;
        }
        let root = &ctx.query_env.operation.node.selection_set.node;
        let mut place = Self { sets: vec![root], fragments: &ctx.query_env.fragments };
        for name in path.into_iter().rev() {
            // Of the types above none is abstract and none has an interface, so every fragment applies.
            let fields = place.fields(&|_| true);
            let (_, same) = fields.into_iter().find(|(key, _)| *key == name)?;
            place = place.below(&same);
        }
        Some(place)
    }

    fn below(&self, fields: &[&'a Field]) -> Self {
        Self { sets: fields.iter().map(|field| &field.selection_set.node).collect(), fragments: self.fragments }
    }

    /// The fields by the name they get in the answer, in its order. `applies` says whether fragments on a type do.
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
                    // One that is not there did not pass validation.
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

/// What is written of an object: keys, with quotes and colon, and what writes their values.
pub(crate) struct Plan<'e, T>(Vec<(String, Write<'e, T>)>);

impl<'e, T: 'e> Plan<'e, T> {
    /// Compiles what is selected of an object of a type. None if there is a field that `field` does not know; then the
    /// library has to resolve it.
    pub(crate) fn compile(
        place: &Place<'_>,
        type_name: &'static str,
        interface: &str,
        field: impl Fn(&str, Place<'_>) -> Option<Write<'e, T>>,
    ) -> Option<Self> {
        let fields = place.fields(&|condition| condition == type_name || condition == interface);
        let writes = fields.into_iter().map(|(key, same)| {
            let name = same.first()?.name.node.as_str();
            let write: Write<'e, T> = match name {
                "__typename" => Box::new(move |out, _, _| crate::output::write::text(out, type_name)),
                name => field(name, place.below(&same))?,
            };
            Some((format!("\"{key}\":"), write))
        });
        writes.collect::<Option<_>>().map(Self)
    }

    /// Writes an object.
    pub(crate) fn object(&self, out: &mut Vec<u8>, at: &At<'_>, value: &T) {
        let mut before = b'{';
        for (key, write) in &self.0 {
            out.push(before);
            out.extend_from_slice(key.as_bytes());
            write(out, at, value);
            before = b',';
        }
        if before == b'{' {
            out.push(before);
        }
        out.push(b'}');
    }
}

/// Writes a list.
pub(crate) fn list<E>(
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
