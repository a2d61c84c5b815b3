//! Query plans: a page of one value is an index scan in order that examines few other rows.

use std::collections::BTreeSet;

use model::filter::{
    ActorCondition, Condition, EventString, PropertyCondition, SetCondition, StringCondition, TargetCondition,
    TimeRange,
};
use model::json::hash16;
use model::page::{Order, OrderField, Page};
use model::time::DAY;
use model::{EventId, PropertyChange, Scope, ServiceSet, Status, Target, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait as _};
use store::EventQuery;

use crate::harness::database::{NOW, Statements, TestDatabase, TestLog};
use crate::harness::events::{EventExt as _, change, event, target};

const EVENTS: i64 = 30_000;
const LIMIT: u32 = 50;
/// Number of custom plans of a prepared statement before PostgreSQL considers a generic plan.
const RUNS_BEFORE_DECIDING: usize = 6;

/// The terms of a filled log: the number of their kind, their word, and how many there are. The number of a term is its
/// index plus 10,000 times the number of its kind.
const TERMS: [(i16, &str, i64); 7] = [
    (1, "service ", 5),
    (3, "category ", 30),
    (4, "activity ", 200),
    (6, "application ", 40),
    (9, "property ", 120),
    (10, "user:upn:", 1_000),
    (11, "id:", 2_000),
];

/// The hash of a correlation id in the column of an event.
fn correlation_hash(id: &str) -> i32 {
    i32::from_be_bytes(hash16(id.as_bytes())[..4].try_into().unwrap())
}

/// A log with a realistic distribution of values over ninety days; runs ANALYZE if `analyzed`.
async fn filled(analyzed: bool) -> (TestLog, Statements) {
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    log.record([event("first")]).await;
    let connection = log.database.connection().await;
    let hash = if log.database.is_postgres() { "decode(md5(CAST(i AS text)), 'hex')" } else { "randomblob(16)" };
    let n = format!("WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {EVENTS})");
    let at = format!("{} - ({EVENTS} - i) * CAST({} AS bigint)", NOW.0, 90 * DAY / EVENTS);
    let correlations =
        (0..1000).step_by(2).map(|i| format!("({i}, {})", correlation_hash(&format!("correlation {i}"))));
    let correlations = correlations.collect::<Vec<_>>().join(", ");
    let terms = TERMS.map(|(kind, word, count)| {
        format!(
            "INSERT INTO term (tenant_id, id, kind, key)
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
             SELECT t.id, {kind} * 10000 + i, {kind}, '{word}' || i FROM n, tenant t"
        )
    });
    for sql in terms {
        connection.execute_unprepared(&sql).await.unwrap();
    }
    for sql in [
        format!(
            "INSERT INTO audit_event (tenant_id, sequence, occurred_at, recorded_at, correlation_hash, service, component,
                category, activity_key, activity_name, actor_id, actor_key, application_id, ip_address, recorded_by,
                event_key_hash, resource_type, operation_type, group_source, status, recorded_via, body_format, checksum,
                body)
             {n}, c (n, hash) AS (VALUES {correlations})
             SELECT e.tenant_id, i, {at}, {at}, COALESCE(c.hash, 0),
                CASE WHEN i % 5 < 3 THEN e.service ELSE 10000 + i % 5 END, 0, 30000 + i % 30, 40000 + i * 7 % 200, 0,
                e.actor_id, 100000 + i * 13 % 1000, CASE WHEN i % 4 = 0 THEN 60000 + i % 40 ELSE 0 END, 0, e.recorded_by, i,
                e.resource_type, e.operation_type, 0, CASE WHEN i % 97 = 0 THEN 2 ELSE 1 END, 3, e.body_format, e.checksum,
                e.body
             FROM n CROSS JOIN audit_event e LEFT JOIN c ON c.n = i % 1000"
        ),
        format!(
            "INSERT INTO event_key (tenant_id, key_hash, sequence, input_hash)
             {n} SELECT t.id, {hash}, i, {hash} FROM n, tenant t"
        ),
        format!(
            "INSERT INTO event_target (tenant_id, sequence, ordinal, occurred_at, target_id, target_key, is_first)
             {n} SELECT t.id, i, o, {at}, 1, 110000 + (i * 31 + o) % 2000, 1
             FROM n, tenant t, (SELECT 0 AS o UNION SELECT 1) os"
        ),
        format!(
            "INSERT INTO property_change (tenant_id, sequence, target_ordinal, ordinal, occurred_at, name_key, old_hash,
                new_hash, flags, is_first)
             {n} SELECT t.id, i, 0, 0, {at}, 90000 + i % 120, 0, 0, 1, 1 FROM n, tenant t"
        ),
        format!("UPDATE tenant_log SET last_sequence = {EVENTS}"),
    ] {
        connection.execute_unprepared(&sql).await.unwrap();
    }
    if analyzed {
        connection.execute_unprepared("ANALYZE").await.unwrap();
    }
    (log, statements)
}

