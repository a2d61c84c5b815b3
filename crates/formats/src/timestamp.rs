//! When something happened, in the ways that exports write it.
//!
//! A time without an offset is in UTC, as in Microsoft's exports. `11/4/2025` is the fourth of November: the only
//! source that writes slashes writes US dates. Bare numbers count from 1970, in the unit that puts them nearest to the
//! present. Digits beyond the microsecond are cut off. In `/Date(1795176901123+0100)/` the number is in UTC, and the
//! offset is only for display.

use chrono::{DateTime, NaiveDate};

use super::UnsupportedRecord;
use super::source_record::JsonCursor;
use model::Timestamp;

/// The moment that a part of a record gives.
pub(super) fn read(cursor: &JsonCursor) -> Option<Timestamp> {
    parse(&cursor.as_str()?)
}

/// The moment at the first of these keys that gives one; the text is carried over.
pub(super) fn take_first(record: &JsonCursor, keys: &[&str]) -> Option<Timestamp> {
    keys.iter().find_map(|key| {
        let cursor = record.get(key)?;
        let moment = read(cursor)?;
        cursor.take();
        Some(moment)
    })
}

/// Why a record has no moment: what stands at one of these sources cannot be read, or nothing stands there. Each place
/// is where it is in the record, with a dot at the end, and a part with keys.
pub(super) fn missing(sources: &[(&str, &JsonCursor, &[&str])], what: &str, otherwise: &str) -> UnsupportedRecord {
    /// What of a value is enough to recognise it.
    const SHOWN: usize = 40;
    let given = |(path, cursor, keys): &(&str, &JsonCursor, &[&str])| {
        let mut given = keys.iter().filter_map(|key| Some((*key, cursor.find(key)?.as_str()?)));
        given.find_map(|(key, word)| {
            let mut shown: String = word.chars().take(SHOWN).collect();
            if shown.len() < word.len() {
                shown.push('…');
            }
            parse(&word)
                .is_none()
                .then(|| format!("`{path}{key}` is not a time that can be read without guessing: `{shown}`"))
        })
    };
    UnsupportedRecord(sources.iter().find_map(given).unwrap_or_else(|| format!("{what} has no time in {otherwise}")))
}

/// Reads a moment.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = Timestamp::parse(text)
        .or_else(|| iso(text))
        .or_else(|| slashed(text))
        .or_else(|| in_parentheses(text))
        .or_else(|| epoch(text))
        .or_else(|| DateTime::parse_from_rfc2822(text).ok().map(|moment| Timestamp(moment.timestamp_micros())))?;
    // Further away than a calendar reaches is no moment.
    DateTime::from_timestamp_micros(moment.0).map(|_| moment)
}

/// `2024-12-16 16:32:16.087554000`, with `T` or a blank, seconds or not, any number of digits, an offset or none.
fn iso(text: &str) -> Option<Timestamp> {
    let mut scanner = TimeScanner(text);
    let year = scanner.number()?;
    scanner.mark("-")?;
    let month = scanner.number()?;
    scanner.mark("-")?;
    let day = scanner.number()?;
    if scanner.mark("T").or_else(|| scanner.mark("t")).is_none() {
        scanner.blanks().then_some(())?;
    }
    let (hour, minute, second, micros) = scanner.clock()?;
    scanner.finish(year, month, day, [hour, minute, second], micros)
}

/// `11/16/2022 9:35:22 AM`, month first, with an offset or none.
fn slashed(text: &str) -> Option<Timestamp> {
    let mut scanner = TimeScanner(text);
    let month = scanner.number()?;
    scanner.mark("/")?;
    let day = scanner.number()?;
    scanner.mark("/")?;
    let year = scanner.number()?;
    scanner.mark(",");
    scanner.blanks().then_some(())?;
    let (hour, minute, second, micros) = scanner.clock()?;
    scanner.blanks();
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

/// `/Date(1795176901123)/`: milliseconds since 1970, perhaps with an offset.
fn in_parentheses(text: &str) -> Option<Timestamp> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let offset = inside.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inside.len(), |at| at + 1);
    let (number, offset) = inside.split_at(offset);
    TimeScanner(offset).offset()?;
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(1_000).map(Timestamp)
}

