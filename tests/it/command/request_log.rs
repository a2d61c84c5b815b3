//! The request log: one line per request, without secrets.

use std::io::{BufRead as _, BufReader, Read as _};

use serde_json::{Value, json};

use crate::harness::app::SECRET;
use crate::harness::cli::{Running, TestCli, program, run};
use crate::harness::client::Client;
use crate::harness::keys::hs256;

#[tokio::test]
async fn every_request_is_logged_without_secrets() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info", "--log-format"];
    let mut child = Running::start(program(&[&arguments[..], &["json", "--database-url", &cli.database.url]].concat()));
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
    let query = include_str!("../../documents/every_request_is_logged_without_secrets.graphql");
    let response = client.clone().token(token).query_with(query, json!({ "id": "hush-hush" })).await;
    client.clone().token("hush.hush.hush").query("{ viewer { subject } }").await;
    client.get(&[("query", "hush")]).await;
    child.signal("-TERM");
    let rest: Vec<Value> = lines.collect();
    child.ended();

    let logged: Vec<&Value> = rest.iter().filter(|line| line["fields"]["message"] == "request completed").collect();
    assert_eq!(logged.len(), 3, "{rest:#?}");
    let fields = &logged[0]["fields"];
    assert_eq!(fields["request_id"], response.header("x-request-id"));
    let expected = [
        ("method", json!("POST")),
        ("route", json!("/graphql")),
        ("status", json!(200)),
        ("code", json!("OK")),
        ("tenant", json!("contoso")),
        ("subject", json!("ada {\"evil\":1}")),
        ("operation_type", json!("query")),
        ("operation_name", json!("Who")),
        ("root_fields", json!("auditEvents,viewer")),
        ("rows", json!(0)),
    ];
    for (name, value) in expected {
        assert_eq!(fields[name], value, "{name}");
    }
    assert!(fields["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&logged[1]["fields"]["code"], &logged[1]["fields"]["status"]),
        (&json!("UNAUTHENTICATED"), &json!(401))
    );
    let all = format!("{rest:?}");
    for secret in ["hush", token, SECRET] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
}

#[tokio::test]
async fn refused_events_are_in_the_line_of_their_request() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info", "--log-format"];
    let mut server =
        Running::start(program(&[&arguments[..], &["json", "--database-url", &cli.database.url]].concat()));
    let mut lines = BufReader::new(server.stderr.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["fields"].take());
    let listening = lines.find(|line| line["message"] == "listening").unwrap();
    let client = Client::new(&format!("http://{}", listening["address"].as_str().unwrap()));
    let recorder = client.permitted("contoso", "audit/write");
    let event = |key: &str, activity: &str| {
        json!({ "eventKey": key, "occurredAt": "2026-01-01T00:00:00Z", "service": "Payroll", "category": "c",
            "activity": activity, "status": "SUCCESS", "actor": { "system": { "name": "Job" } } })
    };
    for events in [
        json!([event("1", "a"), event("2", "a")]),
        json!([event("1", "a"), event("3", "")]),
        json!([event("4", ""), event("5", ""), event("1", "b"), event("6", "a")]),
    ] {
        recorder.send(recorder.request(reqwest::Method::POST, "/v1/events").json(&events)).await;
    }
    recorder.query("{ viewer { subject } }").await;
    server.signal("-TERM");
    let lines: Vec<Value> = lines.filter(|line| line["message"] == "request completed").collect();
    server.ended();
    let numbers = ["code", "recorded", "duplicates", "conflicts", "rejected"];
    let found: Vec<Value> = lines.iter().map(|line| json!(numbers.map(|name| line[name].clone()))).collect();
    let expected = [
        json!(["OK", 2, 0, 0, 0]),
        json!(["REJECTED", 0, 1, 0, 1]),
        json!(["CONFLICT", 1, 0, 1, 2]),
        json!(["OK", null, null, null, null]),
    ];
    assert_eq!(found, expected);
}

/// Line separators of various programs.
const BREAKS: [&str; 5] = ["\n", "\r\n", "\u{85}", "\u{2028}", "\u{1b}[2K\r"];

#[tokio::test]
async fn caller_cannot_inject_log_lines() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    for format in ["json", "text"] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info", "--log-format"];
        let mut server =
            Running::start(program(&[&arguments[..], &[format, "--database-url", &cli.database.url]].concat()));
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let (mut listening, mut rest) = (String::new(), String::new());
        while !listening.contains("listening") {
            listening.clear();
            log.read_line(&mut listening).unwrap();
        }
        let address = listening.split(['"', '=', ' ']).find_map(|word| word.trim().strip_prefix("127.0.0.1:")).unwrap();
        let client = Client::new(&format!("http://127.0.0.1:{}", address.trim()));
        for split in BREAKS {
            let forged = format!("ada{split}2026-01-01T00:00:00Z  INFO forged");
            // The `token` command rejects this name; an issuer might not.
            let claims = json!({
                "sub": forged, "tid": "contoso", "name": forged, "azp": forged, "roles": ["GlobalAdmin"],
                "exp": 4_000_000_000_u32,
            });
            let query = format!("query {{ viewer {{ subject }} }} # {forged}");
            let client = client.clone().token(&hs256(SECRET.as_bytes(), &claims));
            let asked = json!({ "query": query, "operationName": forged });
            let request = client.request(reqwest::Method::POST, "/graphql").json(&asked);
            let response = client.send(request.header("x-request-id", "a\u{2028}forged")).await;
            assert!([200, 400, 401].contains(&response.status), "{}", response.text);
        }
        server.signal("-TERM");
        log.read_to_string(&mut rest).unwrap();
        server.ended();
        let logged: Vec<&str> = rest.lines().filter(|line| line.contains("request completed")).collect();
        assert_eq!(logged.len(), BREAKS.len(), "{rest}");
        let is_control = |c: char| c != '\n' && (c.is_control() || "\u{2028}\u{2029}".contains(c));
        assert!(!rest.contains(is_control), "{rest:?}");
        assert!(rest.lines().all(|line| !line.starts_with("2026-01-01")), "{rest}");
    }
}
