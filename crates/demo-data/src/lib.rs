//! Generates the demo's events: one year of a fictitious company, as its systems would have logged it.
//!
//! The events depend only on the seed, the current time and the number of events, which are arguments; the crate reads no
//! clock and no environment. First, [`schedule`] decides which scenario starts when, with how many events. Then the
//! scenarios run in chronological order, because each may change the tenant for the following ones. Events are generated
//! lazily.

mod calendar;
mod name;
mod policy;
mod generator;
mod scenarios;
mod tenant;

use std::iter::Peekable;
use std::vec::IntoIter;

use fastrand::Rng;

use self::calendar::{Calendar, is_office_hour};
use self::generator::Generator;
use self::scenarios::{CATALOGUE, Scenario};
use model::{EventBody, Timestamp};

/// The minimum number of events in the last days, as (days, events), if the total is large enough.
const RECENT: &[(i64, usize)] = &[(1, 12), (7, 12), (30, 16)];
/// Each entry of [`RECENT`] gets at most one in this many of all events.
const RECENT_DIVISOR: usize = 8;

/// Returns `count` events, oldest first, none later than `now`. Equal arguments give equal events.
pub fn events(seed: u64, now: Timestamp, count: usize) -> impl Iterator<Item = EventBody> {
    let mut rng = Rng::with_seed(seed);
    let schedule = schedule(now, count, &mut rng);
    GeneratedEvents { generator: Generator::new(rng, now), schedule: schedule.into_iter().peekable() }
}

/// A scenario with its start time and number of events.
struct ScheduledScenario {
    time: Timestamp,
    scenario: usize,
    size: usize,
}

/// Schedules the scenarios: the recent ones, then each scenario once, then random ones.
fn schedule(now: Timestamp, count: usize, rng: &mut Rng) -> Vec<ScheduledScenario> {
    let calendar = Calendar::until(now);
    let mut schedule = Vec::new();
    let mut left = count;
    for &(days, events) in RECENT {
        let mut room = events.min(count.div_ceil(RECENT_DIVISOR)).min(left);
        left -= room;
        while room > 0 {
            room -= schedule_one(calendar.time_in_last_days(days, rng), room.min(4), &mut schedule, rng);
        }
    }
    for (scenario, kind) in CATALOGUE.iter().enumerate() {
        if let Some(size) = kind.size(kind.min_size().min(left), rng) {
            let times = (0..20).map(|_| calendar.time(rng)).collect::<Vec<_>>();
            let fitting = times.iter().find(|time| kind.runs_outside_office_hours() || is_office_hour(**time));
            let time = fitting.or(times.first()).copied().unwrap_or(now);
            schedule.push(ScheduledScenario { time, scenario, size });
            left -= size;
        }
    }
    while left > 0 {
        left -= schedule_one(calendar.time(rng), left, &mut schedule, rng);
    }
    schedule.sort_by_key(|scheduled| scheduled.time);
    schedule
}

/// Adds a random scenario at a time. Returns its number of events.
fn schedule_one(time: Timestamp, room: usize, schedule: &mut Vec<ScheduledScenario>, rng: &mut Rng) -> usize {
    let scenario = Scenario::choose(is_office_hour(time), room, rng);
    let size = CATALOGUE[scenario].size(room, rng).unwrap_or(room);
    schedule.push(ScheduledScenario { time, scenario, size });
    size
}

/// An iterator over the events of a schedule.
struct GeneratedEvents {
    generator: Generator,
    schedule: Peekable<IntoIter<ScheduledScenario>>,
}

impl Iterator for GeneratedEvents {
    type Item = EventBody;

