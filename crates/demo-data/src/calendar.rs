//! When things happen: mostly in the office's hours, less at night and at weekends, a little more as the year goes on.
//!
//! Times are drawn at random and then kept with the probability of their hour. A period without a likely hour (a
//! Sunday) still gets its times: after some tries any is accepted.

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use fastrand::Rng;

use model::Timestamp;
use model::time::{DAY, HOUR, SECOND};

/// How far back the log begins.
const YEAR: i64 = 365 * DAY;
/// How much the office's clock is ahead of UTC.
const OFFICE_OFFSET: i64 = HOUR;
/// How likely something happens, by the hour of a working day, in percent.
const WORKING_DAY: [u32; 24] =
    [5, 4, 6, 4, 3, 6, 14, 45, 82, 98, 100, 92, 55, 78, 94, 90, 72, 44, 22, 14, 12, 10, 8, 6];
/// The same for any hour of a weekend or a holiday.
const QUIET_HOUR: u32 = 5;
/// From this likelihood on people are at work.
const OFFICE_HOUR: u32 = 40;
/// How often a moment is drawn before any will do.
const TRIES: usize = 40;

/// The tenant's year, seen from its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    now: Timestamp,
}

impl Calendar {
    /// The year that ends now.
    pub(super) fn until(now: Timestamp) -> Self {
        Self { now }
    }

    /// A moment of the year.
    pub(super) fn moment(self, rng: &mut Rng) -> Timestamp {
        self.moment_of_last(YEAR, rng)
    }

    /// A moment of the last so many days.
    pub(super) fn time_in_last_days(self, days: i64, rng: &mut Rng) -> Timestamp {
        // A little less, so that what follows a moment, and the time it takes to show it, stay inside.
        self.moment_of_last(days * DAY - HOUR, rng)
    }

    fn moment_of_last(self, span: i64, rng: &mut Rng) -> Timestamp {
        let draw = |rng: &mut Rng| self.now.plus(-rng.i64(20 * SECOND..span));
        for _ in 0..TRIES {
            let moment = draw(rng);
            if rng.u32(0..130) < likelihood(moment) * self.growth(moment) / 100 {
                return moment;
            }
        }
        draw(rng)
    }

    /// The tenant grows: 75 percent of activity a year ago, 125 percent today.
    fn growth(self, moment: Timestamp) -> u32 {
        let days_ago = u32::try_from((self.now.0 - moment.0) / DAY).unwrap_or(365).min(365);
        125 - days_ago * 50 / 365
    }
}

/// Whether people are at work.
pub(super) fn is_office_hour(moment: Timestamp) -> bool {
    likelihood(moment) >= OFFICE_HOUR
}

/// How likely something happens then, in percent.
fn likelihood(moment: Timestamp) -> u32 {
    let Some(local) = local(moment) else { return QUIET_HOUR };
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

/// The office's clock.
fn local(moment: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(moment.plus(OFFICE_OFFSET).0)
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
    fn every_stretch_gets_its_moments() {
        let sunday = Timestamp::parse("2026-06-14T06:30:00Z").unwrap();
        let mut rng = Rng::with_seed(1);
        for _ in 0..500 {
            let moment = Calendar::until(sunday).time_in_last_days(1, &mut rng);
            assert!(moment < sunday && moment > sunday.plus(-DAY));
            let moment = Calendar::until(sunday).moment(&mut rng);
            assert!(moment < sunday && moment > sunday.plus(-366 * DAY));
        }
    }

    #[test]
    fn most_happens_in_office_hours() {
        let now = Timestamp::parse("2026-06-18T15:00:00Z").unwrap();
        let mut rng = Rng::with_seed(1);
        let moments = (0..1_000).map(|_| Calendar::until(now).moment(&mut rng));
        let at_work = moments.filter(|moment| is_office_hour(*moment)).count();
        assert!((700..950).contains(&at_work), "{at_work}");
    }
}
