//! Secrets in files, as systemd credentials, Docker and Kubernetes provide them.

use reqwest::Method;

use crate::harness::app::{SECRET, unset_timeouts};
use crate::harness::cli::{Running, TestCli, ended, program, run};
use crate::harness::client::Client;
use crate::harness::wait::wait_until;

const VIEWER: &str = "{ viewer { subject } }";

#[tokio::test]
async fn server_and_commands_take_their_secrets_from_files() {
    let cli = TestCli::new().await;
    let url = cli.file("database-url", format!("{}\n", cli.database.url));
    let secret = cli.file("jwt-secret", format!("{SECRET}\n"));
    let (url, secret) = (url.to_str().unwrap(), secret.to_str().unwrap());
    let with_files = |arguments: &[&str]| {
        let mut command = program(arguments);
        command.env("AUDITGRAPH_DATABASE_URL_FILE", url).env("AUDITGRAPH_JWT_SECRET_FILE", secret);
        command
    };
    ended(with_files(&["tenant", "add", "contoso"]).spawn().unwrap()).ok();
    assert_eq!(ended(with_files(&["tenant", "list"]).spawn().unwrap()).ok(), "contoso\tcontoso\tenabled\t");
    let token = ended(with_files(&["token", "--tenant", "contoso", "--role", "AUDIT_READER"]).spawn().unwrap());
    let checked = ended(with_files(&["check"]).spawn().unwrap());
    assert!(checked.ok().contains("credentials: tokens are accepted"), "{checked:?}");

    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "info"];
    let mut server = Running::start(with_files(&[&serve[..], &unset_timeouts(&[])].concat()));
    let address = server.address();
    let reader = Client::new(&address).token(token.ok());
    assert_eq!(reader.query(VIEWER).await.status, 200);

    // A new secret is valid after SIGHUP, and the old one is not.
    let new = "another secret for tests that is long enough";
    std::fs::write(secret, new).unwrap();
    assert_eq!(reader.query(VIEWER).await.status, 200);
    server.signal("-HUP");
    wait_until("the old token is rejected", async || reader.query(VIEWER).await.status == 401).await;
    let token = run(&["token", "--jwt-secret", new, "--tenant", "contoso", "--role", "AUDIT_READER"]);
    let renewed = Client::new(&address).token(token.ok());
    assert_eq!(renewed.query(VIEWER).await.status, 200);
    // A secret that cannot be used is ignored.
    std::fs::write(secret, "hush").unwrap();
    server.signal("-HUP");
    assert_eq!(renewed.query(VIEWER).await.status, 200);
    let health = renewed.send(renewed.request(Method::GET, "/healthz")).await;
    assert_eq!(health.status, 200, "the server handles the signal");
    server.signal("-TERM");
    assert_eq!(server.ended().code, Some(0));
}

#[tokio::test]
async fn secret_and_file_together_are_refused() {
    let cli = TestCli::new().await;
    let file = cli.file("secret", SECRET);
    let file = file.to_str().unwrap();
    for (arguments, options) in [
        (&["serve"][..], ["--jwt-secret", "--jwt-secret-file"]),
        (&["token", "--tenant", "t", "--role", "AUDIT_READER"], ["--jwt-secret", "--jwt-secret-file"]),
    ] {
        let refused = run(&[arguments, &[options[0], SECRET, options[1], file]].concat());
        assert!(refused.code == Some(2) && refused.err.contains("cannot be used with"), "{refused:?}");
        assert!(!refused.err.contains(SECRET), "{refused:?}");
    }
    let url = cli.file("url", &cli.database.url);
    for variable in ["AUDITGRAPH_DATABASE_URL", "AUDITGRAPH_DATABASE_URL_FILE"] {
        let mut command = program(&["tenant", "list", "--database-url-file", url.to_str().unwrap()]);
        let value = if variable.ends_with("FILE") { url.to_str().unwrap() } else { &cli.database.url };
        let run = ended(command.env(variable, value).spawn().unwrap());
        assert_eq!(run.code, Some(if variable.ends_with("FILE") { 0 } else { 2 }), "{run:?}");
    }
}

#[tokio::test]
async fn unusable_secret_file_is_named_and_not_shown() {
    let cli = TestCli::new().await;
    let short = cli.file("short", "hush\n");
    let wrong = cli.file("wrong", "mysql://a:hush@127.0.0.1/c\n");
    let serve = |options: &[&str]| cli.run(&[&["serve", "--listen", "127.0.0.1:0"], options].concat());
    let refused = serve(&["--jwt-secret-file", short.to_str().unwrap()]);
    assert!(refused.refused().contains("short cannot be used") && refused.err.contains("32"), "{refused:?}");
    assert!(!refused.err.contains("hush"), "{refused:?}");
    let missing = serve(&["--jwt-secret-file", "no/such/file"]);
    assert!(missing.refused().contains("no/such/file"), "{missing:?}");
    for (file, rule) in
        [(wrong.to_str().unwrap(), "its content must begin with `sqlite:`"), ("no/such/file", "cannot be read")]
    {
        let refused = run(&["tenant", "list", "--database-url-file", file]);
        assert!(refused.code == Some(2) && refused.err.contains(rule) && refused.err.contains(file), "{refused:?}");
        assert!(!refused.err.contains("hush"), "{refused:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn check_warns_of_secret_files_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let file = cli.file("secret", SECRET);
    let path = file.to_str().unwrap();
    for (mode, is_warned) in [(0o600, false), (0o640, false), (0o644, true), (0o660, true), (0o604, true)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let checked = cli.run(&["check", "--jwt-secret-file", path]);
        let warning = format!("warn  secrets: others may open {path} ({mode:o}): run `chmod 640 {path}`");
        assert_eq!(checked.ok().contains(&warning), is_warned, "{mode:o}: {checked:?}");
    }
}
