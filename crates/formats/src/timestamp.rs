//! Parses timestamps in the notations of other systems.
//!
//! A time without an offset is in UTC, as in Microsoft's exports. A date with slashes is read month first if the time has
//! an upper-case AM or PM, as in US notation, or if the second number cannot be a month; `04/11/2026 10:15:30` may be
//! either, so it is not read. Plain numbers count from 1970 in the unit that is closest to the present, or in units of 100
//! nanoseconds from year 1 (.NET) or from 1601 (Windows); numbers of other sizes are not read. Digits after the microsecond
//! are truncated. In `/Date(1795176901123+0100)/` the number is in UTC; the offset is only
//! for display.

use chrono::{DateTime, NaiveDate};

use super::UnsupportedRecord;
use super::source_record::JsonCursor;
use super::truncated::cut;
use model::Timestamp;
use model::time::SECOND;

/// The number of microseconds from year 1 to 1970, and from 1601 to 1970.
const MICROS_FROM_YEAR_1: i128 = 62_135_596_800_000_000;
const MICROS_FROM_1601: i128 = 11_644_473_600_000_000;

/// Parses a value of a record: a scalar, or an object as which PowerShell, document databases and Protocol Buffers write
/// a time.
pub(super) fn read(cursor: &JsonCursor) -> Option<Timestamp> {
    read_scalar(cursor).or_else(|| {
        if let Some(value) = cursor.find("value").filter(|_| cursor.has("DisplayHint") || cursor.has("DateTime")) {
            return read_scalar(value);
        }
        if let Some(date) = cursor.find("$date") {
            return read_scalar(date).or_else(|| read_scalar(date.find("$numberLong")?));
        }
        let whole = |key: &str| cursor.find(key)?.as_str()?.parse::<i64>().ok();
        let nanos = if cursor.has("nanos") { whole("nanos")? } else { 0 };
        let micros = whole("seconds")?.checked_mul(SECOND)?.checked_add(nanos / 1_000)?;
        DateTime::from_timestamp_micros(micros).map(|_| Timestamp(micros))
    })
}

fn read_scalar(cursor: &JsonCursor) -> Option<Timestamp> {
    parse(&cursor.as_str()?)
}

/// Returns the timestamp at the first of these keys that has one, and marks the value as taken.
pub(super) fn take_first(record: &JsonCursor, keys: &[&str]) -> Option<Timestamp> {
    keys.iter().find_map(|key| {
        let cursor = record.get(key)?;
        let timestamp = read(cursor)?;
        cursor.take();
        Some(timestamp)
    })
}

/// An object with the keys of its timestamps, and its path in the record, with a dot at the end.
pub(super) type TimeSource<'a> = (&'a str, &'a JsonCursor<'a>, &'a [&'a str]);

/// Returns the error for a record without a timestamp: a value could not be parsed, or is missing.
pub(super) fn missing(sources: &[TimeSource], what: &str, otherwise: &str) -> UnsupportedRecord {
    unreadable(sources).unwrap_or_else(|| UnsupportedRecord(format!("{what} has no time in {otherwise}")))
}

/// Returns the error for a timestamp that could not be parsed, or is in an unknown time zone.
pub(super) fn unreadable(sources: &[TimeSource]) -> Option<UnsupportedRecord> {
    /// The number of characters of a value in the error.
    const SHOWN_CHARS: usize = 40;
    let given = |(path, cursor, keys): &TimeSource| {
        let mut given = keys.iter().filter_map(|key| Some((*key, cursor.find(key)?)));
        given.find_map(|(key, value)| {
            let text = value.as_str().filter(|_| read(value).is_none())?;
            let shown = cut(&text, SHOWN_CHARS);
            Some(format!("`{path}{key}` is not a time that can be read without guessing: `{shown}`"))
        })
    };
    let local = |(path, cursor, keys): &TimeSource| {
        let zone = |key: &str| {
            let (name, zone) = key.strip_suffix(']')?.split_once(" [")?;
            keys.contains(&name).then(|| cut(zone, SHOWN_CHARS))
        };
        let mut columns = cursor.members().iter().filter_map(|(key, _)| Some((key, zone(key)?)));
        columns.next().map(|(key, zone)| {
            format!(
                "`{path}{}` is a time in the zone `{zone}`: show the times in UTC and export again",
                cut(key, SHOWN_CHARS)
            )
        })
    };
    sources.iter().find_map(given).or_else(|| sources.iter().find_map(local)).map(UnsupportedRecord)
}

