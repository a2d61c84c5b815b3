//! Bodies survive storing byte for byte in every form, and take no more memory than their texts.

use fastrand::Rng;
use model::filter::{Condition, TimeRange};
use model::page::{Order, OrderField, Page};
use model::sensitive::SensitiveNames;
use model::{NewEvent, StoredBodyFormat};
use proptest::test_runner::TestRunner;
use store::{EventQuery, QueryBudget, StoreError};

use super::arbitrary::bodies;
use crate::harness::database::{NOW, TestLog, numbers};
use crate::harness::events::{Detail, EventBody, EventExt as _, event, json};

/// A page of the whole log in the order of recording.
fn all() -> (EventQuery, Page) {
    let list = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
    let page = Page {
        order: Order { field: OrderField::Sequence, descending: false },
        limit: 10_000,
        from_end: false,
        after: None,
        before: None,
        window: None,
    };
    (list, page)
}

/// Returns the stored texts of all events, in the order of recording.
async fn texts(log: &TestLog) -> Vec<String> {
    let (list, page) = all();
    let reader = log.reader();
    let rows = reader.page(&list, &page).await.unwrap().rows;
    rows.into_iter().map(|(_, row)| reader.event_of(row).unwrap().raw.unwrap().text().to_owned()).collect()
}

/// Returns the text that is stored for an event.
fn text_of(body: &EventBody) -> String {
    NewEvent::parse(body.clone(), NOW, &SensitiveNames::default()).unwrap().json().to_owned()
}

/// An event with a detail of this JSON text.
fn detailed(key: &str, value: &str) -> EventBody {
    let mut event = event(key);
    event.additional_details.push(Detail::json("value", Some(json(value))));
    event
}

/// An event whose body has exactly this length, filled with what `character` returns.
fn filled(key: &str, bytes: usize, mut character: impl FnMut() -> char) -> EventBody {
    let rest = bytes - text_of(&detailed(key, "\"\"")).len();
    let value: String = (0..rest).map(|_| character()).collect();
    detailed(key, &format!("\"{value}\""))
}

#[tokio::test]
async fn bodies_survive_byte_for_byte() {
    let log = TestLog::new().await;
    let mut events = bodies(&mut TestRunner::default(), "k", 300);
    events.extend([
        detailed("escapes", r#""\\u0000 \u0001 \"\/ \ud83d\udca1""#),
        detailed("letters", "\"Ünïcödé ß 漢字 💡 \u{7f}\u{fffd}\""),
        detailed("numbers", "[1.10,1e400,-0,12345678901234567890123]"),
        detailed("repeated", r#"{"a":1,"a":2}"#),
    ]);
    let mut rng = Rng::with_seed(3);
    events.push(filled("zeros", model::event::BODY_BYTES_MAX, || '0'));
    events.push(filled("noise", model::event::BODY_BYTES_MAX, || rng.char('a'..='z')));
    let expected: Vec<String> = events.iter().map(text_of).collect();
    for batch in events.chunks(50) {
        log.record(batch.to_vec()).await;
    }
    assert_eq!(texts(&log).await, expected);
    let connection = log.database.connection().await;
    let stored = "SELECT CAST(SUM(octet_length(body)) AS bigint) FROM audit_event
        WHERE sequence = (SELECT MAX(sequence) - 1 FROM audit_event)";
    assert!(numbers(&connection, stored).await[0] < 10_000);
}

#[tokio::test]
async fn every_form_of_a_body_is_read() {
    let log = TestLog::new().await;
    log.record([event("plain"), event("compressed")]).await;
    let expected = texts(&log).await;
    let plain = log.database.replacing_in_body(1, "Bob", "Bob").await;
    log.database.execute(&plain).await;
    assert_eq!(texts(&log).await, expected);
    let connection = log.database.connection().await;
    let formats = numbers(&connection, "SELECT CAST(body_format AS bigint) FROM audit_event ORDER BY sequence").await;
    assert_eq!(formats, [StoredBodyFormat::Plain, StoredBodyFormat::Zstd].map(|format| i64::from(format.code())));
    // An event is the same in each form.
    let outcomes = log.record([event("plain"), event("compressed")]).await;
    assert!(outcomes.iter().all(|outcome| *outcome == store::RecordOutcome::Duplicate), "{outcomes:?}");
    let outcomes = log.record([event("plain").activity("Update user")]).await;
    assert_eq!(outcomes, [store::RecordOutcome::Conflict]);
}

#[tokio::test]
async fn byte_limit_counts_the_text_of_bodies() {
    let log = TestLog::new().await;
    log.record([filled("a", 1 << 20, || 'a'), filled("b", 1 << 20, || 'b')]).await;
    let (list, page) = all();
    for (limit, fits) in [((2 << 20) - 1, false), (2 << 20, true)] {
        let reader = log.reader().with_budget(QueryBudget::default().with_byte_limit(limit));
        match reader.page(&list, &page).await {
            Ok(slice) => assert!(fits && slice.rows.len() == 2),
            Err(StoreError::TooLarge { requested, .. }) => assert_eq!((fits, requested), (false, 2 << 20)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn body_that_cannot_be_decompressed_is_an_error_of_its_event() {
    let log = TestLog::new().await;
    log.record([event("a"), event("b"), event("c")]).await;
    let (list, page) = all();
    for (damage, column, reason) in [
        ("body = substr(body, 1, 30)", "body", "the frame is damaged: "),
        ("body = '{}', body_format = 2", "body", "no zstd frame"),
        ("body_format = 3", "body_format", "unknown format 3"),
    ] {
        log.database.execute(&format!("UPDATE audit_event SET {damage} WHERE sequence = 2")).await;
        let reader = log.reader();
        let rows = reader.page(&list, &page).await.unwrap().rows;
        let found: Vec<_> = rows.into_iter().map(|(_, row)| reader.event_of(row)).collect();
        assert!(found[0].is_ok() && found[2].is_ok());
        match &found[1] {
            Err(StoreError::Corrupt { table: "audit_event", column: of, id, reason: why }) => {
                assert_eq!((*of, id.as_str()), (column, "2"));
                assert!(why.starts_with(reason), "{why}");
            }
            found => panic!("{damage}: {found:?}"),
        }
    }
}
