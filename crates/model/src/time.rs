//! Timestamps: microseconds since 1970 in UTC, in both databases and in every cursor.
//!
//! Digits beyond the microsecond are truncated, never rounded, so that no time moves into the next period.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// A point in time, in microseconds since 1970-01-01T00:00:00Z. Its string form is RFC 3339 in UTC with six fraction
/// digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Parses RFC 3339 with an offset. Digits beyond the microsecond are truncated.
    pub fn parse(string: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(string).ok().map(|time| Self(time.timestamp_micros()))
    }

    /// The time `micros` microseconds later, or earlier if `micros` is negative.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Outside the range of the calendar, which no parsed time is, the nearest time in it is written.
        let nearest = if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        let time = DateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or(nearest);
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let string = String::deserialize(deserializer)?;
        Self::parse(&string).ok_or_else(|| de::Error::custom("not a time in RFC 3339 format"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_truncated_to_microseconds() {
        let time = Timestamp::parse("2026-07-17T13:48:10.9301259+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-07-17T11:48:10.930125Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(Timestamp::parse("2026-07-17T13:48:10"), None);
    }
}