/// A list, its order, the index that it must scan, and the values of its statement between tenant and
/// limit.
struct Case {
    condition: Condition,
    scope: Scope,
    field: OrderField,
    index: &'static str,
    values: Vec<String>,
    /// Whether the events are also evaluated one by one, so that the statement has another limit.
    is_evaluated: bool,
}

/// The limit of a statement whose events are evaluated one by one.
const EVALUATED_LIMIT: u32 = 200;

fn one(value: &str) -> StringCondition {
    StringCondition { one_of: Some(BTreeSet::from([value.to_owned()])), ..StringCondition::default() }
}

fn start() -> Timestamp {
    NOW.plus(-30 * DAY)
}

fn cases() -> Vec<Case> {
    let from = start().0.to_string();
    let case = |condition, index, value: &str, is_driver: bool| {
        let mut values = vec![from.clone(), format!("'{value}'")];
        if is_driver {
            values.swap(0, 1);
        }
        Case { condition, scope: Scope::all(), field: OrderField::OccurredAt, index, values, is_evaluated: false }
    };
    let text = |column, index, value: &str| case(Condition::String(column, one(value)), index, value, false);
    let actor = ActorCondition { keys: one("user:upn:7").one_of, ..ActorCondition::default() };
    let application = ActorCondition { application_id: Some(one("application 8")), ..ActorCondition::default() };
    let failed = SetCondition { one_of: Some(vec![Status::Failure]), none_of: Vec::new() };
    let target = TargetCondition { keys: one("id:77").one_of, ..TargetCondition::default() };
    let name = PropertyCondition { name: Some(one("property 5")), ..PropertyCondition::default() };
    let property = TargetCondition { modified_property: Some(name), ..TargetCondition::default() };
    let all = |field, index| Case {
        condition: Condition::everything(),
        scope: Scope::all(),
        field,
        index,
        values: vec![from.clone()],
        is_evaluated: false,
    };
    let correlation = Condition::String(EventString::Correlation, one("correlation 8"));
    let intune = Scope { visible: ServiceSet::of(["service 3"]), sensitive: ServiceSet::none() };
    vec![
        all(OrderField::OccurredAt, "audit_event_time"),
        all(OrderField::Sequence, "audit_event_pkey"),
        text(EventString::Service, "audit_event_service", "service 3"),
        text(EventString::Category, "audit_event_category", "category 5"),
        text(EventString::Activity, "audit_event_activity", "activity 9"),
        Case {
            condition: correlation,
            values: vec![from.clone(), correlation_hash("correlation 8").to_string()],
            is_evaluated: true,
            ..all(OrderField::OccurredAt, "audit_event_correlation")
        },
        case(Condition::Actor(Box::new(actor)), "audit_event_actor", "user:upn:7", false),
        case(Condition::Actor(Box::new(application)), "audit_event_application", "application 8", false),
        Case { condition: Condition::Status(failed), ..all(OrderField::OccurredAt, "audit_event_status") },
        case(Condition::Target(Box::new(target)), "event_target_key", "id:77", true),
        case(Condition::Target(Box::new(property)), "property_change_name", "property 5", true),
        Case {
            scope: intune,
            values: vec!["'service 3'".to_owned(), from.clone()],
            ..all(OrderField::OccurredAt, "audit_event_service")
        },
    ]
}

