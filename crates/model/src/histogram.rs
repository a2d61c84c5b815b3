//! Calendar intervals in a time zone: the starts of the buckets of a histogram.
//!
//! A day starts when the local clock first shows its midnight or, if midnight is skipped, the first later time. So a
//! day has 23 or 25 hours when the clocks change, and a day that a zone skipped entirely is omitted. An hour starts
//! whenever the local clock shows a full hour; a repeated hour appears twice.

use chrono::{
    DateTime, Datelike as _, Days, Months, NaiveDate, NaiveDateTime, Offset as _, TimeZone as _, Timelike as _,
};
use chrono_tz::Tz;

use super::{Invalid, Timestamp, wire_enum};

/// The most intervals of a histogram.
pub const INTERVALS_MAX: usize = 1_000;

/// Seconds in an hour.
const HOUR: i64 = 3_600;

wire_enum! {
    /// The width of a histogram's bars.
    Interval {
        /// One hour.
        Hour = "HOUR",
        /// One day.
        Day = "DAY",
        /// One week, starting on Monday.
        Week = "WEEK",
        /// One calendar month.
        Month = "MONTH",
    }
}

/// Parses the IANA name of a time zone.
pub fn time_zone(name: &str) -> Result<Tz, Invalid> {
    name.parse()
        .map_err(|_unknown| Invalid::new("`timeZone` must be the IANA name of a time zone, such as `Europe/Berlin`"))
}

/// The starts of the intervals that overlap `from..to`, in order, followed by the end of the last one. Returns `None`
/// if there are more than [`INTERVALS_MAX`].
pub fn intervals(from: Timestamp, to: Timestamp, interval: Interval, zone: Tz) -> Option<Vec<Timestamp>> {
    if from >= to {
        return Some(Vec::new());
    }
    let mut steps = Steps::at(from.0.div_euclid(1_000_000), interval, zone);
    let mut edges = vec![steps.begin];
    while edges.last().is_some_and(|last| last.saturating_mul(1_000_000) < to.0) {
        if edges.len() > INTERVALS_MAX {
            return None;
        }
        let next = steps.next()?;
        // Intervals that end before the range, and empty intervals, are left out.
        if next.saturating_mul(1_000_000) <= from.0 {
            edges.clear();
        }
        if edges.last() != Some(&next) {
            edges.push(next);
        }
    }
    Some(edges.into_iter().map(|seconds| Timestamp(seconds.saturating_mul(1_000_000))).collect())
}

/// The approximate number of intervals that overlap `from..to`.
pub fn about(from: Timestamp, to: Timestamp, interval: Interval) -> usize {
    let hours = match interval {
        Interval::Hour => 1,
        Interval::Day => 24,
        Interval::Week => 24 * 7,
        Interval::Month => 24 * 30,
    };
    usize::try_from(to.0.saturating_sub(from.0) / (hours * HOUR * 1_000_000)).unwrap_or(0)
}

/// Iterates over the starts of intervals, in seconds since 1970.
struct Steps {
    begin: i64,
    /// The day on which the interval starts; not used for hours.
    day: NaiveDate,
    interval: Interval,
    zone: Tz,
}

impl Steps {
    /// Starts at the interval that contains a time, or at an earlier one.
    fn at(second: i64, interval: Interval, zone: Tz) -> Self {
        let day = local(second, zone).date();
        let day = match interval {
            Interval::Hour | Interval::Day => day,
            Interval::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
            Interval::Month => day.with_day(1).unwrap_or(day),
        };
        let begin = if interval == Interval::Hour { hour_of(second, zone) } else { midnight(day, zone) };
        Self { begin, day, interval, zone }
    }

    /// The start of the next interval, or `None` at the end of the calendar.
    fn next(&mut self) -> Option<i64> {
        if self.interval == Interval::Hour {
            // If the clock was set by half an hour, the next full hour is half an hour later.
            let candidate = self.begin + HOUR;
            self.begin = candidate + (HOUR - past_hour(candidate, self.zone)) % HOUR;
            return Some(self.begin);
        }
        self.day = match self.interval {
            Interval::Week => self.day.checked_add_days(Days::new(7)),
            Interval::Month => self.day.checked_add_months(Months::new(1)),
            _ => self.day.succ_opt(),
        }?;
        self.begin = midnight(self.day, self.zone);
        Some(self.begin)
    }
}

fn offset(second: i64, zone: Tz) -> i64 {
    let time = DateTime::from_timestamp(second, 0).unwrap_or_default();
    i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc())
}

/// The local time.
fn local(second: i64, zone: Tz) -> NaiveDateTime {
    DateTime::from_timestamp(second + offset(second, zone), 0).unwrap_or_default().naive_utc()
}

