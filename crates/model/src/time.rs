//! Timestamps: microseconds since 1970 in UTC, in both databases and in every cursor.
//!
//! Digits beyond the microsecond are truncated, never rounded, so that no time moves into the next period.

use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
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
        let calendar = || DateTime::parse_from_rfc3339(string).ok().map(|time| Self(time.timestamp_micros()));
        Self::parse_usual(string.as_bytes()).or_else(calendar)
    }

    /// Parses the usual notation, `2026-07-17T11:48:10.930125Z`. Returns `None` for any other string, which may be a time
    /// as well.
    fn parse_usual(string: &[u8]) -> Option<Self> {
        let (date_and_clock, rest) = string.split_first_chunk::<19>()?;
        let separators = [4, 7, 10, 13, 16].map(|at| date_and_clock[at]);
        if separators != *b"--T::" {
            return None;
        }
        let part = |from: usize, to: usize| number(&date_and_clock[from..to]);
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        let fraction = match rest.strip_suffix(b"Z")? {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                let (micros, further) = digits.split_at(digits.len().min(6));
                number(further)?;
                number(micros)? * 10_i64.pow(u32::try_from(6 - micros.len()).ok()?)
            }
            _ => return None,
        };
        let is_clock = hour < 24 && minute < 60 && second < 60;
        if !is_clock || !(1..=12).contains(&month) || !(1..=28).contains(&day) || year == 0 {
            // The calendar decides about the last days of a month.
            let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
            date.filter(|_| is_clock && year > 0)?;
        }
        let seconds = days_from_date(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds * SECOND + fraction))
    }

    /// The time `micros` microseconds later, or earlier if `micros` is negative.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// Parses a number of decimal digits. No digits are zero.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Days in a cycle of the Gregorian calendar: 400 years.
const CYCLE_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// The number of days from 1970-01-01 to a date. Years begin in March here, so that a leap day is the last one.
const fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    cycle * CYCLE_DAYS + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - EPOCH_DAYS
}

/// The date, as year, month and day, a number of days after 1970-01-01.
const fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (cycle, day_of_cycle) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / (CYCLE_DAYS - 1);
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Writes the last digits of a number.
fn write_digits(out: &mut [u8], mut number: i64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_from_days(self.0.div_euclid(DAY));
        if (0..=9_999).contains(&year) {
            let micros = self.0.rem_euclid(DAY);
            let seconds = micros / SECOND;
            let mut text = *b"0000-00-00T00:00:00.000000Z";
            let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60, micros % SECOND];
            let parts = [year, month, day].into_iter().chain(clock);
            for (part, range) in parts.zip([0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..26]) {
                write_digits(&mut text[range], part);
            }
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_are_those_of_the_calendar(micros in -70_000_000_000_000_000..300_000_000_000_000_000_i64) {
            let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
            let text = time.to_rfc3339_opts(SecondsFormat::Micros, true);
            prop_assert_eq!(Timestamp(micros).to_string(), text.clone());
            prop_assert_eq!(Timestamp::parse(&text), DateTime::parse_from_rfc3339(&text).ok().map(|_| Timestamp(micros)));
        }

        #[test]
        fn strings_are_times_or_not_as_for_the_calendar(
            string in "(0000|1600|1900|2000|20[0-9]{2}|9999)-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])[Tt ][012][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?[Zz+]",
        ) {
            let expected = DateTime::parse_from_rfc3339(&string).ok().map(|time| Timestamp(time.timestamp_micros()));
            prop_assert_eq!(Timestamp::parse(&string), expected, "{}", string);
        }
    }

    #[test]
    fn fractions_are_truncated_to_microseconds() {
        let time = Timestamp::parse("2026-07-17T13:48:10.9301259+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-07-17T11:48:10.930125Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(Timestamp::parse("2026-07-17T13:48:10"), None);
    }
}