/// The statement with its values inlined.
fn written(sql: &str, values: &[String]) -> String {
    let all = values.iter().enumerate().rev();
    all.fold(sql.to_owned(), |sql, (i, value)| sql.replace(&format!("${}", i + 1), value))
}

/// The plan of SQLite: one line per step.
async fn sqlite_plan(connection: &DatabaseTransaction, sql: &str) -> String {
    let statement = Statement::from_string(connection.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(3).unwrap() + "\n").collect()
}

/// The plan of PostgreSQL for a prepared statement, after running it.
async fn postgres_plan(connection: &DatabaseTransaction, sql: &str, values: &[String], mode: &str) -> String {
    let word = |(i, value): (usize, &String)| match value.strip_prefix('\'') {
        Some(_) => "text",
        None if i == 0 => "int4",
        None => "int8",
    };
    let types: Vec<&str> = values.iter().enumerate().map(word).collect();
    // The settings of reading sessions.
    let settings = format!("SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL plan_cache_mode = {mode}");
    connection.execute_unprepared(&settings).await.unwrap();
    connection.execute_unprepared(&format!("PREPARE {mode} ({}) AS {sql}", types.join(", "))).await.unwrap();
    let execute = format!("EXECUTE {mode} ({})", values.join(", "));
    if mode == "auto" {
        // After these runs PostgreSQL decides between custom and generic plans.
        for _ in 0..RUNS_BEFORE_DECIDING {
            connection.execute_unprepared(&execute).await.unwrap();
        }
    }
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) {execute}");
    // EXPLAIN itself cannot be prepared.
    let rows = connection.query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, explain)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n").collect()
}

/// Number of rows that the scans of a plan have examined.
fn examined(plan: &str) -> f64 {
    let number = |text: &str| text.split([' ', ')']).next().unwrap().parse::<f64>().unwrap();
    let mut examined = 0.0;
    let mut loops = 1.0;
    for line in plan.lines() {
        if let Some((_, actual)) = line.split_once("(actual rows=") {
            loops = actual.split_once("loops=").map_or(1.0, |(_, loops)| number(loops));
            if line.contains("Scan") {
                examined += number(actual) * loops;
            }
        } else if let Some((_, removed)) = line.split_once("Rows Removed by Filter: ") {
            examined += number(removed) * loops;
        }
    }
    examined
}

/// Checks the plans of a statement: this index, nothing sorted, few rows.
async fn check(log: &TestLog, sql: &str, values: &[String], index: &str) {
    let highest = (1..99).take_while(|n| sql.contains(&format!("${n}"))).count();
    assert_eq!(highest, values.len(), "{sql} {values:?}");
    let connection = log.database.connection().await;
    let transaction = connection.begin().await.unwrap();
    if log.database.is_postgres() {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let plan = postgres_plan(&transaction, sql, values, mode).await;
            assert!(plan.contains(&format!(" {index} on ")), "{index} {mode}:\n{sql}\n{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{index} {mode}:\n{sql}\n{plan}");
            assert!(examined(&plan) <= f64::from(LIMIT) * 3.0, "{index} {mode} {}:\n{sql}\n{plan}", examined(&plan));
        }
    } else {
        let index = if index == "audit_event_pkey" { "sqlite_autoindex_audit_event_1" } else { index };
        for sql in [sql, &written(sql, values)] {
            let plan = sqlite_plan(&transaction, sql).await;
            assert!(plan.contains(&format!("INDEX {index} (")), "{index}:\n{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{index}:\n{sql}\n{plan}");
        }
    }
    transaction.rollback().await.unwrap();
}

