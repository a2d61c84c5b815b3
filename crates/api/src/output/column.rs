//! Columns of an export: dotted paths through the schema's events, such as `actor.displayName`.
//!
//! They become the selection of an ordinary query, so that an export shows what a query would. The schema itself says
//! which paths there are; a path that ends at an object stands for all its fields. Where a field is an interface, the
//! fields of every type behind it may be named, and are null where an object has no such field. One column is not a
//! path: [`CURSOR`].

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use async_graphql::Value;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Name, Positioned};

use crate::error::ApiError;
use model::Invalid;

/// The most columns of an export.
const COLUMNS_MAX: usize = 100;
/// The column with the place of an event in its list, which `after` takes.
pub const CURSOR: &str = "cursor";
/// What an event consists of; its catalogue entry, and the same once more as it is stored, have to be asked for.
const NOT_BY_DEFAULT: [&str; 2] = ["activityType", "raw"];

/// The columns of an export, in the order asked for.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
    selection: String,
}

impl Columns {
    /// Checks paths; without any, all fields of events.
    pub fn parse(names: Option<Vec<String>>) -> Result<Self, ApiError> {
        let names = names.unwrap_or_else(|| {
            let fields = SHAPE.objects.get("AuditEvent").into_iter().flatten().map(|(field, _)| field.clone());
            fields.filter(|field| !NOT_BY_DEFAULT.contains(&field.as_str())).collect()
        });
        if names.is_empty() {
            return Err(Invalid::new("`columns` must name at least one column").into());
        }
        if names.len() > COLUMNS_MAX {
            return Err(ApiError::Limit { what: "columns", asked: names.len(), limit: COLUMNS_MAX });
        }
        let mut tree = Tree::default();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(Invalid::new(format!("`columns` must not name `{name}` twice")).into());
            }
            // Something has to be selected of an event where nothing else of it is shown.
            let path = if name == CURSOR { "id" } else { name };
            tree.add("AuditEvent", path).ok_or_else(|| {
                let name: String = name.chars().take(100).collect();
                Invalid::new(format!(
                    "`columns` must be paths of fields of AuditEvent, such as `actor.name`; there is no `{name}`"
                ))
            })?;
        }
        let mut selection = String::new();
        tree.print("AuditEvent", &mut selection);
        Ok(Self { names, selection })
    }

    /// Whether the place of each event is among them.
    pub fn has_cursor(&self) -> bool {
        self.names.iter().any(|name| name == CURSOR)
    }

    /// The paths.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What has to be selected of an event to have them: `{ ... }`.
    pub fn selection(&self) -> &str {
        &self.selection
    }
}

/// The value at a dotted path of an event that was selected; one for each element where a list is on the way.
pub fn value_at(value: &Value, path: &str) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(|item| value_at(item, path)).collect()),
        _ if path.is_empty() => value.clone(),
        Value::Object(members) => {
            let (field, rest) = path.split_once('.').unwrap_or((path, ""));
            members.get(field).map_or(Value::Null, |value| value_at(value, rest))
        }
        _ => Value::Null,
    }
}

/// The objects and interfaces of the schema: their fields with the names of their types.
struct Shape {
    objects: HashMap<String, Vec<(String, String)>>,
    /// The types behind an interface.
    behind: HashMap<String, Vec<String>>,
}

static SHAPE: LazyLock<Shape> = LazyLock::new(|| Shape::of(&crate::sdl()));

