//! Columns of an export: dotted paths of fields of `AuditEvent`, such as `actor.displayName`.
//!
//! They are converted to the selection of a query, so that an export shows what a query would. The valid paths come
//! from the schema. A path that ends at an object selects all its fields, except JSON as text. Below an interface, the
//! fields of every implementing type can be named; they are null for objects of other types. One column is not a path:
//! [`CURSOR`].

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use async_graphql::Value;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Name, Positioned};

use crate::error::ApiError;
use model::Invalid;

/// The most columns of an export.
const COLUMNS_MAX: usize = 100;
/// The column of the cursor of an event, which `after` accepts.
pub const CURSOR: &str = "cursor";
/// Fields that are not among the default columns: the catalogue entry, and the stored body, which repeats the others.
const NOT_BY_DEFAULT: [&str; 2] = ["activityType", "raw"];
/// Fields that repeat another field in another form. A path that ends at an object does not select them.
const REPEATED: [&str; 3] = ["valueText", "oldValueText", "newValueText"];

/// The columns of an export, in the requested order.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
    selection: String,
}

impl Columns {
    /// Parses paths. Without paths, the columns are all fields of events.
    ///
    /// # Errors
    ///
    /// Fails if there are no paths, too many, a repeated one, or one that is not in the schema.
    pub fn parse(names: Option<Vec<String>>) -> Result<Self, ApiError> {
        let names = names.unwrap_or_else(|| {
            let fields = SCHEMA_TYPES.fields.get("AuditEvent").into_iter().flatten().map(|(field, _)| field.clone());
            fields.filter(|field| !NOT_BY_DEFAULT.contains(&field.as_str())).collect()
        });
        if names.is_empty() {
            return Err(Invalid::new("`columns` must name at least one column").into());
        }
        if names.len() > COLUMNS_MAX {
            return Err(ApiError::Limit { what: "columns", asked: names.len(), limit: COLUMNS_MAX });
        }
        let mut tree = SelectedFields::default();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(Invalid::new(format!("`columns` must not name `{name}` twice")).into());
            }
            // A selection must not be empty, so the cursor selects the id.
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

    /// Whether the cursor is among the columns.
    pub fn has_cursor(&self) -> bool {
        self.names.iter().any(|name| name == CURSOR)
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The selection set of an event with these columns: `{ ... }`.
    pub fn selection(&self) -> &str {
        &self.selection
    }
}

/// The value at a dotted path of a selected event. Below a list, a list of the values of its elements.
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

/// The objects and interfaces of the schema.
struct SchemaTypes {
    /// The fields of each type, with the names of their types.
    fields: HashMap<String, Vec<(String, String)>>,
    /// The types that implement an interface.
    implementations: HashMap<String, Vec<String>>,
}

static SCHEMA_TYPES: LazyLock<SchemaTypes> = LazyLock::new(|| SchemaTypes::of(&crate::sdl()));

impl SchemaTypes {
    fn of(sdl: &str) -> Self {
        let mut types = Self { fields: HashMap::new(), implementations: HashMap::new() };
        let document = async_graphql::parser::parse_schema(sdl);
        for definition in document.into_iter().flat_map(|document| document.definitions) {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    for interface in object.implements {
                        types.implementations.entry(interface.node.to_string()).or_default().push(name.clone());
                    }
                    types.fields.insert(name, fields(&object.fields));
                }
                TypeKind::Interface(interface) => drop(types.fields.insert(name, fields(&interface.fields))),
                _ => {}
            }
        }
        types
    }

    /// The types that have a field (the type itself, else its implementations), and the type of the field.
    fn owners(&self, of: &str, field: &str) -> Option<(Vec<String>, String)> {
        let type_in =
            |owner: &str| self.fields.get(owner)?.iter().find(|(name, _)| name == field).map(|(_, of)| of.clone());
        if let Some(found) = type_in(of) {
            return Some((vec![of.to_owned()], found));
        }
        let owners: Vec<String> =
            self.implementations.get(of)?.iter().filter(|owner| type_in(owner.as_str()).is_some()).cloned().collect();
        let found = type_in(owners.first()?)?;
        Some((owners, found))
    }

    /// All fields that a path can name below a type.
    fn all(&self, of: &str) -> Vec<String> {
        let implementations = self.implementations.get(of).into_iter().flatten().map(String::as_str);
        let mut names: Vec<String> = Vec::new();
        for (field, _) in
            std::iter::once(of).chain(implementations).filter_map(|owner| self.fields.get(owner)).flatten()
        {
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

/// A tree of selected fields.
#[derive(Default)]
struct SelectedFields(BTreeMap<String, SelectedFields>);

impl SelectedFields {
    /// Adds a path below a type. Returns `None` if there is no such path.
    fn add(&mut self, of: &str, path: &str) -> Option<()> {
        let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
        let (_, below) = SCHEMA_TYPES.owners(of, field)?;
        let tree = self.0.entry(field.to_owned()).or_default();
        match (rest, SCHEMA_TYPES.fields.contains_key(&below)) {
            (Some(rest), true) => tree.add(&below, rest),
            (Some(_), false) => None,
            (None, is_object) => {
                let all = if is_object { SCHEMA_TYPES.all(&below) } else { Vec::new() };
                for field in all.into_iter().filter(|field| !REPEATED.contains(&field.as_str())) {
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
            let Some((owners, found)) = SCHEMA_TYPES.owners(of, field) else { continue };
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
    fn paths_are_converted_to_a_selection() {
        let found = selection(&["occurredAt", "actor.displayName", "actor.name", "targets.modifiedProperties.name"]);
        let expected =
            " { actor { ... on UserActor { displayName } name } occurredAt targets { modifiedProperties { name } } }";
        assert_eq!(found.unwrap(), expected);
        let whole = selection(&["recording", "recording.route"]).unwrap();
        assert_eq!(whole, " { recording { clientId issuer recordedBy route source sourceTenantId } }");
        assert!(Columns::parse(None).unwrap().selection().contains("modifiedProperties"));
    }

    #[test]
    fn paths_that_do_not_exist_are_rejected() {
        for path in ["", ".", "nothing", "actor.", "actor..name", "occurredAt.year", "id name", "__typename"] {
            assert!(selection(&[path]).unwrap_err().contains("there is no `"), "{path}");
        }
        assert_eq!(selection(&["id", "id"]).unwrap_err(), "`columns` must not name `id` twice");
        assert_eq!(selection(&[]).unwrap_err(), "`columns` must name at least one column");
    }
}
