//! The lines that a server writes of its requests: who asked what, and nothing secret.

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use crate::harness::app::SECRET;
use crate::harness::client::Client;
use crate::harness::command::{Desk, ended, program, run};

#[tokio::test]
async fn every_request_has_a_line_and_no_line_holds_a_secret() {
    let desk = Desk::new().await;
    desk.run(&["tenant", "add", "contoso"]).ok();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info", "--log-format"];
    let mut child =
        program(&[&arguments[..], &["json", "--database-url", &desk.database.url]].concat()).spawn().unwrap();
    let id = child.id().to_string();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(|line| {
        let line = line.unwrap();
        serde_json::from_str::<Value>(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    });
    let listening = lines.find(|line| line["fields"]["message"] == "listening").unwrap();
    let client = Client::new(&format!("http://{}", listening["fields"]["address"].as_str().unwrap()));
    let token = run(&[
        "token",
        "--jwt-secret",
        SECRET,
        "--tenant",
        "contoso",
        "--role",
        "GLOBAL_ADMIN",
        "--subject",
        "ada {\"evil\":1}",
    ]);
    let token = token.ok();
    let query = "query Who($id: String!) { events: auditEvents(filter: { correlationId: { eq: $id } }) { nodes { id } } viewer { subject } }";
    let answer = client.clone().token(token).query_with(query, json!({ "id": "hush-hush" })).await;
    client.clone().token("hush.hush.hush").query("{ viewer { subject } }").await;
    client.get(&[("query", "hush")]).await;
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let rest: Vec<Value> = lines.collect();
    ended(child);

    let answered: Vec<&Value> = rest.iter().filter(|line| line["fields"]["message"] == "answered").collect();
    assert_eq!(answered.len(), 3, "{rest:#?}");
    let fields = &answered[0]["fields"];
    assert_eq!(fields["request_id"], answer.header("x-request-id"));
    let expected = [
        ("method", json!("POST")),
        ("address", json!("/graphql")),
        ("status", json!(200)),
        ("code", json!("OK")),
        ("tenant", json!("contoso")),
        ("subject", json!("ada {\"evil\":1}")),
        ("kind", json!("query")),
        ("operation", json!("Who")),
        ("fields", json!("auditEvents,viewer")),
        ("rows", json!(0)),
    ];
    for (name, value) in expected {
        assert_eq!(fields[name], value, "{name}");
    }
    assert!(fields["milliseconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&answered[1]["fields"]["code"], &answered[1]["fields"]["status"]),
        (&json!("UNAUTHENTICATED"), &json!(401))
    );
    let all = format!("{rest:?}");
    for secret in ["hush", token, SECRET] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
}
