//! `serve` and `demo`: what they refuse to start with, and how they end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};

use crate::harness::app::SECRET;
use crate::harness::client::Client;
use crate::harness::command::{Desk, ended, program};

#[tokio::test]
async fn without_keys_nothing_is_served_and_it_is_said_how_to_configure_one() {
    let desk = Desk::new().await;
    let serve = |options: &[&str]| desk.run(&[&["serve", "--listen", "127.0.0.1:0"], options].concat());
    let refused = serve(&[]);
    assert!(refused.refused().contains("set a JWT secret of at least 32 bytes"), "{refused:?}");
    let short = serve(&["--jwt-secret", "hush"]);
    assert!(short.refused().contains("32") && !short.err.contains("hush"), "{short:?}");
    let missing = serve(&["--jwt-public-key-file", "no/such/file.pem"]);
    assert!(missing.refused().contains("no/such/file.pem"), "{missing:?}");
}

#[tokio::test]
async fn a_server_brings_sqlite_to_its_schema_and_refuses_postgresql_that_is_not() {
    let desk = Desk::unmigrated().await;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info"];
    if desk.database.is_postgres() {
        let ended = desk.run(&arguments);
        assert!(ended.refused().contains("run `auditgraph migrate`"), "{ended:?}");
        return;
    }
    let mut child = program(&[&arguments[..], &["--database-url", &desk.database.url]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening")).unwrap();
    let port: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    // It answers, so it hears signals too.
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    assert_eq!(client.query("{ viewer { subject } }").await.status, 401);
    stop(child);
    assert_eq!(desk.run(&["tenant", "list"]).ok(), "");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let desk = Desk::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = desk.run(&["serve", "--listen", &address, "--jwt-secret", SECRET]);
    assert!(ended.refused().contains(&format!("cannot listen at {address}")), "{ended:?}");
}

#[tokio::test]
async fn the_demo_prints_its_tokens_answers_and_ends_cleanly() {
    let mut child = program(&["demo", "--events", "300", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut tokens = Vec::new();
    let url = loop {
        let line = lines.next().unwrap_or_default();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["token", name, token] => tokens.push((name.to_owned(), token.to_owned())),
            ["ready", url] => break url.to_owned(),
            _ => panic!("{line:?} {:?}", ended(child)),
        }
    };
    let names: Vec<&str> = tokens.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GLOBAL_ADMIN", "INTUNE_SERVICE_ADMIN", "AUDIT_READER", "RECORD"]);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let count = async |token: &str| {
        let client = Client::new(&url).token(token);
        let answer = client.query("{ auditEvents(period: null) { totalCount } }").await;
        answer.data("/auditEvents/totalCount").as_u64().unwrap()
    };
    let counts = [count(&tokens[0].1).await, count(&tokens[1].1).await, count(&tokens[2].1).await];
    assert_eq!((counts[0], counts[2]), (300, 300));
    assert!((1..300).contains(&counts[1]), "{counts:?}");
    assert!(stop(child).is_empty());
    assert_eq!(lines.next(), None);
}

/// Asks a server to stop and waits until it has, cleanly. What it said of it on its standard error.
#[track_caller]
fn stop(child: Child) -> String {
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended = ended(child);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.err
}
