//! The distribution of events over time: mostly in office hours, less at night and on weekends, growing over the year.
//!
//! Times are drawn by rejection sampling with the probability of their hour. After [`DRAWS_MAX`] rejections any time is
//! accepted, so that a period without probable hours (a Sunday) gets events, too.

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use fastrand::Rng;

use model::Timestamp;
use model::time::{DAY, HOUR, SECOND};

/// The period of the log.
const YEAR: i64 = 365 * DAY;
/// The offset of the office's time zone from UTC.
const OFFICE_OFFSET: i64 = HOUR;
/// The probability by hour of a working day, in percent.
const WORKING_DAY: [u32; 24] =
    [5, 4, 6, 4, 3, 6, 14, 45, 82, 98, 100, 92, 55, 78, 94, 90, 72, 44, 22, 14, 12, 10, 8, 6];
/// The probability for any hour of a weekend or holiday, in percent.
const QUIET_HOUR: u32 = 5;
/// The minimum probability of an office hour, in percent.
const OFFICE_HOUR: u32 = 40;
/// The number of draws before any time is accepted.
const DRAWS_MAX: usize = 40;

/// The year of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    now: Timestamp,
}

impl Calendar {
    /// Creates the year that ends at `now`.
    pub(super) fn until(now: Timestamp) -> Self {
        Self { now }
    }

    /// Returns a random time of the year.
    pub(super) fn time(self, rng: &mut Rng) -> Timestamp {
        self.time_of_last(YEAR, rng)
    }

    /// Returns a random time of the last `days` days.
    pub(super) fn time_in_last_days(self, days: i64, rng: &mut Rng) -> Timestamp {
        // A little less, so that the following events of a scenario are in the period, too.
        self.time_of_last(days * DAY - HOUR, rng)
    }

    fn time_of_last(self, span: i64, rng: &mut Rng) -> Timestamp {
        let draw = |rng: &mut Rng| self.now.plus(-rng.i64(20 * SECOND..span));
        for _ in 0..DRAWS_MAX {
            let time = draw(rng);
            if rng.u32(0..130) < likelihood(time) * self.growth(time) / 100 {
                return time;
            }
        }
        draw(rng)
    }

    /// Applies growth: 75 percent of the activity a year ago, 125 percent today.
    fn growth(self, time: Timestamp) -> u32 {
        let days_ago = u32::try_from((self.now.0 - time.0) / DAY).unwrap_or(365).min(365);
        125 - days_ago * 50 / 365
    }
}

/// Whether a time is in office hours.
pub(super) fn is_office_hour(time: Timestamp) -> bool {
    likelihood(time) >= OFFICE_HOUR
}

/// Returns the probability at a time, in percent.
fn likelihood(time: Timestamp) -> u32 {
    let Some(local) = local(time) else { return QUIET_HOUR };
    let is_weekend = matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
    let is_holiday = matches!((local.month(), local.day()), (12, 24..=26 | 31) | (1 | 5, 1));
    if is_weekend || is_holiday {
        return QUIET_HOUR;
    }
    let hour = WORKING_DAY[local.hour() as usize % 24];
    match (local.month(), local.day()) {
        (12, 27..) | (1, ..=5) => hour / 3,
        (8, _) => hour * 7 / 10,
        _ => hour,
    }
}

/// Converts a time to the office's time zone.
fn local(time: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time.plus(OFFICE_OFFSET).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_are_busier_than_sundays() {
        let monday = Timestamp::parse("2026-06-15T09:00:00Z").unwrap();
        assert!(is_office_hour(monday));
        assert!(!is_office_hour(monday.plus(-DAY)));
        assert!(!is_office_hour(monday.plus(12 * HOUR)));
        assert!(!is_office_hour(Timestamp::parse("2026-12-25T09:00:00Z").unwrap()));
    }

    #[test]
    fn every_range_gets_its_times() {
        let sunday = Timestamp::parse("2026-06-14T06:30:00Z").unwrap();
        let mut rng = Rng::with_seed(1);
        for _ in 0..500 {
            let time = Calendar::until(sunday).time_in_last_days(1, &mut rng);
            assert!(time < sunday && time > sunday.plus(-DAY));
            let time = Calendar::until(sunday).time(&mut rng);
            assert!(time < sunday && time > sunday.plus(-366 * DAY));
        }
    }

    #[test]
    fn most_happens_in_office_hours() {
        let now = Timestamp::parse("2026-06-18T15:00:00Z").unwrap();
        let mut rng = Rng::with_seed(1);
        let times = (0..1_000).map(|_| Calendar::until(now).time(&mut rng));
        let at_work = times.filter(|time| is_office_hour(*time)).count();
        assert!((700..950).contains(&at_work), "{at_work}");
    }
}