async fn pages_walk_their_index(log: &TestLog, statements: &Statements) {
    for case in cases() {
        let order = Order { field: case.field, descending: true };
        let list =
            EventQuery { condition: case.condition, period: TimeRange { from: Some(start()), to: None }, as_of: None };
        let mut page = Page { limit: LIMIT, from_end: false, after: None, before: None, order, window: None };
        let mut values = vec!["1".to_owned()];
        values.extend(case.values);
        for limit in [LIMIT + 1, LIMIT + 2] {
            let limit = if case.is_evaluated { EVALUATED_LIMIT } else { limit };
            statements.take();
            let rows = log.reader_for(case.scope.clone()).page(&list, &page).await.unwrap().rows;
            let mut values = [values.clone(), vec![limit.to_string()]].concat();
            if let Some(cursor) = page.after {
                let mut position = vec![cursor.position.sequence.to_string()];
                if case.field == OrderField::OccurredAt {
                    position.insert(0, cursor.position.occurred_at.0.to_string());
                }
                values.splice(values.len() - 1..values.len() - 1, position);
            }
            check(log, &statements.take()[0], &values, case.index).await;
            let Some((cursor, _)) = rows.get(rows.len() / 2) else { break };
            page.after = Some(*cursor);
        }
    }
}

#[tokio::test]
async fn page_of_one_value_scans_its_index() {
    let (log, statements) = filled(true).await;
    pages_walk_their_index(&log, &statements).await;
}

#[tokio::test]
async fn page_of_one_value_scans_its_index_without_statistics() {
    // Autovacuum collects statistics at an unpredictable time.
    if !TestDatabase::new().await.is_postgres() {
        let (log, statements) = filled(false).await;
        pages_walk_their_index(&log, &statements).await;
    }
}

/// The values of a statement: the words before each placeholder determine its value, and the rest are the
/// values of the list.
fn values_of(sql: &str, asked: &[String]) -> Vec<String> {
    let mut asked = asked.iter();
    let mut values = vec!["1".to_owned()];
    while let Some(position) = sql.find(&format!("${}", values.len() + 1)) {
        let before = &sql[..position];
        values.push(match before {
            before if before.ends_with(".occurred_at >= ") => start().0.to_string(),
            before if before.ends_with(" LIMIT ") => (LIMIT + 1).to_string(),
            _ => {
                let value = asked.next().unwrap();
                if value.parse::<i64>().is_ok() { value.clone() } else { format!("'{value}'") }
            }
        });
    }
    values
}

fn some(values: impl IntoIterator<Item = String>) -> StringCondition {
    StringCondition { one_of: Some(values.into_iter().collect()), ..StringCondition::default() }
}

/// Lists of several values, the index that each scans, the number of range scans, and the values of the statement.
fn merged_cases() -> Vec<(Condition, Scope, &'static str, usize, Vec<String>)> {
    let texts = |word: &str, n: usize| (0..n).map(|i| format!("{word}{i}")).collect::<Vec<_>>();
    let text = |column, index, word: &str, n: usize| {
        (Condition::String(column, some(texts(word, n))), Scope::all(), index, n, texts(word, n))
    };
    let correlations = texts("correlation ", 16);
    let hashes: BTreeSet<&String> = correlations.iter().collect();
    let hashes = hashes.into_iter().map(|id| correlation_hash(id).to_string()).collect();
    let correlation = Condition::String(EventString::Correlation, some(correlations));
    let keys = texts("user:upn:", 16);
    let actors = ActorCondition { keys: some(keys.clone()).one_of, ..ActorCondition::default() };
    let rare =
        SetCondition { one_of: Some(vec![Status::Failure, Status::Timeout, Status::Failure]), none_of: Vec::new() };
    let targets = TargetCondition { keys: some(texts("id:", 4)).one_of, ..TargetCondition::default() };
    let names = Some(some(texts("property ", 3)));
    let property = PropertyCondition { name: names, ..PropertyCondition::default() };
    let alternatives =
        texts("category ", 3).into_iter().map(|value| Condition::String(EventString::Category, one(&value)));
    let either = Condition::Any(alternatives.collect());
    let changed = TargetCondition { modified_property: Some(property), ..TargetCondition::default() };
    let intune = Scope { visible: ServiceSet::of(["service 3", "service 4"]), sensitive: ServiceSet::none() };
    vec![
        text(EventString::Category, "audit_event_category", "category ", 16),
        text(EventString::Activity, "audit_event_activity", "activity ", 2),
        (correlation, Scope::all(), "audit_event_correlation", 16, hashes),
        (either, Scope::all(), "audit_event_category", 3, texts("category ", 3)),
        (Condition::Actor(Box::new(actors)), Scope::all(), "audit_event_actor", 16, keys),
        (Condition::Status(rare), Scope::all(), "audit_event_status", 2, Vec::new()),
        (
            Condition::everything(),
            intune,
            "audit_event_service",
            2,
            vec!["service 3".to_owned(), "service 4".to_owned()],
        ),
        (Condition::Target(Box::new(targets)), Scope::all(), "event_target_key", 4, texts("id:", 4)),
        (Condition::Target(Box::new(changed)), Scope::all(), "property_change_name", 3, texts("property ", 3)),
    ]
}

