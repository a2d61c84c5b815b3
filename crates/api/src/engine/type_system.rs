//! The types of the schema, as validation and the conversion of inputs look them up.
//!
//! They are read from the printed schema, which has everything that clients see, and from the definitions of the
//! introspection types, which the printed schema omits.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, Positioned, Value};

/// The introspection types of the GraphQL specification.
const INTROSPECTION: &str = include_str!("introspection.graphql");

/// The fields for introspection, which every query type has, and the arguments of the directives of documents.
const META: &str = "type Meta {
    __typename: String! __schema: __Schema! __type(name: String!): __Type
    skip(if: Boolean!): String include(if: Boolean!): String
}";

/// The types of the schema.
pub(super) static TYPES: LazyLock<TypeSystem> = LazyLock::new(|| TypeSystem::read(&crate::sdl()));

/// An argument of a field or a member of an input object.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) ty: Type,
    pub(super) default: Option<Value>,
}

impl Input {
    /// Whether a value must be given.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && self.default.is_none()
    }
}

/// Inputs by name, in the order of the schema.
pub(super) type Inputs = Vec<(Name, Input)>;

/// Finds an input by its name.
pub(super) fn input<'a>(inputs: &'a Inputs, name: &str) -> Option<&'a Input> {
    inputs.iter().find(|(found, _)| found == name).map(|(_, input)| input)
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct OutputField {
    pub(super) ty: Type,
    pub(super) arguments: Inputs,
}

/// A definition of a type.
#[derive(Debug)]
pub(super) enum Definition {
    /// A scalar; built-in ones as well.
    Scalar,
    /// An enum with its values.
    Enum(Vec<Name>),
    /// An object, an interface or a union, which has no fields. The names are those of the objects that a value of the
    /// type can be.
    Composite { fields: HashMap<Name, OutputField>, possible: HashSet<Name>, is_object: bool },
    /// An input object.
    Input { members: Inputs, is_one_of: bool },
}

/// The types of a schema.
#[derive(Debug, Default)]
pub(super) struct TypeSystem {
    types: HashMap<Name, Definition>,
    meta: HashMap<Name, OutputField>,
    roots: HashMap<&'static str, Name>,
}

/// The name of a type without its lists.
pub(super) fn base_name(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(element) => base_name(element),
    }
}

impl TypeSystem {
    fn read(sdl: &str) -> Self {
        let mut system = Self::default();
        for scalar in ["Int", "Float", "String", "Boolean", "ID"] {
            system.types.insert(Name::new(scalar), Definition::Scalar);
        }
        let mut implementations: Vec<(Name, Name)> = Vec::new();
        for text in [sdl, INTROSPECTION, META] {
            // A test fails if a schema cannot be parsed.
            let definitions = async_graphql::parser::parse_schema(text).map(|schema| schema.definitions);
            for definition in definitions.into_iter().flatten() {
                match definition {
                    TypeSystemDefinition::Type(definition) => system.add(definition.node, &mut implementations),
                    TypeSystemDefinition::Schema(schema) => {
                        let schema = schema.node;
                        let roots = [
                            ("query", schema.query),
                            ("mutation", schema.mutation),
                            ("subscription", schema.subscription),
                        ];
                        let named = roots.into_iter().filter_map(|(kind, name)| Some((kind, name?.node)));
                        system.roots.extend(named);
                    }
                    TypeSystemDefinition::Directive(_) => {}
                }
            }
        }
        for (interface, object) in implementations {
            if let Some(Definition::Composite { possible, .. }) = system.types.get_mut(&interface) {
                possible.insert(object);
            }
        }
        system
    }

    fn add(&mut self, definition: TypeDefinition, implementations: &mut Vec<(Name, Name)>) {
        let name = definition.name.node;
        let read = match definition.kind {
            TypeKind::Object(object) if name == "Meta" => {
                self.meta = fields(object.fields);
                return;
            }
            TypeKind::Scalar => Definition::Scalar,
            TypeKind::Enum(values) => {
                Definition::Enum(values.values.into_iter().map(|value| value.node.value.node).collect())
            }
            TypeKind::Object(object) => {
                implementations.extend(object.implements.into_iter().map(|interface| (interface.node, name.clone())));
                let possible = HashSet::from([name.clone()]);
                Definition::Composite { fields: fields(object.fields), possible, is_object: true }
            }
            TypeKind::Interface(interface) => {
                Definition::Composite { fields: fields(interface.fields), possible: HashSet::new(), is_object: false }
            }
            TypeKind::Union(union) => Definition::Composite {
                fields: HashMap::new(),
                possible: union.members.into_iter().map(|member| member.node).collect(),
                is_object: false,
            },
            TypeKind::InputObject(object) => Definition::Input {
                members: inputs(object.fields),
                is_one_of: definition.directives.iter().any(|directive| directive.node.name.node == "oneOf"),
            },
        };
        self.types.insert(name, read);
    }

