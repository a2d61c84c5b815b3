//! Recording: durable, idempotent, dense.

use auditgraph::store::Outcome;

use crate::harness::database::TestLog;
use crate::harness::events::{EventExt as _, event};

#[tokio::test]
async fn the_same_event_again_is_a_duplicate_and_another_under_its_key_a_conflict() {
    let log = TestLog::new().await;
    assert_eq!(log.record([event("a"), event("a")]).await, [Outcome::Recorded(1), Outcome::Duplicate]);
    let again = [event("a"), event("a").activity("Delete user"), event("b")];
    assert_eq!(log.record(again).await, [Outcome::Duplicate, Outcome::Conflict, Outcome::Recorded(2)]);
}
