//! Scalars: times, log positions, and JSON that is passed through unchanged.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use model::{self, Timestamp};

/// A point in time, with an offset in input. Responses contain UTC (`Z`) with six fraction digits; input may have more,
/// which are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// A point in time, with an offset in input. Responses contain UTC (`Z`) with six fraction digits; input may have more,
/// which are cut off.
#[Scalar(specified_by_url = "https://scalars.graphql.org/chillicream/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let rule = "must be a time in RFC 3339 format, with an offset, such as `2026-01-31T12:00:00Z`";
        match &value {
            Value::String(string) => Timestamp::parse(string).map(Self).ok_or_else(|| InputValueError::custom(rule)),
            _ => Err(InputValueError::custom(rule)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON value, passed through as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonScalar(pub model::Json);

/// Any JSON value, passed through as it was recorded.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for JsonScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = serde_json::to_string(&value).unwrap_or_default();
        model::Json::parse(&text).map(Self).ok_or_else(|| InputValueError::custom("is not a JSON value"))
    }

    /// The JSON text, which the response serializer copies unchanged.
    fn to_value(&self) -> Value {
        Value::Binary(self.0.text().to_owned().into())
    }
}

/// The position of an event in its tenant's log: 1, 2, 3, ... without gaps, in commit order. A JSON number below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence(pub i64);

/// The position of an event in its tenant's log: 1, 2, 3, ... without gaps, in commit order. A JSON number below 2^53.
#[Scalar(specified_by_url = "https://scalars.graphql.org/chillicream/long.html")]
impl ScalarType for Sequence {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().filter(|number| (0..1 << 53).contains(number)).map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::custom("must be a whole number from 0 to 2^53 - 1"))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// A number of events: an exact JSON number from 0 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub i64);

/// A number of events: an exact JSON number from 0 to 2^53 - 1.
#[Scalar(specified_by_url = "https://scalars.graphql.org/chillicream/long.html")]
impl ScalarType for Count {
    fn parse(value: Value) -> InputValueResult<Self> {
        Sequence::parse(value).map(|Sequence(count)| Self(count)).map_err(InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
