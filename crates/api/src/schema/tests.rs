//! Compares the GraphQL types of an event with the table of its fields in `crates/model/src/fields.rs`.
//!
//! A field that was added to the table and forgotten in the API fails one of these tests by name.

use std::collections::{BTreeSet, HashMap};

use async_graphql::Name;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, TypeKind, TypeSystemDefinition};
use model::{EVENT_FIELDS, EventField};

use crate::output::selection::SelectionPath;
use crate::output::write::event_field;

/// The fields of `AuditEvent` that are not part of the recorded body.
const DERIVED: [&str; 6] = ["id", "recordedAt", "sequence", "activityType", "isRedacted", "raw"];

/// The names of the fields of an object or input type of the schema.
fn fields_of(type_name: &str) -> BTreeSet<String> {
    let definitions = parse_schema(crate::sdl()).unwrap().definitions;
    let fields = definitions.into_iter().find_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) if definition.node.name.node == type_name => Some(definition.node.kind),
        _ => None,
    });
    let name = |name: &Name| name.to_string();
    match fields.unwrap() {
        TypeKind::Object(object) => {
            let name_of = |field: &FieldDefinition| name(&field.name.node);
            object.fields.iter().map(|field| name_of(&field.node)).collect()
        }
        TypeKind::InputObject(input) => input.fields.iter().map(|field| name(&field.node.name.node)).collect(),
        _ => BTreeSet::new(),
    }
}

fn api_names(select: impl Fn(&EventField) -> bool) -> BTreeSet<String> {
    EVENT_FIELDS.iter().filter(|field| select(field)).map(|field| field.api_name.to_owned()).collect()
}

#[test]
fn every_event_field_is_in_audit_event() {
    let expected: BTreeSet<String> =
        api_names(|field| !field.is_flag).into_iter().chain(DERIVED.map(ToOwned::to_owned)).collect();
    assert_eq!(
        fields_of("AuditEvent"),
        expected,
        "left: `AuditEvent` in crates/api/src/schema/event.rs; right: crates/model/src/fields.rs"
    );
}

#[test]
fn every_input_field_is_in_audit_event_input() {
    let expected = api_names(|field| field.is_input);
    assert_eq!(
        fields_of("AuditEventInput"),
        expected,
        "left: crates/api/src/schema/record.rs; right: crates/model/src/fields.rs"
    );
}

#[test]
fn every_key_field_has_a_filter() {
    let filters = fields_of("AuditEventFilter");
    // `activity` also finds the display name, as an alias of the catalogue.
    let keys = api_names(|field| field.is_key && field.name != "activity_display_name");
    let missing: Vec<_> = keys.difference(&filters).collect();
    assert!(missing.is_empty(), "no filter in `AuditEventFilter` (crates/api/src/schema/filter.rs) for {missing:?}");
}

#[test]
fn every_field_of_audit_event_has_a_writer() {
    let fragments = HashMap::new();
    let writes = |field: &str| event_field(field, &SelectionPath::empty(&fragments)).is_some();
    // `activityType` needs a query of its own, so lists that select it are resolved by async-graphql.
    let missing: Vec<_> =
        fields_of("AuditEvent").into_iter().filter(|field| field != "activityType" && !writes(field)).collect();
    assert!(
        missing.is_empty(),
        "no writer in crates/api/src/output/write.rs or crates/model/src/fields.rs for {missing:?}"
    );
}

#[test]
fn every_enum_states_whether_it_may_grow_and_every_scalar_has_a_specification() {
    for definition in parse_schema(crate::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = &definition.node.name.node;
        let description = definition.node.description.as_ref().map_or("", |text| text.node.as_str()).replace('\n', " ");
        match definition.node.kind {
            TypeKind::Enum(_) => {
                let states = ["Values may be added", "The values are complete"];
                assert!(states.iter().any(|state| description.contains(state)), "{name}: {description}");
            }
            TypeKind::Interface(_) => assert!(description.contains("may be added"), "{name}: {description}"),
            TypeKind::Scalar => {
                let mut directives = definition.node.directives.iter();
                assert!(directives.any(|directive| directive.node.name.node == "specifiedBy"), "{name}");
            }
            _ => {}
        }
    }
}

#[test]
fn root_fields_that_can_fail_and_arguments_with_defaults_are_nullable() {
    for definition in parse_schema(crate::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let type_name = definition.node.name.node.to_string();
        let check = |owner: &str, input: &async_graphql::parser::types::InputValueDefinition| {
            assert!(input.ty.node.nullable || input.default_value.is_none(), "{owner}.{}", input.name.node);
        };
        match definition.node.kind {
            TypeKind::Object(object) => {
                for field in object.fields {
                    let name = &field.node.name.node;
                    if type_name == "Query" || type_name == "Mutation" {
                        assert!(field.node.ty.node.nullable || name == "viewer", "{name}");
                    }
                    field.node.arguments.iter().for_each(|argument| check(name, &argument.node));
                }
            }
            TypeKind::InputObject(input) => input.fields.iter().for_each(|field| check(&type_name, &field.node)),
            _ => {}
        }
    }
}