/// Parses a timestamp.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let timestamp = Timestamp::parse(text)
        .or_else(|| iso(text))
        .or_else(|| basic_iso(text))
        .or_else(|| us_date(text))
        .or_else(|| dot_net_date(text))
        .or_else(|| epoch(text))
        .or_else(|| DateTime::parse_from_rfc2822(text).ok().map(|timestamp| Timestamp(timestamp.timestamp_micros())))?;
    // The calendar does not cover the whole range.
    DateTime::from_timestamp_micros(timestamp.0).map(|_| timestamp)
}

/// Parses `2024-12-16 16:32:16.087554000`: with `T` or a space, optional seconds, fraction and offset.
fn iso(text: &str) -> Option<Timestamp> {
    let mut scanner = TimeScanner(text);
    let year = scanner.number()?;
    scanner.expect("-")?;
    let month = scanner.number()?;
    scanner.expect("-")?;
    let day = scanner.number()?;
    if scanner.expect("T").or_else(|| scanner.expect("t")).is_none() {
        scanner.skip_space().then_some(())?;
    }
    let (hour, minute, second, micros) = scanner.clock()?;
    scanner.finish(year, month, day, [hour, minute, second], micros)
}

/// Parses `20241216T163216.087Z`.
fn basic_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't'])?;
    let digits =
        |text: &str, length: usize| text.len() >= length && text.bytes().take(length).all(|it| it.is_ascii_digit());
    if date.len() != 8 || !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    iso(&format!("{}-{}-{}T{}:{}:{}", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..]))
}

/// Parses `11/16/2022 9:35:22 AM`, month first, with an optional offset. Returns `None` if the day may come first.
fn us_date(text: &str) -> Option<Timestamp> {
    let mut scanner = TimeScanner(text);
    let month = scanner.number()?;
    scanner.expect("/")?;
    let day = scanner.number()?;
    scanner.expect("/")?;
    let year = scanner.number()?;
    scanner.expect(",");
    scanner.skip_space().then_some(())?;
    let (hour, minute, second, micros) = scanner.clock()?;
    scanner.skip_space();
    let is_us = scanner.0.starts_with("AM") || scanner.0.starts_with("PM");
    if !is_us && day <= 12 {
        return None;
    }
    let half = scanner.0.get(..2).map(str::to_ascii_uppercase);
    let hour = match half.as_deref() {
        Some("AM") if (1..=12).contains(&hour) => hour % 12,
        Some("PM") if (1..=12).contains(&hour) => hour % 12 + 12,
        Some("AM" | "PM") => return None,
        _ => hour,
    };
    if matches!(half.as_deref(), Some("AM" | "PM")) {
        scanner.0 = &scanner.0[2..];
    }
    scanner.finish(year, month, day, [hour, minute, second], micros)
}

/// Parses `/Date(1795176901123)/`: milliseconds since 1970, with an optional offset.
fn dot_net_date(text: &str) -> Option<Timestamp> {
    // Some writers keep the backslashes that JSON permits before slashes.
    let unescaped = text.replace("\\/", "/");
    let inside = unescaped.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let offset = inside.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inside.len(), |at| at + 1);
    let (number, offset) = inside.split_at(offset);
    TimeScanner(offset).offset()?;
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(1_000).map(Timestamp)
}

/// Parses seconds (with an optional fraction), milliseconds, microseconds or nanoseconds since 1970, or the counters of
/// .NET and Windows. The units do not overlap between 1973 and 2100.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let unit: i128 = match number {
        100_000_000..100_000_000_000 => 1_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1,
        _ => return counter(number).and_then(|micros| i64::try_from(micros).ok()).map(Timestamp),
    };
    let fraction: i128 = format!("{fraction:0<6.6}").parse().ok()?;
    let micros = number.checked_mul(unit)?.checked_add(fraction * unit / 1_000_000)?;
    i64::try_from(micros).ok().map(Timestamp)
}