/// Seconds (with a fraction or not), milliseconds, microseconds or nanoseconds since 1970.
fn epoch(text: &str) -> Option<Timestamp> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let unit: i128 = match number {
        0..100_000_000_000 => 1_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1,
        _ => return i64::try_from(sign * number / 1_000).ok().map(Timestamp),
    };
    let fraction: i128 = format!("{fraction:0<6.6}").parse().ok()?;
    let micros = number.checked_mul(unit)?.checked_add(fraction * unit / 1_000_000)?;
    i64::try_from(sign * micros).ok().map(Timestamp)
}

/// What is still to be read of a text.
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

    fn mark(&mut self, mark: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(mark)?;
        Some(())
    }

    /// Skips blanks; the narrow one is what newer Windows puts before AM.
    fn blanks(&mut self) -> bool {
        let before = self.0.len();
        self.0 = self.0.trim_start();
        self.0.len() < before
    }

    /// Hour, minute, second and microseconds.
    fn clock(&mut self) -> Option<(i64, i64, i64, i64)> {
        let hour = self.number()?;
        self.mark(":")?;
        let minute = self.number()?;
        if self.mark(":").is_none() {
            return Some((hour, minute, 0, 0));
        }
        let second = self.number()?;
        let mut micros = 0;
        if self.mark(".").or_else(|| self.mark(",")).is_some() {
            let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = self.0.split_at(length);
            self.0 = rest;
            micros = format!("{digits:0<6.6}").parse().ok()?;
        }
        Some((hour, minute, second, micros))
    }

    /// Reads the offset, of which nothing may be left, and puts all together.
    fn finish(mut self, year: i64, month: i64, day: i64, clock: [i64; 3], micros: i64) -> Option<Timestamp> {
        let offset = self.offset()?;
        let [hour, minute, second] = clock.map(|number| u32::try_from(number).ok());
        let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)?;
        let moment = date.and_hms_opt(hour?, minute?, second?)?.and_utc().timestamp_micros();
        Some(Timestamp(moment + micros - offset * 60_000_000))
    }

    /// Minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        self.blanks();
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
    fn one_moment_is_read_however_it_is_written() {
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
            "11/16/2022 9:35:22.087554 AM +00:00",
            "11/16/2022 12:35:22.087554 PM +03:00",
            "1668591322.087554",
            "1668591322087554",
            "1668591322087554999",
            "2022-11-16 09:35:22.087554 UTC",
        ];
        for text in same {
            let moment = parse(text).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), Some("2022-11-16T09:35:22.087554Z"), "{text}");
        }
        assert_eq!(parse("12/31/2022 12:00:00 AM").unwrap().to_string(), "2022-12-31T00:00:00.000000Z");
        assert_eq!(parse("1668591322087").unwrap().to_string(), "2022-11-16T09:35:22.087000Z");
        assert_eq!(parse("/Date(1668591322087)/").unwrap().to_string(), "2022-11-16T09:35:22.087000Z");
        for offset in ["+0100", "-0800", "+0000"] {
            let text = format!("/Date(1668591322087{offset})/");
            assert_eq!(parse(&text).unwrap().to_string(), "2022-11-16T09:35:22.087000Z", "{text}");
        }
        assert_eq!(parse("/Date(-1000)/").unwrap().to_string(), "1969-12-31T23:59:59.000000Z");
        assert_eq!(parse("Wed, 16 Nov 2022 09:35:22 GMT").unwrap().to_string(), "2022-11-16T09:35:22.000000Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
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
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("9223372036854775807000"), None);
        assert_eq!(parse(&"9".repeat(60)), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_look_at(text in any::<String>(), near in "[0-9 :/.,TZ+-]{0,30}[AP]?M?\\PC?") {
            for text in [text, near] {
                if let Some(moment) = parse(&text) {
                    prop_assert!(!moment.to_string().is_empty());
                }
            }
        }
    }
}