impl Shape {
    fn of(sdl: &str) -> Self {
        let mut shape = Self { objects: HashMap::new(), behind: HashMap::new() };
        let document = async_graphql::parser::parse_schema(sdl);
        for definition in document.into_iter().flat_map(|document| document.definitions) {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    for interface in object.implements {
                        shape.behind.entry(interface.node.to_string()).or_default().push(name.clone());
                    }
                    shape.objects.insert(name, fields(&object.fields));
                }
                TypeKind::Interface(interface) => drop(shape.objects.insert(name, fields(&interface.fields))),
                _ => {}
            }
        }
        shape
    }

    /// The types that have a field: the type itself, else those behind it; and the field's type.
    fn owners(&self, of: &str, field: &str) -> Option<(Vec<String>, String)> {
        let type_in =
            |owner: &str| self.objects.get(owner)?.iter().find(|(name, _)| name == field).map(|(_, of)| of.clone());
        if let Some(found) = type_in(of) {
            return Some((vec![of.to_owned()], found));
        }
        let owners: Vec<String> =
            self.behind.get(of)?.iter().filter(|owner| type_in(owner.as_str()).is_some()).cloned().collect();
        let found = type_in(owners.first()?)?;
        Some((owners, found))
    }

    /// All fields that a path may name below a type.
    fn all(&self, of: &str) -> Vec<String> {
        let behind = self.behind.get(of).into_iter().flatten().map(String::as_str);
        let mut names: Vec<String> = Vec::new();
        for (field, _) in std::iter::once(of).chain(behind).filter_map(|owner| self.objects.get(owner)).flatten() {
            if !names.contains(field) {
                names.push(field.clone());
            }
        }
        names
    }
}

fn fields(fields: &[Positioned<FieldDefinition>]) -> Vec<(String, String)> {
    fields.iter().map(|field| (field.node.name.node.to_string(), base(&field.node.ty.node).to_string())).collect()
}

fn base(of: &Type) -> &Name {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => base(of),
    }
}

/// Fields inside fields, each once.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    /// Adds a path below a type; none if there is no such path.
    fn add(&mut self, of: &str, path: &str) -> Option<()> {
        let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
        let (_, below) = SHAPE.owners(of, field)?;
        let tree = self.0.entry(field.to_owned()).or_default();
        match (rest, SHAPE.objects.contains_key(&below)) {
            (Some(rest), true) => tree.add(&below, rest),
            (Some(_), false) => None,
            (None, is_object) => {
                for field in if is_object { SHAPE.all(&below) } else { Vec::new() } {
                    tree.add(&below, &field)?;
                }
                Some(())
            }
        }
    }

    fn print(&self, of: &str, out: &mut String) {
        if self.0.is_empty() {
            return;
        }
        out.push_str(" {");
        for (field, below) in &self.0 {
            let Some((owners, found)) = SHAPE.owners(of, field) else { continue };
            for owner in owners {
                let inside = owner != of;
                if inside {
                    out.extend([" ... on ", &owner, " {"]);
                }
                out.extend([" ", field.as_str()]);
                below.print(&found, out);
                if inside {
                    out.push_str(" }");
                }
            }
        }
        out.push_str(" }");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(names: &[&str]) -> Result<String, String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Columns::parse(Some(names)).map(|columns| columns.selection).map_err(ApiError::into_message)
    }

    #[test]
    fn paths_become_a_selection() {
        let found = selection(&["occurredAt", "actor.displayName", "actor.name", "targets.modifiedProperties.name"]);
        let expected =
            " { actor { ... on UserActor { displayName } name } occurredAt targets { modifiedProperties { name } } }";
        assert_eq!(found.unwrap(), expected);
        let whole = selection(&["recording", "recording.route"]).unwrap();
        assert_eq!(whole, " { recording { clientId recordedBy route source sourceTenantId } }");
        assert!(Columns::parse(None).unwrap().selection().contains("modifiedProperties"));
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        for path in ["", ".", "nothing", "actor.", "actor..name", "occurredAt.year", "id name", "__typename"] {
            assert!(selection(&[path]).unwrap_err().contains("there is no `"), "{path}");
        }
        assert_eq!(selection(&["id", "id"]).unwrap_err(), "`columns` must not name `id` twice");
        assert_eq!(selection(&[]).unwrap_err(), "`columns` must name at least one column");
    }
}
