//! Strings of which a column contains only a hash: an event whose hash equals that of another string is never selected
//! by that string, and never left out by its negation.

use std::collections::BTreeSet;

use model::filter::{Condition, EventString, PropertyCondition, StringCondition, TargetCondition, TimeRange};
use model::json::hash16;
use model::page::{Order, Page};
use model::{EventBody, FacetField, Json};
use store::EventQuery;

use crate::harness::database::{NOW, TestLog, events};
use crate::harness::events::{EventExt as _, change, event};

/// Five events with different correlation ids and values, all of which have the hashes of those of event 3.
async fn of_equal_hashes() -> TestLog {
    let log = TestLog::new().await;
    let one = |i: i64| {
        let (before, after) = (format!("\"old {i}\""), format!("\"new {i}\""));
        let body = event(&format!("key {i}")).at(NOW.plus(-i)).change(change("Title", Some(&before), Some(&after)));
        EventBody { correlation_id: Some(format!("request {i}")), ..body }
    };
    log.record((1..=5).map(one)).await;
    let short = |bytes: [u8; 16]| i32::from_be_bytes(bytes[..4].try_into().unwrap());
    let value = |text: &str| short(Json::parse(text).unwrap().equality_hash());
    let equal = format!(
        "UPDATE audit_event SET correlation_hash = {}, event_key_hash = {};
         UPDATE property_change SET old_hash = {}, new_hash = {}",
        short(hash16(b"request 3")),
        short(hash16(b"key 3")),
        value("\"old 3\""),
        value("\"new 3\""),
    );
    log.database.execute(&equal).await;
    log
}

fn one_of(values: &[&str]) -> StringCondition {
    let values: BTreeSet<String> = values.iter().map(|value| (*value).to_owned()).collect();
    StringCondition { one_of: Some(values), ..StringCondition::default() }
}

fn changed(property: PropertyCondition) -> Condition {
    Condition::Target(Box::new(TargetCondition { modified_property: Some(property), ..TargetCondition::default() }))
}

/// The conditions that event 3 matches.
fn conditions() -> Vec<Condition> {
    let hash = |text: &str| Json::parse(text).map(|value| value.equality_hash());
    vec![
        Condition::String(EventString::Correlation, one_of(&["request 3"])),
        Condition::String(EventString::Correlation, one_of(&["request 3", "request 7"])),
        Condition::String(EventString::EventKey, one_of(&["key 3"])),
        Condition::String(
            EventString::EventKey,
            StringCondition { contains: Some("3".to_owned()), ..StringCondition::default() },
        ),
        changed(PropertyCondition { from: hash("\"old 3\""), ..PropertyCondition::default() }),
        changed(PropertyCondition {
            name: Some(one_of(&["title"])),
            to: hash("\"new 3\""),
            ..PropertyCondition::default()
        }),
    ]
}

#[tokio::test]
async fn equal_hashes_select_no_other_event() {
    let log = of_equal_hashes().await;
    let reader = log.reader();
    for condition in conditions() {
        let not = Condition::Not(Box::new(condition.clone()));
        let both = Condition::All(vec![condition.clone(), Condition::Search(vec!["add".to_owned()])]);
        for (condition, expected) in [(condition, vec![3]), (not, vec![1, 2, 4, 5]), (both, vec![3])] {
            let list = EventQuery { condition, period: TimeRange::default(), as_of: None };
            let page =
                Page { limit: 3, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
            let slice = events(&reader, &list, &page).await.unwrap();
            let mut found: Vec<i64> = slice.rows.iter().map(|(_, event)| event.sequence).collect();
            assert_eq!(slice.has_next, expected.len() > 3, "{list:?}");
            found.sort_unstable();
            assert_eq!(found, expected[..expected.len().min(3)], "{list:?}");
            let count = i64::try_from(expected.len()).unwrap();
            assert_eq!(reader.count(&list).await.unwrap(), count, "{list:?}");
            assert_eq!(reader.count_up_to(&list, 10).await.unwrap(), (count, true), "{list:?}");
            let facet = reader.facet(&list, FacetField::Activity, 3, true).await.unwrap();
            assert_eq!(facet.buckets.iter().map(|(_, events)| events).sum::<i64>(), count, "{list:?}");
            let feed = reader.feed(None, &list.condition, 10).await.unwrap();
            assert_eq!(feed.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), expected, "{list:?}");
        }
    }
}
