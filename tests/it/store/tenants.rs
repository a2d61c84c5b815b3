//! Tenants are isolated in lists, counts, lookups and searches, and every statement filters by tenant.

use model::filter::{Condition, TimeRange};
use model::fold::fold;
use model::page::{Order, Page};
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, FacetField, NewEvent, Timestamp};
use proptest::test_runner::TestRunner;
use store::{COPIED_TABLES, EventQuery, Reader, RecordOutcome};

use super::arbitrary::{bodies, condition, for_all};
use crate::harness::database::{NOW, Statements, TestLog, add_tenant, events};

async fn listed(reader: &Reader, list: &EventQuery) -> Vec<EventBody> {
    let page = Page { limit: 200, from_end: false, after: None, before: None, order: Order::NEWEST, window: None };
    let slice = events(reader, list, &page).await.unwrap();
    assert!(!slice.has_next);
    let mut bodies: Vec<EventBody> = slice.rows.into_iter().map(|(_, event)| event.body).collect();
    bodies.sort_by(|a, b| a.event_key.cmp(&b.event_key));
    bodies
}

/// Random events that differ in a field that is neither key nor name.
fn marked(runner: &mut TestRunner, prefix: &str, mark: &str) -> Vec<NewEvent> {
    let parse = |body: EventBody| {
        let mut body = body;
        mark.clone_into(&mut body.recording.recorded_by);
        NewEvent::parse(body, NOW, &SensitiveNames::default()).unwrap()
    };
    bodies(runner, prefix, 40).into_iter().map(parse).collect()
}

#[tokio::test]
async fn tenants_are_isolated() {
    let mut runner = TestRunner::default();
    let log = TestLog::new().await;
    let other = add_tenant(&log.store, "fabrikam").await;
    // Half of the keys are the same in both.
    let own = [marked(&mut runner, "k", "contoso"), marked(&mut runner, "own", "contoso")].concat();
    let theirs = [marked(&mut runner, "k", "fabrikam"), marked(&mut runner, "theirs", "fabrikam")].concat();
    for (a, b) in own.chunks(7).zip(theirs.chunks(7)) {
        for (writer, events) in [(log.writer(), a), (log.store.writer(&other), b)] {
            let outcomes = writer.record(events, NOW).await.unwrap();
            assert!(outcomes.iter().all(|outcome| matches!(outcome, RecordOutcome::Recorded(_))));
        }
    }
    let sides = [(log.reader(), &own, &theirs), (access::operator_reader(&log.store, &other), &theirs, &own)];
    for (reader, mine, foreign) in &sides {
        let mark = mine[0].body().recording.recorded_by.as_str();
        for_all(&mut runner, 60, &condition(), async |condition| {
            let list = EventQuery { condition: condition.clone(), period: TimeRange::default(), as_of: None };
            let found = listed(reader, &list).await;
            if let Some(body) = found.iter().find(|body| body.recording.recorded_by != mark) {
                return Err(format!("{mark} sees {body:?}"));
            }
            let (count, expected) = (reader.count(&list).await.unwrap(), i64::try_from(found.len()).unwrap());
            if count == expected { Ok(()) } else { Err(format!("counted {count}, listed {expected}")) }
        })
        .await;
        let all = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
        assert_eq!(listed(reader, &all).await.len(), mine.len());
        let ids: Vec<EventId> = foreign.iter().map(NewEvent::id).collect();
        let found = reader.events_by_id(&ids).await.unwrap();
        assert!(found.iter().flatten().all(|event| event.body.recording.recorded_by == mark));
        assert!(found.iter().any(Option::is_none));
        for (id, actor) in reader.actors("a", 100).await.unwrap() {
            let event = reader.event(id).await.unwrap().unwrap();
            assert_eq!((event.body.recording.recorded_by.as_str(), &event.body.actor), (mark, &actor));
        }
        let counted: i64 = reader.recorded_activities().await.unwrap().iter().map(|found| found.event_count).sum();
        assert_eq!(counted, i64::try_from(mine.len()).unwrap());
        assert_eq!(reader.extent().await.unwrap().head.sequence, counted);
    }
}

/// The tables that hold rows of tenants: all but the list of tenants itself.
fn tables() -> impl Iterator<Item = &'static str> {
    COPIED_TABLES.into_iter().filter(|table| *table != "tenant").chain(["rollup", "rollup_key", "rollup_block"])
}

/// The names under which a statement reads a tenant's tables: aliases, or the tables themselves.
fn names(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
    let reads = |word: &&str| ["FROM", "JOIN", "UPDATE"].contains(word);
    let mut names = Vec::new();
    for at in words.iter().enumerate().filter(|(_, word)| reads(word)).map(|(at, _)| at) {
        let table = words.get(at + 1).copied().unwrap_or_default();
        if tables().any(|known| known == table.trim_matches('"')) {
            let alias = words.get(at + 2).filter(|word| word.len() == 1);
            names.push(alias.map_or(table, |alias| *alias).to_owned());
        }
    }
    names
}

#[test]
fn statement_parser_finds_table_names() {
    let sql = "SELECT 1 FROM event_key k CROSS JOIN audit_event e WHERE EXISTS (SELECT 1 FROM actor a WHERE 1)";
    assert_eq!(names(sql), ["k", "e", "a"]);
    assert_eq!(names("SELECT \"actor\".\"id\" FROM \"actor\" WHERE 1"), ["\"actor\""]);
    assert_eq!(names("UPDATE \"tenant_log\" SET x = 1"), ["\"tenant_log\""]);
}

#[tokio::test]
async fn every_statement_filters_each_table_by_tenant() {
    let mut runner = TestRunner::default();
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    statements.take();
    log.record(bodies(&mut runner, "k", 20)).await;
    let mut ran = statements.take();
    // This statement covers all tenants.
    log.store.roll_up(7).await.unwrap();
    statements.take();
    let reader = log.reader();
    for_all(&mut runner, 100, &condition(), async |condition| {
        let list = EventQuery { condition, period: TimeRange::default(), as_of: None };
        reader.count_up_to(&list, 3).await.unwrap();
        let _ = listed(&reader, &list).await;
        Ok(())
    })
    .await;
    let everything = Condition::everything();
    let list = EventQuery { condition: everything, period: TimeRange::default(), as_of: Some(20) };
    for field in FacetField::ALL {
        reader.facet(&list, *field, 3, true).await.unwrap();
    }
    reader.histogram(&list, &[Timestamp(0), Timestamp(i64::MAX)]).await.unwrap();
    reader.actors(&fold("A"), 3).await.unwrap();
    reader.recorded_activities().await.unwrap();
    reader.extent().await.unwrap();
    reader.event(EventId([0; 16])).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    ran.extend(statements.take());
    for sql in ran {
        for name in names(&sql) {
            let own = if name.starts_with('"') {
                format!("{name}.\"tenant_id\" = ")
            } else {
                format!("{name}.tenant_id = $1")
            };
            assert!(sql.contains(&own), "{name} in {sql}");
            seen.insert(name);
        }
        let written = tables().any(|table| sql.starts_with(&format!("INSERT INTO \"{table}\"")));
        assert!(!written || sql.contains("(\"tenant_id\", "), "{sql}");
    }
    let expected = [
        "\"activity_type\"",
        "\"rollup_block\"",
        "\"rollup_key\"",
        "\"tenant_log\"",
        "a",
        "d",
        "e",
        "g",
        "i",
        "k",
        "p",
        "r",
        "t",
        "v",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