    fn next(&mut self) -> Option<EventBody> {
        loop {
            let next = self.schedule.peek().map(|scheduled| scheduled.time);
            if let Some(event) = self.generator.take_until(next) {
                return Some(event);
            }
            let scheduled = self.schedule.next()?;
            self.generator.begin(scheduled.time);
            CATALOGUE[scheduled.scenario].emit(&mut self.generator, scheduled.size);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use model::sensitive::SensitiveNames;
    use model::time::{DAY, SECOND};
    use model::{ActorKind, NewEvent, Status};

    /// A Sunday morning, outside of office hours.
    fn now() -> Timestamp {
        Timestamp::parse("2026-06-14T06:30:00Z").unwrap()
    }

    fn all(count: usize) -> Vec<EventBody> {
        events(7, now(), count).collect()
    }

    #[test]
    fn same_seed_gives_same_events() {
        assert_eq!(all(1_000), all(1_000));
    }

    #[test]
    fn other_seed_gives_other_events() {
        let keys = |seed| events(seed, now(), 500).map(|event| event.event_key).collect::<BTreeSet<_>>();
        assert!(keys(1).is_disjoint(&keys(2)));
    }

    #[test]
    fn count_and_order_of_events_are_as_requested() {
        for count in [0, 1, 2, 7, 50, 199, 200, 201, 3_000] {
            let events = all(count);
            assert_eq!(events.len(), count);
            assert!(events.is_sorted_by_key(|event| event.occurred_at));
            assert!(events.iter().all(|event| event.occurred_at <= now()));
            assert!(events.iter().all(|event| event.occurred_at > now().plus(-366 * DAY)));
        }
    }

    #[test]
    fn every_scenario_generates_the_requested_number_of_events() {
        let mut generator = Generator::new(Rng::with_seed(1), now());
        for (index, scenario) in CATALOGUE.iter().enumerate() {
            for room in 1..=14 {
                for _ in 0..10 {
                    let Some(size) = scenario.size(room, &mut generator.rng) else { continue };
                    generator.begin(now().plus(-DAY));
                    scenario.emit(&mut generator, size);
                    let generated = std::iter::from_fn(|| generator.take_until(None)).count();
                    assert_eq!(generated, size, "scenario {index}");
                }
            }
        }
    }

    #[test]
    fn every_event_is_valid_and_has_a_unique_key() {
        let rules = SensitiveNames::default();
        let mut ids = BTreeSet::new();
        let mut sensitive = 0;
        for body in all(20_000) {
            let event = NewEvent::parse(body, now(), &rules).unwrap();
            assert!(ids.insert(event.id()), "{}", event.body().event_key);
            sensitive += usize::from(event.body().is_sensitive());
        }
        assert!(sensitive > 200, "{sensitive}");
    }

    #[test]
    fn recent_events_exist_at_any_hour() {
        for count in [200, 20_000] {
            for hours in [0, 5, 12, 36, 100] {
                let now = now().plus(hours * 3_600 * SECOND);
                let events: Vec<EventBody> = events(3, now, count).collect();
                for (days, min_size) in [(1, 10), (7, 20), (30, 35)] {
                    let since = now.plus(-days * DAY);
                    let some = events.iter().filter(|event| event.occurred_at >= since).count();
                    assert!(some >= min_size, "{some} of {count} in {days} days");
                }
            }
        }
    }

    #[test]
    fn rename_keeps_the_id_and_later_events_have_the_new_name() {
        for count in [200, 20_000] {
            let events = all(count);
            let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for target in events.iter().flat_map(|event| &event.targets) {
                let (Some(id), Some(name)) = (&target.object_id, &target.display_name) else { continue };
                let seen = names.entry(id.clone()).or_default();
                if seen.last() != Some(name) {
                    seen.push(name.clone());
                }
            }
            assert!(names.values().any(|seen| seen.len() > 1), "{count}");
        }
    }

    #[test]
    fn failures_occur_in_bursts() {
        let events = all(20_000);
        let failures: Vec<&EventBody> = events.iter().filter(|event| event.status == Status::Failure).collect();
        assert!((200..3_000).contains(&failures.len()), "{}", failures.len());
        let is_near = |pair: &[&EventBody]| {
            pair[0].activity == pair[1].activity && pair[1].occurred_at < pair[0].occurred_at.plus(180 * SECOND)
        };
        let close = failures.windows(2).filter(|pair| is_near(pair)).count();
        assert!(close * 2 > failures.len(), "{close} of {}", failures.len());
        assert!(failures.iter().all(|event| event.status_reason.is_some()));
    }

    #[test]
    fn log_has_all_services_actors_and_statuses() {
        let events = all(2_000);
        let services: BTreeSet<&str> = events.iter().map(|event| event.service.as_str()).collect();
        assert!(services.len() > 12, "{services:?}");
        for kind in ActorKind::ALL {
            assert!(events.iter().any(|event| event.actor.kind == *kind), "{kind:?}");
        }
        for status in [Status::Success, Status::Failure, Status::Timeout] {
            assert!(events.iter().any(|event| event.status == status), "{status:?}");
        }
        assert!(
            events
                .iter()
                .flat_map(|event| &event.targets)
                .any(|target| { target.display_name.as_deref().is_some_and(|name| !name.is_ascii()) })
        );
    }

    #[test]
    fn related_events_share_a_correlation_id() {
        let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in all(2_000) {
            services.entry(event.correlation_id.unwrap()).or_default().insert(event.service);
        }
        let pair = BTreeSet::from(["Core Directory".to_owned(), "PIM".to_owned()]);
        assert!(services.values().filter(|found| **found == pair).count() > 5);
    }
}