/// The seconds since the local clock showed a full hour.
fn past_hour(second: i64, zone: Tz) -> i64 {
    let shown = local(second, zone).time();
    i64::from(shown.minute() * 60 + shown.second())
}

/// The last time at which the local clock showed a full hour. The second step corrects for a clock change in between.
fn hour_of(second: i64, zone: Tz) -> i64 {
    let full = second - past_hour(second, zone);
    full - past_hour(full, zone)
}

/// The first time at which the local clock shows the midnight of a day or, if that is skipped, a later time.
fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    if let Some(time) = zone.from_local_datetime(&midnight).earliest() {
        return time.timestamp();
    }
    // The zone skipped midnight: find the clock change by binary search.
    let utc = midnight.and_utc().timestamp();
    let (mut before, mut after) = (utc - 36 * HOUR, utc + 36 * HOUR);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if local(middle, zone) < midnight { before = middle } else { after = middle }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn edges(from: &str, to: &str, interval: Interval, zone: &str) -> Vec<String> {
        let time = |string| Timestamp::parse(string).unwrap();
        let found = intervals(time(from), time(to), interval, time_zone(zone).unwrap()).unwrap();
        found.iter().map(|edge| edge.to_string().replace(":00.000000Z", "")).collect()
    }

    #[test]
    fn days_have_23_or_25_hours_when_the_clocks_change() {
        let spring = edges("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(spring, ["2026-03-27T23:00", "2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"]);
        let autumn = edges("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", Interval::Hour, "Europe/Berlin");
        assert_eq!(autumn.len(), 26);
        let day = edges("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", Interval::Day, "Europe/Berlin");
        assert_eq!(day, ["2026-10-24T22:00", "2026-10-25T23:00"]);
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        let weeks = edges("2026-11-22T00:00:00Z", "2026-11-23T00:00:01Z", Interval::Week, "UTC");
        assert_eq!(weeks, ["2026-11-16T00:00", "2026-11-23T00:00", "2026-11-30T00:00"]);
        let months = edges("2026-01-31T23:30:00Z", "2026-03-01T00:00:00Z", Interval::Month, "Asia/Kolkata");
        assert_eq!(months, ["2026-01-31T18:30", "2026-02-28T18:30", "2026-03-31T18:30"]);
    }

    #[test]
    fn unusual_time_zones() {
        // Midnight is skipped.
        let beirut = edges("2022-03-26T12:00:00Z", "2022-03-27T12:00:00Z", Interval::Day, "Asia/Beirut");
        assert_eq!(beirut, ["2022-03-25T22:00", "2022-03-26T22:00", "2022-03-27T21:00"]);
        // A whole day is skipped.
        let apia = edges("2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z", Interval::Day, "Pacific/Apia");
        assert_eq!(apia, ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00", "2012-01-01T10:00"]);
        // The clocks change by half an hour.
        let howe = edges("2026-10-03T14:00:00Z", "2026-10-03T18:00:00Z", Interval::Hour, "Australia/Lord_Howe");
        assert_eq!(
            howe,
            ["2026-10-03T13:30", "2026-10-03T14:30", "2026-10-03T16:00", "2026-10-03T17:00", "2026-10-03T18:00"]
        );
        // Midnight is repeated a minute later: the second one belongs to the day that started with the first.
        let newfoundland = edges("2010-11-07T02:00:00Z", "2010-11-07T03:31:00Z", Interval::Day, "America/St_Johns");
        assert_eq!(newfoundland, ["2010-11-06T02:30", "2010-11-07T02:30", "2010-11-08T03:30"]);
        assert!(time_zone("Middle-earth/Shire").is_err());
    }

    #[test]
    fn too_many_intervals_are_none() {
        let (from, to) = (Timestamp(0), Timestamp(1_001 * 3_600_000_000));
        assert_eq!(intervals(from, to, Interval::Hour, Tz::UTC), None);
        assert_eq!(intervals(from, to.plus(-3_600_000_000), Interval::Hour, Tz::UTC).unwrap().len(), 1_001);
        assert_eq!(intervals(from, from, Interval::Hour, Tz::UTC), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn intervals_cover_the_range_in_order(
            start in 0_i64..4_000_000_000_000_000,
            length in 1_i64..3_000_000_000_000,
            interval in select(Interval::ALL),
            zone in select(&chrono_tz::TZ_VARIANTS[..]),
        ) {
            let (from, to) = (Timestamp(start), Timestamp(start + length));
            let edges = intervals(from, to, interval, zone).unwrap();
            prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", edges);
            prop_assert!(edges[0] <= from && edges[1] > from, "{:?}", edges);
            prop_assert!(edges[edges.len() - 1] >= to && edges[edges.len() - 2] < to, "{:?}", edges);
        }
    }
}