#[tokio::test]
async fn page_of_several_values_scans_the_index_of_each() {
    let (log, statements) = filled(true).await;
    for (condition, scope, index, walks, asked) in merged_cases() {
        for (descending, from_end) in [(true, false), (false, false), (true, true)] {
            let order = Order { field: OrderField::OccurredAt, descending };
            let period = TimeRange { from: Some(start()), to: None };
            let list = EventQuery { condition: condition.clone(), period, as_of: None };
            let page = Page { limit: LIMIT, from_end, after: None, before: None, order, window: None };
            statements.take();
            log.reader_for(scope.clone()).page(&list, &page).await.unwrap();
            let sql = statements.take().remove(0);
            let connection = log.database.connection().await;
            let transaction = connection.begin().await.unwrap();
            if log.database.is_postgres() {
                let values = values_of(&sql, &asked);
                // The first plans, and the final decision: custom plans stay if a generic plan
                // would cost more.
                for mode in ["force_custom_plan", "auto"] {
                    let plan = postgres_plan(&transaction, &sql, &values, mode).await;
                    assert!(!plan.contains("Seq Scan on audit_event"), "{index} {mode}:\n{sql}\n{plan}");
                    assert_eq!(plan.matches(&format!(" {index} on ")).count(), walks, "{index} {mode}:\n{sql}\n{plan}");
                    // Duplicates are removed after all range scans.
                    let factor = if sql.contains("UNION ALL") { 3 } else { 2 + 2 * u32::try_from(walks).unwrap() };
                    assert!(examined(&plan) <= f64::from(LIMIT * factor), "{index} {mode}:\n{sql}\n{plan}");
                }
            } else {
                let plan = sqlite_plan(&transaction, &sql).await;
                assert_eq!(plan.matches(&format!("INDEX {index} (")).count(), walks, "{index}:\n{sql}\n{plan}");
                assert!(!plan.contains("SCAN e"), "{index}:\n{sql}\n{plan}");
            }
            transaction.rollback().await.unwrap();
        }
    }
}

/// Lists without an exact index: the query, and the indexes of which one is scanned in page order.
fn walked_cases() -> Vec<(Condition, Vec<&'static str>, Vec<String>)> {
    let text = |column, value: &str| Condition::String(column, one(value));
    let category = || text(EventString::Category, "category 5");
    let contains = || StringCondition { contains: Some("y 19".to_owned()), ..StringCondition::default() };
    let starts = StringCondition { starts_with: Some("activity 1".to_owned()), ..StringCondition::default() };
    let activity = |condition| Condition::String(EventString::Activity, condition);
    let succeeded = SetCondition { one_of: Some(vec![Status::Success]), none_of: Vec::new() };
    let asked = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    vec![
        (Condition::Not(Box::new(category())), vec!["audit_event_time"], asked(&["category 5"])),
        (activity(contains()), vec!["audit_event_time"], asked(&["%y 19%"])),
        (activity(starts), vec!["audit_event_time"], asked(&["activity 1", "activity 2"])),
        (
            Condition::All(vec![category(), Condition::Status(succeeded)]),
            vec!["audit_event_category"],
            asked(&["category 5"]),
        ),
        (
            Condition::All(vec![category(), text(EventString::Service, "core directory")]),
            vec!["audit_event_category", "audit_event_service"],
            asked(&["category 5", "core directory"]),
        ),
        (
            Condition::Any(vec![category(), activity(contains())]),
            vec!["audit_event_time"],
            asked(&["category 5", "%y 19%"]),
        ),
    ]
}

