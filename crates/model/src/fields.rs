//! The fields of an event: the one table from which its Rust types are generated.
//!
//! `docs/development/adding-a-field.md` describes how to add a line. From this table come:
//!
//! * [`EventBody`], the event as it is stored, and [`BodyView`], its borrowed view;
//! * [`BodyView::scalar_writer`], which writes the scalar fields of a response;
//! * [`EventInput`], an event as an application records it: its length limits, its JSON reader and its conversion to
//!   a body (the rules that concern more than one field are in [`super::input`]);
//! * [`EVENT_FIELDS`], against which tests compare the GraphQL schema (`crates/api/src/schema/tests.rs`).

use std::convert::identity;

use super::fold::{fold, fold_activity};
use super::input::{CORRELATION_ID_BYTES_MAX, CatalogueDefaults, NAME_BYTES_MAX, Problems, STRING_BYTES_MAX};
use super::json::JsonNode;
use super::json_input::{InputReader, InputValue};
use super::stored::{WriteJson as _, stored_object};
use super::{Actor, Detail, GroupSource, Json, OperationType, Recording, ResourceType, Status, Target, Timestamp};

/// A field of an event, as the table describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventField {
    /// The name of the field in Rust.
    pub name: &'static str,
    /// The name of the field in the API.
    pub api_name: &'static str,
    /// Whether the field only controls what is withheld and is itself not part of the API.
    pub is_flag: bool,
    /// Whether an application can give the field when it records an event.
    pub is_input: bool,
    /// Whether the field is stored in an index of the database, so that filters can use it.
    pub is_key: bool,
}

/// The API name of a field whose line has an input type.
macro_rules! input_name {
    ($api_name:literal $input:ty) => {
        $api_name
    };
}

/// The function that writes a field, by the word after `output`.
macro_rules! output_writer {
    (scalar $field:ident) => {
        |body, out| body.$field.write_json(out)
    };
}