    /// The definition of a type.
    pub(super) fn get(&self, name: &str) -> Option<&Definition> {
        self.types.get(name)
    }

    /// The type of the fields of an operation, or `None` if the schema has no operations of the kind.
    pub(super) fn root(&self, kind: OperationType) -> Option<&Name> {
        self.roots.get(match kind {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        })
    }

    /// The arguments of a directive that documents may use.
    pub(super) fn directive(&self, name: &str) -> Option<&Inputs> {
        if name.starts_with("__") { None } else { self.meta.get(name).map(|directive| &directive.arguments) }
    }

    /// The field of an object, an interface or a union, introspection included.
    pub(super) fn field(&self, parent: &str, name: &str) -> Option<&OutputField> {
        let Some(Definition::Composite { fields, .. }) = self.types.get(parent) else { return None };
        match name {
            "__typename" => self.meta.get(name),
            "__schema" | "__type" if self.root(OperationType::Query).is_some_and(|root| root == parent) => {
                self.meta.get(name)
            }
            _ => fields.get(name),
        }
    }

    /// The name of a type with fields, or of a union; `None` if it is neither.
    pub(super) fn composite(&self, name: &str) -> Option<&str> {
        match self.types.get_key_value(name)? {
            (name, Definition::Composite { .. }) => Some(name),
            _ => None,
        }
    }

    /// The objects that a value of a type can be, or `None` if the type has no fields.
    pub(super) fn possible(&self, name: &str) -> Option<&HashSet<Name>> {
        match self.types.get(name)? {
            Definition::Composite { possible, .. } => Some(possible),
            _ => None,
        }
    }

    /// Whether a type is an object.
    pub(super) fn is_object(&self, name: &str) -> bool {
        matches!(self.types.get(name), Some(Definition::Composite { is_object: true, .. }))
    }
}

fn fields(definitions: Vec<Positioned<FieldDefinition>>) -> HashMap<Name, OutputField> {
    let fields = definitions.into_iter().map(|definition| {
        let FieldDefinition { name, arguments, ty, .. } = definition.node;
        (name.node, OutputField { ty: ty.node, arguments: inputs(arguments) })
    });
    fields.collect()
}

fn inputs(definitions: Vec<Positioned<InputValueDefinition>>) -> Inputs {
    let inputs = definitions.into_iter().map(|definition| {
        let InputValueDefinition { name, ty, default_value, .. } = definition.node;
        (name.node, Input { ty: ty.node, default: default_value.map(|default| default.node) })
    });
    inputs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_is_read_completely() {
        let definitions = async_graphql::parser::parse_schema(crate::sdl()).unwrap().definitions;
        let types = definitions.iter().filter(|definition| matches!(definition, TypeSystemDefinition::Type(_))).count();
        let introspection = async_graphql::parser::parse_schema(INTROSPECTION).unwrap().definitions.len();
        assert_eq!(TYPES.types.len(), types + introspection + 5);
        for kind in [OperationType::Query, OperationType::Mutation, OperationType::Subscription] {
            assert!(TYPES.root(kind).is_some_and(|root| TYPES.is_object(root)));
        }
    }

    #[test]
    fn every_type_that_is_used_is_defined() {
        let used = |inputs: &'static Inputs| inputs.iter().map(|(_, input)| &input.ty);
        for definition in TYPES.types.values() {
            let types: Vec<&Type> = match definition {
                Definition::Composite { fields, possible, .. } => {
                    assert!(!possible.is_empty() && possible.iter().all(|object| TYPES.is_object(object)));
                    fields.values().flat_map(|field| used(&field.arguments).chain([&field.ty])).collect()
                }
                Definition::Input { members, .. } => used(members).collect(),
                Definition::Scalar | Definition::Enum(_) => Vec::new(),
            };
            assert!(types.iter().all(|ty| TYPES.get(base_name(ty)).is_some()));
        }
    }

    #[test]
    fn introspection_has_its_fields_at_the_root_of_queries_only() {
        assert!(TYPES.field("Query", "__schema").is_some() && TYPES.field("Viewer", "__schema").is_none());
        assert!(TYPES.field("Node", "__typename").is_some() && TYPES.field("__Type", "ofType").is_some());
        assert!(TYPES.directive("skip").is_some() && TYPES.directive("__typename").is_none());
    }
}