#[tokio::test]
async fn unindexed_condition_is_scanned_in_page_order() {
    let (log, statements) = filled(true).await;
    for (condition, indexes, asked) in walked_cases() {
        for descending in [true, false] {
            let order = Order { field: OrderField::OccurredAt, descending };
            let period = TimeRange { from: Some(start()), to: None };
            let list = EventQuery { condition: condition.clone(), period, as_of: None };
            let page = Page { limit: LIMIT, from_end: false, after: None, before: None, order, window: None };
            statements.take();
            let rows = log.reader().page(&list, &page).await.unwrap().rows;
            assert_eq!(rows.len(), LIMIT as usize, "{condition:?}");
            let sql = statements.take().remove(0);
            let connection = log.database.connection().await;
            let transaction = connection.begin().await.unwrap();
            let postgres = log.database.is_postgres();
            let plan = if postgres {
                postgres_plan(&transaction, &sql, &values_of(&sql, &asked), "auto").await
            } else {
                sqlite_plan(&transaction, &sql).await
            };
            let walks = |index: &&str| plan.contains(&format!(" {index} "));
            assert!(indexes.iter().any(walks), "{indexes:?}:\n{sql}\n{plan}");
            assert!(!plan.contains("Seq Scan on audit_event") && !plan.contains("SCAN e"), "{sql}\n{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
            transaction.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn rare_word_is_found_by_keys() {
    let (log, statements) = filled(true).await;
    let order = Order { field: OrderField::OccurredAt, descending: true };
    let period = TimeRange { from: Some(start()), to: None };
    let page = Page { limit: LIMIT, from_end: false, after: None, before: None, order, window: None };
    let list = |word: &str| EventQuery { condition: Condition::Search(vec![word.to_owned()]), period, as_of: None };
    statements.take();
    assert_eq!(log.reader().page(&list("137"), &page).await.unwrap().rows.len(), LIMIT as usize);
    let sql = statements.take().pop().unwrap();
    let connection = log.database.connection().await;
    let transaction = connection.begin().await.unwrap();
    let plan = if log.database.is_postgres() {
        let asked = ["activity 137", "%137%"].map(str::to_owned);
        postgres_plan(&transaction, &sql, &values_of(&sql, &asked), "auto").await
    } else {
        sqlite_plan(&transaction, &sql).await
    };
    assert!(plan.contains(" audit_event_activity "), "{sql}\n{plan}");
    for walk in ["Seq Scan on audit_event", "Seq Scan on event_target", "audit_event_time", "SCAN e"] {
        assert!(!plan.contains(walk), "{walk}:\n{sql}\n{plan}");
    }
    transaction.rollback().await.unwrap();
    // A word without any name needs no scan.
    assert_eq!(log.reader().page(&list("nowhere"), &page).await.unwrap().rows.len(), 0);
    assert!(statements.take().pop().unwrap().contains("AND FALSE"));
    assert_eq!(log.reader().count(&list("nowhere")).await.unwrap(), 0);
    let of_all_time = EventQuery { period: TimeRange::default(), ..list("137") };
    assert_eq!(log.reader().count(&of_all_time).await.unwrap(), EVENTS / 200);
}

#[tokio::test]
async fn each_change_of_an_event_is_read_once() {
    let (targets, changes) = (60, 40);
    let statements = Statements::default();
    let log = TestLog::observed(Some(statements.observer())).await;
    let names = (0..changes).map(|i| format!("property {i}"));
    let properties: Vec<_> = names.map(|name| change(&name, None, Some("1"))).collect();
    let target = |i| Target { modified_properties: properties.clone(), ..target(&format!("target {i}")) };
    log.record([event("large").targets((0..targets).map(target).collect())]).await;
    let property = PropertyCondition {
        name: Some(one("property 5")),
        change: Some(SetCondition { one_of: Some(vec![PropertyChange::Removed]), none_of: Vec::new() }),
        ..PropertyCondition::default()
    };
    let alone = TargetCondition { modified_property: Some(property), ..TargetCondition::default() };
    let both = TargetCondition { search: Some("target".to_owned()), ..alone.clone() };
    for condition in [alone, both] {
        let list = EventQuery {
            condition: Condition::Not(Box::new(Condition::Target(Box::new(condition)))),
            period: TimeRange { from: Some(start()), to: None },
            as_of: None,
        };
        statements.take();
        assert_eq!(log.reader().count_up_to(&list, 10).await.unwrap(), (1, true));
        let sql = statements.take().remove(0);
        let connection = log.database.connection().await;
        let transaction = connection.begin().await.unwrap();
        if log.database.is_postgres() {
            let asked = ["property 5", "%target%"].map(str::to_owned);
            let values = values_of(&sql, &asked);
            let plan = postgres_plan(&transaction, &sql, &values, "auto").await;
            assert!(examined(&plan) < f64::from(targets * changes * 3), "{sql}\n{plan}");
        } else {
            let plan = sqlite_plan(&transaction, &sql).await;
            let position = |word: &str| plan.find(word);
            assert!(
                position("SEARCH p ").is_some()
                    && position("SEARCH t ").is_none_or(|t| position("SEARCH p ") < Some(t)),
                "{plan}"
            );
        }
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn lookup_by_id_uses_the_key_index() {
    let (log, statements) = filled(true).await;
    let ids: Vec<EventId> = (0..20).map(|i| EventId([i; 16])).collect();
    log.reader().events_by_id(&ids).await.unwrap();
    let sql = statements.take().pop().unwrap();
    let connection = log.database.connection().await;
    let transaction = connection.begin().await.unwrap();
    let bytes = if log.database.is_postgres() { "'\\x00'" } else { "x'00'" };
    let sql = written(&sql, &[vec!["1".to_owned()], vec![bytes.to_owned(); 20]].concat());
    if log.database.is_postgres() {
        let rows = transaction
            .query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, format!("EXPLAIN {sql}")))
            .await
            .unwrap();
        let plan: String = rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n").collect();
        assert!(plan.contains("event_key_pkey") && plan.contains("audit_event_pkey"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    } else {
        let plan = sqlite_plan(&transaction, &sql).await;
        assert!(plan.contains("SEARCH k USING PRIMARY KEY (tenant_id=? AND key_hash=?)"), "{plan}");
        assert!(
            plan.contains("SEARCH e USING INDEX sqlite_autoindex_audit_event_1 (tenant_id=? AND sequence=?)"),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn duplicate_lookup_uses_the_key_index_without_statistics() {
    let (log, statements) = filled(false).await;
    log.record((0..500).map(|i| event(&format!("new {i}")))).await;
    let sql = statements.take().into_iter().find(|sql| sql.contains("FROM event_key")).unwrap();
    let connection = log.database.connection().await;
    let transaction = connection.begin().await.unwrap();
    if log.database.is_postgres() {
        let hashes: Vec<String> = (0..500).map(|i| format!("\"\\\\x{i:032x}\"")).collect();
        let values = ["1".to_owned(), format!("'{{{}}}'", hashes.join(","))];
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let plan = postgres_plan(&transaction, &sql, &values, mode).await;
            assert!(plan.contains("using event_key_pkey") && !plan.contains("Seq Scan"), "{mode}:\n{sql}\n{plan}");
        }
    } else {
        let plan = sqlite_plan(&transaction, &sql).await;
        assert!(plan.contains("USING PRIMARY KEY (tenant_id=? AND key_hash=?)"), "{sql}\n{plan}");
    }
    transaction.rollback().await.unwrap();
}
