//! Fields with one response key must be merged, so they must be the same (specification, section 5.3.2).
//!
//! The usual algorithm compares the fields in pairs, which is quadratic, and cubic with fragments. This one is by Simon
//! Adameit: it merges the selections of all fields with one response key level by level, once for the fields that apply to
//! one object and once for the shapes of their values, and compares each field with the first of its group. The
//! work is that of visiting the fields with fragments expanded, which [`super::super::check`] bounds, times the number
//! of objects that a field of an interface is compared for.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, Selection, SelectionSet, Type};
use async_graphql_value::Value;

use super::Violation;
use super::values::shown;
use crate::engine::type_system::{TYPES, base_name};
use crate::error::ApiError;

/// The most fields and fragments that are visited for one document. Visiting them takes some 20 ms.
const VISITS_MAX: usize = 100_000;

/// A field with the type that selects it, and its own type.
#[derive(Clone, Copy)]
struct Occurrence<'a> {
    parent: &'a str,
    field: &'a Positioned<Field>,
    ty: &'static Type,
}

/// The fields of merged selection sets by response key, in the order of the document.
type Groups<'a> = IndexMap<&'a str, Vec<Occurrence<'a>>>;

/// The violations of a document in which all fields exist.
///
/// # Errors
///
/// Fails if the document has too many fields to compare.
pub(super) fn conflicts(document: &ExecutableDocument) -> Result<Vec<Violation>, ApiError> {
    let mut visitor = OverlapVisitor { document, visits: 0 };
    let mut violations = Vec::new();
    for (_, operation) in document.operations.iter() {
        let Some(root) = TYPES.root(operation.node.ty) else { continue };
        let groups = visitor.merged([(root.as_str(), &operation.node.selection_set.node)])?;
        let conflict = match visitor.objects(&groups)? {
            None => visitor.shapes(&groups)?,
            found => found,
        };
        violations.extend(conflict);
    }
    Ok(violations)
}

struct OverlapVisitor<'a> {
    document: &'a ExecutableDocument,
    visits: usize,
}