/// Generates the types from the table. A line is
///
/// ```text
/// rust_name "apiName": KIND Type, output scalar, input Type, default Type, max BYTES, key FOLD;
/// ```
///
/// where `KIND` is one of the words of [`stored_object!`] and everything after `Type` is optional:
///
/// * `output scalar`: responses contain the stored value as it is. Without it, `crates/api/src/output/write.rs`
///   writes the field.
/// * `input Type`: an application gives this value when it records an event.
/// * `default Type`: an application may give this value; otherwise [`CatalogueDefaults`] has it.
/// * `max BYTES`: the length limit of a string that an application gives.
/// * `key FOLD`: the string, folded by this function, is stored in an index of the database.
macro_rules! event_fields {
    ($(
        $(#[$doc:meta])*
        $field:ident $api_name:literal: $kind:ident $type:ident
            $(, output $output:ident)?
            $(, input $input:ty)?
            $(, default $default:ty)?
            $(, max $bytes_max:expr)?
            $(, key $fold:ident)?;
    )+) => {
        /// The fields of an event, in the order in which they are stored.
        pub const EVENT_FIELDS: &[EventField] = &[$(
            EventField {
                name: stringify!($field),
                api_name: $api_name,
                is_flag: matches!(stringify!($kind).as_bytes(), b"flag"),
                is_input: matches!(concat!($(stringify!($input),)? $(stringify!($default))?).as_bytes(), [_, ..]),
                is_key: matches!(concat!($(stringify!($fold))?).as_bytes(), [_, ..]),
            }
        ),+];

        stored_object! {
            /// Everything that is recorded of one activity, as it is stored.
            EventBody / BodyView { $( $(#[$doc])* $field: $kind $type ),+ }
        }

        impl EventBody {
            /// Calls `check` with the API name of each string that is stored in an index, the string (empty if absent),
            /// the function that folds it and whether the string is required.
            pub(super) fn for_each_key(&self, mut check: impl FnMut(&'static str, &str, fn(&str) -> String, bool)) {
                $( $(
                    let key = Option::<&String>::from(&self.$field).map_or("", String::as_str);
                    check($api_name, key, $fold, matches!(stringify!($kind).as_bytes(), b"required"));
                )? )+
            }
        }

        impl BodyView<'_> {
            /// Returns the function that appends a scalar field as JSON, or `None` if the API has no scalar field of
            /// this name.
            pub fn scalar_writer(api_name: &str) -> Option<fn(&BodyView<'_>, &mut Vec<u8>)> {
                match api_name {
                    $( $( $api_name => Some(output_writer!($output $field)), )? )+
                    _ => None,
                }
            }
        }

        /// An event as an application records it, before the catalogue's defaults are filled in.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "the fields are those of `EventBody`")]
        pub struct EventInput {
            $( $( pub $field: $input, )? $( pub $field: Option<$default>, )? )+
            /// What the record contained beyond the fields above.
            pub unmapped: Option<Json>,
        }

        /// The API names of the fields that an application can give.
        pub(super) const INPUT_NAMES: &[&str] =
            &[$( $( input_name!($api_name $input), )? $( input_name!($api_name $default), )? )+];

        impl EventInput {
            /// Reads the fields from a JSON object. Returns `None` if a value that has no empty form is missing or
            /// not valid.
            pub(super) fn read(reader: &mut InputReader, event: &JsonNode) -> Option<Self> {
                // All fields are read before the first `?`, so that all problems are reported.
                $(
                    $( let $field: Option<$input> = InputValue::read(reader, event, $api_name); )?
                    $( let $field: Option<Option<$default>> = InputValue::read(reader, event, $api_name); )?
                )+
                Some(Self {
                    $(
                        $( $field: identity::<Option<$input>>($field)?, )?
                        $( $field: identity::<Option<Option<$default>>>($field)?, )?
                    )+
                    unmapped: None,
                })
            }

            /// Reports the strings that are too long or contain NUL.
            pub(super) fn check_strings(&self, problems: &mut Problems) {
                $( $( problems.string($api_name, (&self.$field).into(), $bytes_max); )? )+
            }

            /// Converts the input to a body.
            pub(super) fn with_defaults(self, defaults: CatalogueDefaults, recording: Recording) -> EventBody {
                EventBody {
                    $(
                        $( $field: identity::<$input>(self.$field), )?
                        $( $field: Option::<$default>::unwrap_or(self.$field, defaults.$field), )?
                    )+
                    status_reason_is_sensitive: false,
                    unmapped: self.unmapped,
                    unmapped_is_sensitive: false,
                    recording,
                }
            }
        }
    };
}

event_fields! {
    /// The key under which the event is recorded, unique within its service.
    event_key "eventKey": required String, output scalar, input String, max NAME_BYTES_MAX, key fold;
    /// When the activity happened.
    occurred_at "occurredAt": required Timestamp, output scalar, input Timestamp;
    /// The key of the activity, as written by the service.
    activity "activity": required String, output scalar, input String, max NAME_BYTES_MAX, key fold_activity;
    /// The display name of the activity.
    activity_display_name "activityDisplayName": required String, output scalar, default String, max NAME_BYTES_MAX, key fold;
    /// The key of the category, as written by the service.
    category "category": required String, output scalar, input String, max NAME_BYTES_MAX, key fold;
    /// The service that logged the event.
    service "service": required String, output scalar, input String, max NAME_BYTES_MAX, key fold;
    /// The part of the service that logged the event.
    component "component": optional String, output scalar, input Option<String>, max NAME_BYTES_MAX, key fold;
    /// The kind of operation.
    operation_type "operationType": required OperationType, output scalar, default OperationType;
    /// The type of resource that the activity acted on.
    resource_type "resourceType": required ResourceType, output scalar, default ResourceType;
    /// The source of the group, for activities on groups.
    group_source "groupSource": optional GroupSource, output scalar, input Option<GroupSource>;
    /// The outcome of the activity.
    status "status": required Status, output scalar, input Status;
    /// The reason for the outcome.
    status_reason "statusReason": optional String, output scalar, input Option<String>, max STRING_BYTES_MAX;
    /// Whether `status_reason` is shown only to callers who may see sensitive values.
    status_reason_is_sensitive "statusReasonIsSensitive": flag bool;
    /// An id shared by the events of one request.
    correlation_id "correlationId": optional String, output scalar, input Option<String>, max CORRELATION_ID_BYTES_MAX, key fold;
    /// The initiator of the activity.
    actor "actor": required Actor, input Actor;
    /// The objects that the activity acted on.
    targets "targets": list Target, input Vec<Target>;
    /// Further details, in the order recorded.
    additional_details "additionalDetails": list Detail, input Vec<Detail>;
    /// The parts of an imported record that have no field of their own, at their original positions.
    unmapped "unmapped": json Json, output scalar;
    /// Whether `unmapped` contains a sensitive value.
    unmapped_is_sensitive "unmappedIsSensitive": flag bool;
    /// How the event was recorded, and by which client.
    recording "recording": required Recording;
}

#[cfg(test)]
mod tests {
    use super::super::{ActorKind, EventView, ModifiedProperty, PropertyChange, RecordingRoute};
    use super::*;

    /// A body with a value in every field. The exhaustive literal fails to compile if a field is missing.
    fn complete() -> EventBody {
        let string = |value: &str| Some(value.to_owned());
        let change = ModifiedProperty::new("Name", None, Json::parse("[1.0]"));
        assert_eq!(change.change, PropertyChange::Added);
        EventBody {
            event_key: "key".to_owned(),
            occurred_at: Timestamp(0),
            activity: "Update group".to_owned(),
            activity_display_name: "Update a group".to_owned(),
            category: "GroupManagement".to_owned(),
            service: "Core Directory".to_owned(),
            component: string("Core"),
            operation_type: OperationType::Update,
            resource_type: ResourceType::Group,
            group_source: Some(GroupSource::AzureAd),
            status: Status::Success,
            status_reason: string("\"quoted\""),
            status_reason_is_sensitive: true,
            correlation_id: string("request-1"),
            actor: Actor { object_id: string("a"), ..Actor::new(ActorKind::User) },
            targets: vec![Target { kind: string("Group"), modified_properties: vec![change], ..Target::default() }],
            additional_details: vec![Detail { is_sensitive: true, ..Detail::new("k", string("v")) }],
            unmapped: Json::parse("null"),
            unmapped_is_sensitive: true,
            recording: Recording {
                route: RecordingRoute::Rest,
                recorded_by: "app".to_owned(),
                issuer: None,
                client_id: None,
                source: None,
                source_tenant_id: None,
            },
        }
    }

    /// The bytes of stored bodies are permanent: a renamed or moved field would change them.
    #[test]
    fn stored_bytes_do_not_change() {
        let stored = serde_json::to_string(&complete()).unwrap();
        let expected = concat!(
            r#"{"eventKey":"key","occurredAt":"1970-01-01T00:00:00.000000Z","activity":"Update group","#,
            r#""activityDisplayName":"Update a group","category":"GroupManagement","service":"Core Directory","#,
            r#""component":"Core","operationType":"UPDATE","resourceType":"GROUP","groupSource":"AZURE_AD","#,
            r#""status":"SUCCESS","statusReason":"\"quoted\"","statusReasonIsSensitive":true,"#,
            r#""correlationId":"request-1","actor":{"kind":"USER","objectId":"a"},"#,
            r#""targets":[{"type":"Group","modifiedProperties":[{"name":"Name","change":"ADDED","newValue":[1.0]}]}],"#,
            r#""additionalDetails":[{"key":"k","value":"v","isSensitive":true}],"unmapped":null,"#,
            r#""unmappedIsSensitive":true,"recording":{"route":"REST","recordedBy":"app"}}"#,
        );
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_str::<EventBody>(&stored).unwrap(), complete());
    }

    #[test]
    fn scalar_writers_write_the_stored_values() {
        let stored = serde_json::to_value(complete()).unwrap();
        let text = stored.to_string();
        let view = EventView::read(1, Timestamp(0), &text).unwrap();
        let mut objects = Vec::new();
        for field in EVENT_FIELDS {
            let Some(write) = BodyView::scalar_writer(field.api_name) else {
                objects.push(field.name);
                continue;
            };
            let mut out = Vec::new();
            write(&view.body, &mut out);
            let name = if field.name == "resource_type" { "resourceType" } else { field.api_name };
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), stored[name], "{name}");
        }
        objects.retain(|name| !name.ends_with("_is_sensitive"));
        assert_eq!(objects, ["actor", "targets", "additional_details", "recording"], "fields without `output scalar`");
    }
}
