//! Events, read back.

use crate::harness::app::TestApp;
use crate::harness::events::{EventExt as _, change, event};

#[tokio::test]
async fn an_event_comes_back_with_everything_it_was_recorded_with() {
    let app = TestApp::start().await;
    let body = event("first").at(app.now()).change(change("Role", None, Some("\"Member\"")));
    app.record([body]).await;
    let answer = app
        .admin()
        .query("{ auditEvents { nodes { eventKey sequence targets { modifiedProperties { name newValue } } } } }")
        .await;
    let expected = serde_json::json!([{
        "eventKey": "first",
        "sequence": 1,
        "targets": [{ "modifiedProperties": [{ "name": "Role", "newValue": "Member" }] }],
    }]);
    assert_eq!(*answer.data("/auditEvents/nodes"), expected);
}