impl<'a> OverlapVisitor<'a> {
    /// The fields of selection sets of these types, with fragments expanded.
    fn merged(&mut self, sets: impl IntoIterator<Item = (&'a str, &'a SelectionSet)>) -> Result<Groups<'a>, ApiError> {
        let mut groups = Groups::new();
        let mut entered = HashSet::new();
        for (parent, set) in sets {
            self.collect(parent, set, &mut entered, &mut groups)?;
        }
        Ok(groups)
    }

    fn collect(
        &mut self,
        parent: &'a str,
        set: &'a SelectionSet,
        entered: &mut HashSet<&'a str>,
        groups: &mut Groups<'a>,
    ) -> Result<(), ApiError> {
        self.visit(set.items.len())?;
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let Some(definition) = TYPES.field(parent, &field.node.name.node) else { continue };
                    let key = field.node.response_key().node.as_str();
                    groups.entry(key).or_default().push(Occurrence { parent, field, ty: &definition.ty });
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.collect(parent, &inline.node.selection_set.node, entered, groups)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.document.fragments.get(name)
                        && entered.insert(name)
                    {
                        let parent = fragment.node.type_condition.node.on.node.as_str();
                        self.collect(parent, &fragment.node.selection_set.node, entered, groups)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self, count: usize) -> Result<(), ApiError> {
        self.visits += count;
        if self.visits <= VISITS_MAX {
            return Ok(());
        }
        Err(ApiError::Limit { what: "fields to compare in the document", asked: self.visits, limit: VISITS_MAX })
    }

    /// Finds fields with one response key whose values have different shapes.
    fn shapes(&mut self, groups: &Groups<'a>) -> Result<Option<Violation>, ApiError> {
        for group in groups.values() {
            self.visit(group.len())?;
            // As graphql-js does, `__typename` may share its key with a field of another object.
            let mut typed = group.iter().filter(|occurrence| occurrence.field.node.name.node != "__typename");
            if let Some(first) = typed.next()
                && let Some(other) = typed.find(|other| !has_same_shape(first.ty, other.ty))
            {
                let reason = format!("have the types `{}` and `{}`", first.ty, other.ty);
                return Ok(Some(conflict(first, other, &reason)));
            }
            let below = self.merged(group.iter().filter_map(below))?;
            if let Some(found) = self.shapes(&below)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Finds different fields with one response key that can apply to the same object.
    fn objects(&mut self, groups: &Groups<'a>) -> Result<Option<Violation>, ApiError> {
        for group in groups.values() {
            for common in with_common_objects(group) {
                self.visit(common.len())?;
                if let [first, others @ ..] = common.as_slice()
                    && let Some((other, reason)) =
                        others.iter().find_map(|other| Some((other, difference(first.field, other.field)?)))
                {
                    return Ok(Some(conflict(first, other, reason)));
                }
                let below = self.merged(common.iter().filter_map(below))?;
                if let Some(found) = self.objects(&below)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}

/// The selection set of a field and its type, or `None` if it has none.
fn below<'a>(occurrence: &Occurrence<'a>) -> Option<(&'a str, &'a SelectionSet)> {
    let set = &occurrence.field.node.selection_set.node;
    if set.items.is_empty() { None } else { Some((base_name(occurrence.ty).as_str(), set)) }
}

/// Divides fields by the objects that they are fields of. A field of an interface belongs to all of them.
fn with_common_objects<'a>(group: &[Occurrence<'a>]) -> Vec<Vec<Occurrence<'a>>> {
    let mut by_object: IndexMap<&str, Vec<Occurrence<'a>>> = IndexMap::new();
    let mut common = Vec::new();
    for &occurrence in group {
        if TYPES.is_object(occurrence.parent) {
            by_object.entry(occurrence.parent).or_default().push(occurrence);
        } else {
            common.push(occurrence);
        }
    }
    if by_object.is_empty() {
        return vec![common];
    }
    by_object.into_values().map(|own| common.iter().copied().chain(own).collect()).collect()
}

fn has_same_shape(a: &Type, b: &Type) -> bool {
    a.nullable == b.nullable
        && match (&a.base, &b.base) {
            (BaseType::List(a), BaseType::List(b)) => has_same_shape(a, b),
            (BaseType::Named(a), BaseType::Named(b)) => {
                a == b || TYPES.possible(a).is_some() && TYPES.possible(b).is_some()
            }
            _ => false,
        }
}

/// Why two fields of one object cannot be merged, or `None` if they can.
fn difference(a: &Positioned<Field>, b: &Positioned<Field>) -> Option<&'static str> {
    let (a, b) = (&a.node, &b.node);
    if a.name.node != b.name.node {
        return Some("are different fields");
    }
    let value = |name: &str| b.get_argument(name).map(|value| &value.node);
    let same = a.arguments.len() == b.arguments.len()
        && a.arguments.iter().all(|(name, given)| value(&name.node).is_some_and(|other| is_same(&given.node, other)));
    if same { None } else { Some("have different arguments") }
}

/// Whether two literals are equal: numbers as they are written, variables by their name, objects in any order.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        _ => a == b,
    }
}

fn conflict(a: &Occurrence<'_>, b: &Occurrence<'_>, reason: &str) -> Violation {
    let key = &a.field.node.response_key().node;
    let (first, second) = (description(a), description(b));
    Violation {
        sentence: format!("fields `{first}` and `{second}` {reason}, so they need different aliases, not both `{key}`"),
        positions: vec![a.field.pos, b.field.pos],
    }
}

/// A field with its type and arguments.
fn description(Occurrence { parent, field, .. }: &Occurrence<'_>) -> String {
    let Field { name, arguments, .. } = &field.node;
    let arguments: Vec<_> =
        arguments.iter().take(8).map(|(name, value)| format!("{}: {}", name.node, shown(&value.node))).collect();
    let name = &name.node;
    if arguments.is_empty() { format!("{parent}.{name}") } else { format!("{parent}.{name}({})", arguments.join(", ")) }
}
