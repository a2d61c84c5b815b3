//! `serve` and `demo`: refused configurations, start and shutdown.

use std::io::{BufRead as _, BufReader};

use auditgraph::config::Cli;
use auditgraph::server::token_problems;

use crate::harness::app::SECRET;
use crate::harness::cli::{Running, TestCli, program, run};
use crate::harness::client::Client;
use crate::harness::key_set::{KeySetServer, ServerBehavior};
use crate::harness::keys::Issuer;

#[tokio::test]
async fn serve_without_keys_is_refused_with_a_hint() {
    let cli = TestCli::new().await;
    let serve = |options: &[&str]| cli.run(&[&["serve", "--listen", "127.0.0.1:0"], options].concat());
    let refused = serve(&[]);
    assert!(refused.refused().contains("set a JWT secret of at least 32 bytes"), "{refused:?}");
    assert!(refused.err.contains("create an API key for a program with `auditgraph key add`"), "{refused:?}");
    let short = serve(&["--jwt-secret", "hush"]);
    assert!(short.refused().contains("32") && !short.err.contains("hush"), "{short:?}");
    let missing = serve(&["--jwt-public-key-file", "no/such/file.pem"]);
    assert!(missing.refused().contains("no/such/file.pem"), "{missing:?}");
}

#[tokio::test]
async fn configuration_errors_have_their_position() {
    let cli = TestCli::new().await;
    let issuer = "[[issuer]]\niss = 'i'\naudiences = ['a']\ntenant = 't'\n";
    let serve = |text: &str, options: &[&str]| {
        let file = cli.file("auditgraph.toml", text);
        let refused =
            cli.run(&[&["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()], options].concat());
        refused.refused().to_owned()
    };
    for (text, part) in [
        (format!("{issuer}jwks_uri = 'https://i/keys'"), "auditgraph.toml, line 5: unknown field `jwks_uri`"),
        (format!("{issuer}jwks_file = 'x.json'\nleeway_secs = 301"), "line 6: 301 is out of bounds"),
        (format!("{issuer}jwks_file = 'no-such.json'"), "the issuer `i` in the configuration file"),
        (format!("{issuer}jwks_file = 'no-such.json'"), "no-such.json cannot be used"),
        (format!("{issuer}jwks_url = 'http://i.example/keys'"), "is not `https`"),
        (format!("{issuer}jwks_url = 'https://i/a'\n{issuer}jwks_url = 'https://i/b'"), "`i` is configured twice"),
        (
            "[[grant]]\nclaim = 'a'\nvalues = ['b']\ngives = 'ADMINISTER'\nservices = ['x']".to_owned(),
            "gives ADMINISTER and has `services`",
        ),
        ("x".repeat((1 << 20) + 1), "1048577 bytes"),
        (String::new(), "no key to verify tokens with is configured"),
    ] {
        let message = serve(&text, &[]);
        assert!(message.contains(part), "{message}");
    }
    let good = format!("{issuer}jwks_url = 'https://i/keys'");
    let both = serve(&good, &["--jwt-secret", SECRET]);
    assert!(both.contains("AUDITGRAPH_JWT_SECRET is set too") && !both.contains(SECRET), "{both}");
    let missing = cli.run(&["serve", "--config", "no/such/file.toml"]);
    assert!(missing.refused().contains("no/such/file.toml: cannot be read"), "{missing:?}");
}

#[tokio::test]
async fn token_settings_can_be_checked_without_serving() {
    let cli = TestCli::new().await;
    let problems = async |options: &[&str]| {
        let arguments = [&["auditgraph", "serve"], options].concat();
        let auditgraph::config::Command::Serve(config) = Cli::parse_without_environment(&arguments).unwrap().command
        else {
            unreachable!()
        };
        token_problems(&config).await.join("\n")
    };
    assert_eq!(problems(&["--jwt-secret", SECRET]).await, "");
    // Without any setting of tokens, only API keys are accepted.
    assert_eq!(problems(&[]).await, "");
    assert!(problems(&["--jwt-issuer", "https://i"]).await.contains("no key to verify tokens with"));
    let nonsense = cli.file("ca.pem", "no certificate");
    let parties = ["--jwt-issuer", "https://i", "--jwt-audience", "a", "--jwks-url", "https://i/keys"];
    for file in [nonsense.to_str().unwrap(), "no/such/ca.pem"] {
        let message = problems(&[&parties[..], &["--jwks-ca-file", file]].concat()).await;
        assert!(message.contains(&format!("the certificates in {file} cannot be used")), "{message}");
    }
    let away = KeySetServer::start(ServerBehavior::Away).await;
    let one = "[[issuer]]\naudiences = ['a']\ntenant = 't'\n";
    let text = format!("{one}iss = 'one'\njwks_url = '{0}?x=1'\n{one}iss = 'two'\njwks_url = '{0}'", away.url);
    let file = cli.file("auditgraph.toml", text);
    let message = problems(&["--config", file.to_str().unwrap()]).await;
    let expected = format!("the key set at {} cannot be read", away.url);
    assert_eq!(message.lines().filter(|line| line.contains(&expected)).count(), 2, "{message}");
    away.conduct(ServerBehavior::keys(&[("k", &Issuer::es256())]));
    assert_eq!(problems(&["--config", file.to_str().unwrap()]).await, "");
}

#[tokio::test]
async fn serve_migrates_sqlite_and_refuses_unmigrated_postgresql() {
    let cli = TestCli::unmigrated().await;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--log", "info", "--create"];
    if cli.database.is_postgres() {
        let ended = cli.run(&arguments);
        assert!(ended.refused().contains("run `auditgraph migrate`"), "{ended:?}");
        return;
    }
    let mut child = Running::start(program(&[&arguments[..], &["--database-url", &cli.database.url]].concat()));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening")).unwrap();
    let port: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    // A server that responds also handles signals.
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    assert_eq!(client.query("{ viewer { subject } }").await.status, 401);
    stop(child);
    assert_eq!(cli.run(&["tenant", "list"]).ok(), "");
}

/// Copies the file of an SQLite log without the files beside it, and verifies the copy.
fn verify_file_alone(cli: &TestCli, name: &str) -> String {
    let file = cli.database.url.strip_prefix("sqlite://").unwrap();
    let copied = cli.file(name, std::fs::read(file).unwrap());
    run(&["verify", "--database-url", &format!("sqlite://{}", copied.display())]).ok().to_owned()
}

#[tokio::test]
async fn sqlite_file_is_complete_after_a_clean_end() {
    let cli = TestCli::new().await;
    if cli.database.is_postgres() {
        return;
    }
    cli.run(&["tenant", "add", "contoso"]).ok();
    assert_eq!(verify_file_alone(&cli, "added.db"), "tenants 1, events 0, differences 0");
    let (server, url) = cli.serve(&[]);
    let recorder = Client::new(&url).permitted("contoso", "audit/write");
    let now = auditgraph::system::now().to_string();
    for key in ["one", "two", "three"] {
        let event = serde_json::json!({ "eventKey": key, "occurredAt": now, "service": "Payroll", "category": "c",
            "activity": "a", "status": "SUCCESS", "actor": { "user": { "userPrincipalName": "ada@contoso.example" } } });
        let request = recorder.request(reqwest::Method::POST, "/v1/events").json(&event);
        assert_eq!(recorder.send(request).await.status, 201);
    }
    Client::new(&url).role("GLOBAL_ADMIN").query("{ auditEvents { totalCount } }").await.data("/auditEvents");
    stop(server);
    let verified = verify_file_alone(&cli, "served.db");
    // The access to the list is an event of its own.
    assert_eq!(verified, "tenants 1, events 4, differences 0");
    // Also after a command that fails.
    let file = cli.file("broken.json", "[{}]");
    cli.run(&["import", "--tenant", "contoso", file.to_str().unwrap()]).refused();
    assert_eq!(verify_file_alone(&cli, "failed.db"), "tenants 1, events 4, differences 0");
}

#[tokio::test]
async fn serve_creates_no_log_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("misspelt.db");
    let url = format!("sqlite://{}", file.display());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--database-url", &url];
    let refused = run(&serve);
    let hint =
        "to create a log, add its first tenant with `auditgraph tenant add KEY`, or start `auditgraph serve --create`";
    assert!(refused.refused().contains(&format!("there is no log at {}", file.display())), "{refused:?}");
    assert!(refused.err.contains(hint) && !file.exists(), "{refused:?}");
    let invalid = run(&[&serve[..], &["--create", "--cors-origin", "*"]].concat());
    assert!(invalid.refused().contains("is not an origin") && !file.exists(), "{invalid:?}");
    for (option, variable) in [(Some("--create"), None), (None, Some("true"))] {
        let mut command = program(&[&serve[..], &["--log", "info"], option.as_slice()].concat());
        command.envs(variable.map(|value| ("AUDITGRAPH_CREATE", value)));
        let mut server = Running::start(command);
        server.address();
        stop(server);
        assert!(file.exists());
        std::fs::remove_file(&file).unwrap();
    }
}

#[tokio::test]
async fn serve_refuses_variables_that_are_no_settings() {
    let cli = TestCli::new().await;
    let serve = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--database-url", &cli.database.url];
    let mut command = program(&serve);
    command.env("AUDITGRAPH_CALLER_TURNS_MAX", "3").env("AUDITGRAPH_TEST_ANYTHING", "x").env("AUDITGRAPH_PROGRAM", "x");
    let refused = Running::start(command).ended();
    assert!(
        refused.refused().contains("no setting is called AUDITGRAPH_CALLER_TURNS_MAX: correct or unset it"),
        "{refused:?}"
    );
    assert!(!refused.err.contains("ANYTHING") && !refused.err.contains("PROGRAM"), "{refused:?}");
}

#[tokio::test]
async fn start_and_stop_are_logged() {
    let cli = TestCli::new().await;
    let serve = ["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--database-url", &cli.database.url];
    let log = "info,sea_orm_migration=warn,actix_server=warn";
    let metrics = ["--metrics-listen", "127.0.0.1:0", "--log", log, "--log-format", "json"];
    let mut server = Running::start(program(&[&serve[..], &metrics].concat()));
    let mut lines = BufReader::new(server.stderr.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap())
        .filter_map(|mut line| (line["level"] == "INFO").then(|| line["fields"].take()));
    let start: Vec<_> = lines.by_ref().take(3).collect();
    let messages: Vec<_> = start.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["starting auditgraph", "serving metrics", "listening"]);
    assert_eq!(start[0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(start[0]["database"], if cli.database.is_postgres() { "PostgreSQL" } else { "SQLite" });
    assert!(start[0]["url"].as_str().unwrap().contains("://"), "{start:?}");
    assert!(start[1..].iter().all(|line| line["address"].as_str().unwrap().starts_with("127.0.0.1:")), "{start:?}");
    let url = format!("http://{}", start[2]["address"].as_str().unwrap());
    assert_eq!(Client::new(&url).query("{ viewer { subject } }").await.status, 401);
    server.signal("-TERM");
    let rest: Vec<_> = lines.collect();
    assert_eq!(server.ended().code, Some(0));
    assert!(rest.iter().any(|line| line["message"].as_str().unwrap().starts_with("stopping")), "{rest:?}");
    assert_eq!(rest.last().unwrap()["message"], "stopped");
}

#[tokio::test]
async fn password_of_the_database_is_not_logged() {
    let url = "postgres://unknown:hush@127.0.0.1:1/none?password=hush";
    let failed =
        run(&["serve", "--listen", "127.0.0.1:0", "--jwt-secret", SECRET, "--database-url", url, "--log", "info"]);
    assert!(failed.refused().contains("starting auditgraph") && !failed.err.contains("hush"), "{failed:?}");
}

#[tokio::test]
async fn secret_that_is_easy_to_guess_is_refused() {
    let cli = TestCli::new().await;
    let weak = "ab".repeat(30);
    let served = cli.run(&["serve", "--listen", "127.0.0.1:0", "--jwt-secret", &weak]);
    let signed = run(&["token", "--jwt-secret", &weak, "--tenant", "contoso", "--role", "AUDIT_READER"]);
    for refused in [served, signed] {
        assert!(refused.refused().contains("easy to guess") && !refused.err.contains("abab"), "{refused:?}");
    }
}

#[tokio::test]
async fn occupied_port_is_reported() {
    let cli = TestCli::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = cli.run(&["serve", "--listen", &address, "--jwt-secret", SECRET]);
    assert!(ended.refused().contains(&format!("cannot listen at {address}")), "{ended:?}");
}

#[tokio::test]
async fn demo_prints_its_tokens_and_stops_cleanly() {
    let mut child = Running::start(program(&["demo", "--events", "300", "--listen", "127.0.0.1:0"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut tokens = Vec::new();
    let url = loop {
        let line = lines.next().unwrap_or_default();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["token", name, token] => tokens.push((name.to_owned(), token.to_owned())),
            ["ready", url] => break url.to_owned(),
            _ => panic!("{line:?} {:?}", child.ended()),
        }
    };
    let names: Vec<&str> = tokens.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GLOBAL_ADMIN", "INTUNE_SERVICE_ADMIN", "AUDIT_READER", "RECORD"]);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let count = async |token: &str| {
        let client = Client::new(&url).token(token);
        let response = client.query("{ auditEvents(occurredAt: { window: ALL }) { totalCount } }").await;
        response.data("/auditEvents/totalCount").as_u64().unwrap()
    };
    let counts = [count(&tokens[0].1).await, count(&tokens[1].1).await, count(&tokens[2].1).await];
    assert_eq!((counts[0], counts[2]), (300, 300));
    assert!((1..300).contains(&counts[1]), "{counts:?}");
    assert!(stop(child).is_empty());
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn demo_takes_a_free_port_and_reports_its_progress() {
    // Either this test or another program has the port.
    let _taken = std::net::TcpListener::bind("127.0.0.1:8080");
    let mut command = program(&["demo", "--events", "10"]);
    command.env("AUDITGRAPH_LOG", "info");
    let mut demo = Running::start(command);
    let lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines
        .map_while(|line| (!line.is_empty()).then_some(line))
        .find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
    let url = url.unwrap();
    assert_ne!(url, "http://127.0.0.1:8080");
    let sign_in: serde_json::Value = reqwest::get(format!("{url}/sign-in.json")).await.unwrap().json().await.unwrap();
    assert_eq!(sign_in, serde_json::json!({ "openId": null, "isDemo": true }));
    let log = stop(demo);
    for part in
        ["127.0.0.1:8080 is in use by another program", "generating events in a temporary log", "press Ctrl+C", "ended"]
    {
        assert!(log.contains(part), "{part}: {log}");
    }
}

/// Stops a server with SIGTERM, asserts exit code 0, and returns its standard error.
#[track_caller]
fn stop(child: Running) -> String {
    child.signal("-TERM");
    let ended = child.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.err
}