/// Converts nanoseconds since 1970, or 100 nanoseconds since year 1 or 1601, to microseconds since 1970.
fn counter(number: i128) -> Option<i128> {
    match number {
        // 1973 to 2100
        117_400_000_000_000_000..157_800_000_000_000_000 => Some(number / 10 - MICROS_FROM_1601),
        622_400_000_000_000_000..662_700_000_000_000_000 => Some(number / 10 - MICROS_FROM_YEAR_1),
        1_000_000_000_000_000_000.. => Some(number / 1_000),
        _ => None,
    }
}

/// The rest of a string that is being parsed.
struct TimeScanner<'a>(&'a str);

impl TimeScanner<'_> {
    fn number(&mut self) -> Option<i64> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 || length > 9 {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits.parse().ok()
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token)?;
        Some(())
    }

    /// Skips white space, which includes the narrow no-break space that recent Windows writes before AM.
    fn skip_space(&mut self) -> bool {
        let before = self.0.len();
        self.0 = self.0.trim_start();
        self.0.len() < before
    }

    /// Parses hour, minute, second and microseconds.
    fn clock(&mut self) -> Option<(i64, i64, i64, i64)> {
        let hour = self.number()?;
        self.expect(":")?;
        let minute = self.number()?;
        if self.expect(":").is_none() {
            return Some((hour, minute, 0, 0));
        }
        let second = self.number()?;
        let mut micros = 0;
        if self.expect(".").or_else(|| self.expect(",")).is_some() {
            let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = self.0.split_at(length);
            self.0 = rest;
            micros = format!("{digits:0<6.6}").parse().ok()?;
        }
        Some((hour, minute, second, micros))
    }

    /// Parses the offset up to the end of the string, and returns the timestamp.
    fn finish(mut self, year: i64, month: i64, day: i64, clock: [i64; 3], micros: i64) -> Option<Timestamp> {
        let offset = self.offset()?;
        let [hour, minute, second] = clock.map(|number| u32::try_from(number).ok());
        let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)?;
        let timestamp = date.and_hms_opt(hour?, minute?, second?)?.and_utc().timestamp_micros();
        Some(Timestamp(timestamp + micros - offset * 60_000_000))
    }

    /// Parses an offset. Returns minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        self.skip_space();
        let sign = match self.0.bytes().next() {
            None => return Some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => {
                let is_utc = ["Z", "UTC", "GMT"].iter().any(|name| self.0.eq_ignore_ascii_case(name));
                return is_utc.then_some(0);
            }
        };
        let (hours, minutes) = match self.0[1..].split_once(':') {
            Some((hours, minutes)) => (hours, minutes),
            None => self.0[1..].split_at_checked(2)?,
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 2;
        if hours.is_empty() || !digits(hours) || !digits(minutes) {
            return None;
        }
        let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
        let hours: i64 = hours.parse().ok()?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_notations_are_parsed() {
        let same = [
            "2022-11-16T09:35:22.087554Z",
            "2022-11-16T09:35:22.0875541Z",
            "2022-11-16 09:35:22.087554000",
            "2022-11-16T09:35:22.087554000Z",
            "2022-11-16t09:35:22.087554",
            "2022-11-16 10:35:22.087554 +0100",
            "2022-11-16T11:35:22,087554+02",
            " 2022-11-16T04:05:22.087554-05:30 ",
            "11/16/2022 9:35:22.087554 AM",
            "11/16/2022 09:35:22.087554",
            "20221116T093522.087554Z",
            "11/16/2022 9:35:22.087554 AM +00:00",
            "11/16/2022 12:35:22.087554 PM +03:00",
            "1668591322.087554",
            "1668591322087554",
            "1668591322087554999",
            "2022-11-16 09:35:22.087554 UTC",
        ];
        for text in same {
            let timestamp = parse(text).map(|timestamp| timestamp.to_string());
            assert_eq!(timestamp.as_deref(), Some("2022-11-16T09:35:22.087554Z"), "{text}");
        }
        assert_eq!(parse("12/31/2022 12:00:00 AM").unwrap().to_string(), "2022-12-31T00:00:00.000000Z");
        assert_eq!(parse("1668591322087").unwrap().to_string(), "2022-11-16T09:35:22.087000Z");
        assert_eq!(parse("/Date(1668591322087)/").unwrap().to_string(), "2022-11-16T09:35:22.087000Z");
        for offset in ["+0100", "-0800", "+0000"] {
            let text = format!("/Date(1668591322087{offset})/");
            assert_eq!(parse(&text).unwrap().to_string(), "2022-11-16T09:35:22.087000Z", "{text}");
        }
        assert_eq!(parse("\\/Date(1668591322087)\\/").unwrap().to_string(), "2022-11-16T09:35:22.087000Z");
        assert_eq!(parse("/Date(-1000)/").unwrap().to_string(), "1969-12-31T23:59:59.000000Z");
        assert_eq!(parse("Wed, 16 Nov 2022 09:35:22 GMT").unwrap().to_string(), "2022-11-16T09:35:22.000000Z");
    }

    #[test]
    fn invalid_timestamps_are_refused() {
        for text in [
            "",
            "yesterday",
            "2022-13-01T00:00:00",
            "2022-01-01",
            "16/11/2022 9:35:22 AM",
            "13:00",
            "1e9",
            "2022-11-16T09:35:22+99:00",
            "2022-11-16T09:35:22+01:60",
            "/Date()/",
            "/Date(-)/",
            "/Date(1668591322087+1)/",
            "/Date(1668591322087+0100",
            "/Date(+1668591322087)/",
            // the day or the month first
            "04/11/2022 10:15:30",
            "04/11/2022, 10:15:30",
            "4/11/2022 10:15:30 am",
            "5/5/2022 10:15:30",
            // numbers in no usual unit, such as the days of spreadsheets
            "0",
            "-1668591322",
            "44881.39956",
            "300000000000000000",
            "2022-11-16T09.35.22Z",
            "20221116",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("9223372036854775807000"), None);
        assert_eq!(parse(&"9".repeat(60)), None);
    }

    #[test]
    fn counters_of_other_epochs_are_read_by_their_size() {
        for text in ["638041881220875540", "133130649220875540", "1668591322087554000"] {
            assert_eq!(parse(text).unwrap().to_string(), "2022-11-16T09:35:22.087554Z", "{text}");
        }
    }

    #[test]
    fn times_in_objects_are_read() {
        let read = |text: &str| {
            let node = model::json::JsonNode::parse(&format!(r#"{{"time":{text}}}"#)).unwrap();
            let record = JsonCursor::of(&node);
            take_first(&record, &["time"]).map(|timestamp| timestamp.to_string())
        };
        for text in [
            r#"{"value":"/Date(1668591322087)/","DisplayHint":2,"DateTime":"Wednesday, November 16, 2022 9:35:22 AM"}"#,
            r#"{"$date":"2022-11-16T09:35:22.087Z"}"#,
            r#"{"$date":{"$numberLong":"1668591322087"}}"#,
            r#"{"$date":1668591322087}"#,
            r#"{"seconds":1668591322,"nanos":87000000}"#,
        ] {
            assert_eq!(read(text).as_deref(), Some("2022-11-16T09:35:22.087000Z"), "{text}");
        }
        for text in [r#"{"value":"2022-11-16T09:35:22Z"}"#, r#"{"seconds":"soon"}"#, r#"{"seconds":9e9}"#, "{}", "[]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>(), near in "[0-9 :/.,TZ+-]{0,30}[AP]?M?\\PC?") {
            for text in [text, near] {
                if let Some(timestamp) = parse(&text) {
                    prop_assert!(!timestamp.to_string().is_empty());
                }
            }
        }
    }
}
