//! Objects of a stored body, each defined once and generated in two forms.
//!
//! [`stored_object!`] converts a table of fields into an owned struct, which the code changes and inspects, and a
//! borrowed *view* of the same JSON, from which responses are written without copying strings. Both have the same
//! field names, so macros such as those in [`super::party`] and [`super::redaction`] state a rule once for both.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::{Json, Timestamp};

/// A type of a field of a stored object, together with its borrowed form.
pub trait StoredType {
    /// The form that borrows from the stored JSON.
    type View<'a>;
}

impl StoredType for String {
    type View<'a> = JsonStr<'a>;
}

/// A timestamp is stored as the API writes it, so its view is copied without being parsed.
impl StoredType for Timestamp {
    type View<'a> = JsonStr<'a>;
}

impl StoredType for Json {
    type View<'a> = RawJson<'a>;
}

/// A value that is written into a response as JSON.
pub trait WriteJson {
    /// Appends the value as JSON.
    fn write_json(&self, out: &mut Vec<u8>);
}

impl<T: WriteJson> WriteJson for Option<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write_json(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl WriteJson for bool {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

/// A string, borrowed from the stored JSON unless it contains escapes, which is rare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonStr<'a>(Cow<'a, str>);

impl Deref for JsonStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl WriteJson for JsonStr<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Cow::Borrowed(unescaped) => {
                out.push(b'"');
                out.extend_from_slice(unescaped.as_bytes());
                out.push(b'"');
            }
            // Serialising a string into a vector does not fail.
            Cow::Owned(string) => drop(serde_json::to_writer(out, string)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JsonStrVisitor;

        impl<'de> de::Visitor<'de> for JsonStrVisitor {
            type Value = JsonStr<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string")
            }

            // serde_json lends a string only if it contains no escapes.
            fn visit_borrowed_str<E>(self, string: &'de str) -> Result<JsonStr<'de>, E> {
                Ok(JsonStr(Cow::Borrowed(string)))
            }

            fn visit_str<E>(self, string: &str) -> Result<JsonStr<'de>, E> {
                Ok(JsonStr(Cow::Owned(string.to_owned())))
            }
        }

        deserializer.deserialize_str(JsonStrVisitor)
    }
}

/// Any JSON value, borrowed from the stored JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawJson<'a>(&'a str);

impl<'a> RawJson<'a> {
    /// Wraps a JSON text. The caller guarantees that it is one valid, compact JSON value.
    pub const fn stored(text: &'a str) -> Self {
        Self(text)
    }

    /// The JSON text of the value.
    pub const fn text(&self) -> &'a str {
        self.0
    }
}

impl WriteJson for RawJson<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawJson<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|value| Self(value.get()))
    }
}

/// Deserialises an optional JSON value. A member that is present is a value, also if it is `null`, which serde would
/// otherwise treat as absent.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Defines an object of a stored body: the owned struct and its borrowed view.
///
/// The JSON name of a field is its Rust name in camel case, or that of a `#[serde(rename = "...")]`. The order of the
/// fields is the order in which they are stored. The word before a field's type is one of:
///
/// * `required`: always stored.
/// * `optional`: an `Option`, not stored if `None`.
/// * `json`: an `Option` of a JSON value, where `null` is a value.
/// * `list`: a `Vec`, not stored if empty.
/// * `flag`: a `bool`, not stored if false.
/// * `unstored`: an `Option` that is never stored, but set when the object is read.
macro_rules! stored_object {
    (
        $(#[$meta:meta])*
        $owned:ident / $view:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident:
                    $(required $required:ident)?
                    $(optional $optional:ident)?
                    $(json $json:ident)?
                    $(list $list:ident)?
                    $(flag $flag:ident)?
                    $(unstored $unstored:ident)?
            ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $owned {
            $(
                $(#[$field_meta])*
                $( pub $field: $required, )?
                $( #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$optional>, )?
                $(
                    #[serde(
                        default,
                        deserialize_with = "crate::stored::present",
                        skip_serializing_if = "Option::is_none"
                    )]
                    pub $field: Option<$json>,
                )?
                $( #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $field: Vec<$list>, )?
                $( #[serde(default, skip_serializing_if = "std::ops::Not::not")] pub $field: $flag, )?
                $( #[serde(skip)] pub $field: Option<$unstored>, )?
            )+
        }

        #[doc = concat!("The borrowed view of a stored [`", stringify!($owned), "`].")]
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $view<'a> {
            $(
                $(#[$field_meta])*
                $( #[serde(borrow)] pub $field: <$required as crate::stored::StoredType>::View<'a>, )?
                $( #[serde(default, borrow)] pub $field: Option<<$optional as crate::stored::StoredType>::View<'a>>, )?
                $(
                    #[serde(default, borrow, deserialize_with = "crate::stored::present")]
                    pub $field: Option<<$json as crate::stored::StoredType>::View<'a>>,
                )?
                $( #[serde(default, borrow)] pub $field: Vec<<$list as crate::stored::StoredType>::View<'a>>, )?
                $( #[serde(default)] pub $field: $flag, )?
                $( #[serde(skip)] pub $field: Option<$unstored>, )?
            )+
        }

        impl crate::stored::StoredType for $owned {
            type View<'a> = $view<'a>;
        }
    };
}
pub(crate) use stored_object;
