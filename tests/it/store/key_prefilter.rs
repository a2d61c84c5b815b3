//! The key prefilter: events of rare names are found by their keys and sorted afterwards.

use std::collections::BTreeSet;

use model::FacetField;
use model::filter::{ActorCondition, Condition, TargetCondition, TimeRange};
use model::page::{Cursor, Order, OrderField, Page};
use store::{EventQuery, Reader};

use crate::harness::database::{NOW, Statements, TestLog};
use crate::harness::events::{EventExt as _, event, target, user};

/// Number of people with the name; more than the limit for single range scans.
const PEOPLE: i64 = 40;

/// A log in which each of many users named Ada is once an actor and once a target, among other events.
async fn of_many_adas() -> (TestLog, Statements) {
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    let events = (0..PEOPLE * 6).map(|i| {
        let (ada, at) = (format!("ada{}@contoso.example", i % PEOPLE), NOW.plus(-(i * 37 % 101) * 1_000));
        let by = event(&format!("{i}")).at(at);
        match i / PEOPLE {
            0 | 3 => by.actor(user(&ada)),
            1 => by.actor(user("bob@contoso.example")).targets(vec![target("Eve"), target(&ada), target(&ada)]),
            _ => by.actor(user("bob@contoso.example")).targets(vec![target("Eve")]),
        }
    });
    log.record(events).await;
    (log, statements)
}

fn list(condition: Condition) -> EventQuery {
    EventQuery { condition, period: TimeRange::default(), as_of: None }
}

/// The sequences of all events of a list, page by page.
async fn walked(reader: &Reader, list: &EventQuery, descending: bool, from_end: bool) -> Vec<i64> {
    let order = Order { field: OrderField::OccurredAt, descending };
    let (mut found, mut at) = (Vec::new(), None::<Cursor>);
    loop {
        let (after, before) = if from_end { (None, at) } else { (at, None) };
        let page = Page { limit: 7, from_end, after, before, order, window: None };
        let slice = reader.page(list, &page).await.unwrap();
        let sequences = slice.rows.iter().map(|(cursor, _)| cursor.position.sequence);
        if from_end {
            found.splice(0..0, sequences).for_each(drop);
        } else {
            found.extend(sequences);
        }
        let (ahead, behind) = (slice.has_next, slice.has_previous);
        let (ahead, behind) = if from_end { (behind, ahead) } else { (ahead, behind) };
        assert_eq!(behind, at.is_some());
        if !ahead {
            return found;
        }
        at = if from_end { slice.rows.first() } else { slice.rows.last() }.map(|(cursor, _)| *cursor);
    }
}

#[tokio::test]
async fn many_names_with_few_events_are_found_by_keys() {
    let (log, statements) = of_many_adas().await;
    let searched = |search: &str| Some(search.to_owned());
    let actors: BTreeSet<String> = (0..PEOPLE).map(|i| format!("user:upn:ada{i}@contoso.example")).collect();
    let targets: BTreeSet<String> = (0..PEOPLE).map(|i| target(&format!("ada{i}@contoso.example")).key()).collect();
    let actor = |actor| Condition::Actor(Box::new(actor));
    let of_target = |target| Condition::Target(Box::new(target));
    let cases = [
        (Condition::Search(vec!["ada".to_owned()]), PEOPLE * 3),
        (actor(ActorCondition { search: searched("ada"), ..ActorCondition::default() }), PEOPLE * 2),
        (of_target(TargetCondition { search: searched("ada"), ..TargetCondition::default() }), PEOPLE),
        (actor(ActorCondition { keys: Some(actors), ..ActorCondition::default() }), PEOPLE * 2),
        (of_target(TargetCondition { keys: Some(targets), ..TargetCondition::default() }), PEOPLE),
    ];
    let reader = log.reader();
    for (condition, count) in cases {
        let list = list(condition);
        statements.take();
        let found = walked(&reader, &list, true, false).await;
        let sql = statements.take().pop().unwrap();
        assert!(sql.contains(" u ORDER BY ") && !sql.contains(" w0"), "{sql}");
        assert_eq!(i64::try_from(found.len()).unwrap(), count, "{list:?}");
        let mut backwards = walked(&reader, &list, false, false).await;
        backwards.reverse();
        assert_eq!(found, backwards, "{list:?}");
        assert_eq!(found, walked(&reader, &list, true, true).await, "{list:?}");
        assert_eq!(reader.count(&list).await.unwrap(), count, "{list:?}");
        statements.take();
        for (limit, expected) in [(5, (5, false)), (count - 1, (count - 1, false)), (count, (count, true))] {
            let limit = u32::try_from(limit).unwrap();
            assert_eq!(reader.count_up_to(&list, limit).await.unwrap(), expected, "{list:?}");
        }
        // The events are scanned only if the keys give more positions than the count.
        let walked =
            statements.take().iter().filter(|sql| sql.contains("SELECT COUNT(*) FROM (SELECT 1 AS one")).count();
        assert!(walked <= 1, "{list:?}");
        let facet = reader.facet(&list, FacetField::Activity, 3, true).await.unwrap();
        assert_eq!(facet.buckets.iter().map(|(_, events)| events).sum::<i64>(), count, "{list:?}");
    }
}
