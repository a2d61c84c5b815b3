//! The access log, as an administrator reads it.

use serde_json::{Value, json};

use super::client::Client;
use super::wait::wait_for;

/// Access events in recording order. The name of the operation marks this query itself.
const ACCESSES: &str = include_str!("../../documents/access_log.graphql");

/// The access events recorded so far, without those of this query.
pub(crate) async fn accesses(admin: &Client) -> Vec<Value> {
    let filter = json!({ "service": { "eq": "auditgraph" } });
    let response = admin.query_with(ACCESSES, json!({ "filter": filter })).await;
    let mut nodes = response.data("/auditEventFeed/nodes").as_array().unwrap().clone();
    nodes.retain(|node| detail(node, "operationName") != Some("Accesses"));
    nodes
}

/// A detail of an event.
pub(crate) fn detail<'a>(event: &'a Value, key: &str) -> Option<&'a str> {
    let details = event["additionalDetails"].as_array().unwrap();
    details.iter().find(|detail| detail["key"] == key)?["value"].as_str()
}

/// The sum of a detail that is a number.
pub(crate) fn sum(events: &[Value], key: &str) -> u64 {
    events.iter().filter_map(|event| detail(event, key)).map(|number| number.parse::<u64>().unwrap()).sum()
}

/// Waits until the access events of an activity cover a number of requests, and returns them.
pub(crate) async fn until(admin: &Client, activity: &str, requests: u64) -> Vec<Value> {
    wait_for(&format!("{requests} requests with the activity {activity}"), async || {
        let mut found = accesses(admin).await;
        found.retain(|event| event["activity"] == activity);
        (sum(&found, "requests") >= requests).then_some(found)
    })
    .await
}
