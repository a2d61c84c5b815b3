//! Data outside the scope of a caller is unobservable: a log that also holds events of another tenant, or of services
//! outside the scope, gives the same responses as a log without them.
//!
//! Two callers record events that are as similar as possible: same keys, names, actors, targets and correlation ids, in
//! turn. They share one server, and each also has a server of its own. Every query gets the same response from both
//! servers, and no response contains the marker string of the other caller.

mod queries;
mod callers;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::harness::events::{EventBody, EventExt as _, Status, Timestamp, change, event, target, user};
use crate::store::arbitrary::for_all;
use callers::{TestServer, Wall};
use queries::{ScopedQuery, compare};

/// Words in the strings of both callers.
const WORDS: [&str; 3] = ["Ada", "secret", "50%_off"];
/// Marker strings, one per caller.
const MARKS: [&str; 2] = ["juniper", "saffron"];
/// The property with sensitive values.
const SENSITIVE: &str = "Password";
/// Number of random pairs of logs.
const CASES: usize = 6;

fn marker_word(side: usize) -> impl Strategy<Value = &'static str> {
    select([&WORDS[..], &[MARKS[side]]].concat())
}

/// A random event of a caller, without key and time.
fn happening(wall: Wall, side: usize) -> BoxedStrategy<EventBody> {
    let texts = prop::array::uniform8(marker_word(side));
    let status = select(&[Status::Success, Status::Failure][..]);
    (select(wall.services(side)), texts, status, any::<bool>())
        .prop_map(|(service, texts, status, is_sensitive)| {
            let [actor, activity, category, component, correlation, name, from, to] = texts;
            let quoted = |text: &str| Value::from(text).to_string();
            let property = if is_sensitive { SENSITIVE } else { name };
            let mut body = event("")
                .service(service, &format!("{category} management"))
                .activity(&format!("{activity} was changed"))
                .actor(user(&format!("{actor}@contoso.example")))
                .targets(vec![target(name)])
                .change(change(property, Some(&quoted(from)), Some(&quoted(to))));
            body.status = status;
            body.correlation_id = Some(correlation.to_owned());
            body.component = Some(component.to_owned());
            body
        })
        .boxed()
}

/// The events of a caller, oldest first: the same keys for both callers, and no two events at one time, so that a
/// cursor has the same meaning in both logs.
fn happenings(wall: Wall, side: usize) -> BoxedStrategy<Vec<EventBody>> {
    vec(happening(wall, side), 1..6)
        .prop_map(|mut bodies| {
            for (i, body) in bodies.iter_mut().enumerate() {
                body.event_key = format!("key-{i}");
            }
            bodies
        })
        .boxed()
}

/// The time of the n-th event of a caller.
fn time_of(from: Timestamp, side: usize, n: usize) -> Timestamp {
    from.plus(i64::try_from(2 * n + side).unwrap() * 1_000_000)
}

/// The events of two callers, and their queries.
async fn never_meet(wall: Wall, cases: usize) {
    let servers = TestServer::build(wall).await;
    let case = ([happenings(wall, 0), happenings(wall, 1)], vec(queries::filter(), 1..3));
    for_all(&mut TestRunner::default(), cases, &case, async |(events, filters)| {
        let mut parties = servers.parties().await;
        let from = parties[0].beginning();
        let question = ScopedQuery::new(&filters);
        for party in &mut parties {
            party.listen(&question).await;
        }
        let longest = events.iter().map(Vec::len).max().unwrap_or(0);
        for n in 0..longest {
            for (side, party) in parties.iter().enumerate() {
                if let Some(body) = events[side].get(n) {
                    party.record(body.clone().at(time_of(from, side, n))).await;
                }
            }
        }
        for party in &mut parties {
            party.listen_from_the_start(&question).await;
        }
        for (side, party) in parties.iter().enumerate() {
            party
                .record(event(queries::LAST).service(wall.services(side)[0], "Last").at(time_of(from, side, longest)))
                .await;
        }
        let [one, two] = &mut parties;
        compare(&question, one, two).await?;
        compare(&question, two, one).await
    })
    .await;
}

#[tokio::test]
async fn tenant_cannot_observe_another_tenant() {
    never_meet(Wall::Tenants, CASES).await;
}

#[tokio::test]
async fn caller_cannot_observe_services_outside_its_scope() {
    never_meet(Wall::Services, CASES).await;
}
