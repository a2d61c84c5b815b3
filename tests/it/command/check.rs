//! `check` and `ready`: diagnostics before and while a log is served.

use std::fmt::Write as _;

use crate::harness::app::{SECRET, TestApp};
use crate::harness::cli::{RunOutput, TestCli, program, run};

fn lines(ended: &RunOutput, kind: &str) -> String {
    ended.out.lines().filter(|line| line.starts_with(kind)).fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{line}");
        all
    })
}

#[tokio::test]
async fn check_passes_a_working_configuration() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let checked = cli.run(&["check", "--jwt-secret", SECRET]);
    assert!(checked.ok().lines().all(|line| line.starts_with("ok ")), "{checked:?}");
    let looked_at =
        if cli.database.is_postgres() { ["clock", "connections"] } else { ["disk space", "file permissions"] };
    for what in ["environment", "tokens", "database", "schema", "tenants"].into_iter().chain(looked_at) {
        assert!(checked.out.contains(&format!(" {what}: ")), "{what}: {checked:?}");
    }
    assert!(!checked.out.contains(SECRET));
}

#[tokio::test]
async fn check_reports_each_problem_with_a_fix() {
    let cli = TestCli::new().await;
    let checked = cli.run(&["check", "--jwt-secret", "hush"]);
    assert_eq!((checked.code, checked.out.contains("hush")), (Some(1), false), "{checked:?}");
    let wrong = lines(&checked, "WRONG");
    assert!(wrong.contains("tokens: ") && wrong.contains("32"), "{wrong}");
    assert!(wrong.contains("tenants: no tenant is enabled: `auditgraph tenant add KEY`"), "{wrong}");

    let checked = cli.run(&["check", "--jwt-secret", SECRET, "--oidc-issuer", "https://login.example"]);
    let wrong = lines(&checked, "WRONG");
    assert!(wrong.contains("set both AUDITGRAPH_OIDC_ISSUER and AUDITGRAPH_OIDC_CLIENT_ID"), "{wrong}");

    let mut command = program(&["check", "--jwt-secret", SECRET, "--database-url", &cli.database.url]);
    let misspelled = crate::harness::cli::ended(command.env("AUDITGRAPH_LISTENS", "x").spawn().unwrap());
    assert!(lines(&misspelled, "WRONG").contains("no setting is called AUDITGRAPH_LISTENS"), "{misspelled:?}");

    let url = "postgres://unknown:hush@127.0.0.1:1/none";
    let away = run(&["check", "--jwt-secret", SECRET, "--database-url", url]);
    assert!(lines(&away, "WRONG").contains("database: cannot open the log at postgres://unknown:***@"), "{away:?}");
    assert!(away.code == Some(1) && !away.out.contains("hush"), "{away:?}");
    assert_eq!(away.out.matches("Connection refused").count(), 1, "{away:?}");
    assert!(!away.out.contains("timed out"), "{away:?}");

    let folder = run(&["check", "--jwt-secret", SECRET, "--database-url", "sqlite://no/such/folder.db"]);
    assert!(lines(&folder, "WRONG").contains("folder: nothing can be written in no/such"), "{folder:?}");
}

#[tokio::test]
async fn database_open_error_is_reported_once() {
    let cli = TestCli::unmigrated().await;
    if !cli.database.is_postgres() {
        return;
    }
    let url = format!("{}&dbname=nowhere", cli.database.url);
    let refused = run(&["migrate", "--database-url", &url]);
    assert_eq!(refused.refused().matches("database \"nowhere\" does not exist").count(), 1, "{refused:?}");
}

#[test]
fn invalid_database_url_is_rejected_and_not_printed() {
    let wrong = ["mysql://a:hush@127.0.0.1/c", "http://a:hush@127.0.0.1/", "POSTGRES://a:hush@b/c", "hush.db", ""];
    let commands: [&[&str]; 7] = [
        &["check", "--jwt-secret", SECRET],
        &["serve", "--jwt-secret", SECRET],
        &["migrate"],
        &["tenant", "list"],
        &["verify"],
        &["backup", "copy.db"],
        &["restore", "copy.db"],
    ];
    let refuse = |ended: &RunOutput, option: &str| {
        let rule = "is not the URL of a database, which must begin with `sqlite:`, `postgres://` or `postgresql://`";
        assert!(ended.err.contains(&format!("{option} {rule}")) && ended.code == Some(2), "{ended:?}");
        assert!(!ended.err.contains("hush"), "{ended:?}");
    };
    for url in wrong {
        for command in commands {
            let ended = run(&[command, &["--database-url", url]].concat());
            refuse(&ended, "--database-url or AUDITGRAPH_DATABASE_URL");
        }
        refuse(&run(&["copy", "--from", url, "--to", "sqlite://a.db"]), "--from");
        refuse(&run(&["copy", "--from", "sqlite://a.db", "--to", url]), "--to");
    }
    let mut command = program(&["migrate"]);
    let output = crate::harness::cli::ended(command.env("AUDITGRAPH_DATABASE_URL", wrong[0]).spawn().unwrap());
    refuse(&output, "--database-url or AUDITGRAPH_DATABASE_URL");
}

#[tokio::test]
async fn check_fails_on_an_unmigrated_database() {
    let cli = TestCli::unmigrated().await;
    let checked = cli.run(&["check", "--jwt-secret", SECRET]);
    if cli.database.is_postgres() {
        assert!(lines(&checked, "WRONG").contains("run `auditgraph migrate`"), "{checked:?}");
    } else {
        assert!(lines(&checked, "WRONG").contains("there is no log at "), "{checked:?}");
        let checked = cli.run(&["check", "--jwt-secret", SECRET, "--create"]);
        assert!(checked.ok().contains("none yet: `auditgraph serve --create` creates it"), "{checked:?}");
    }
    // The check has created no file.
    assert!(cli.run(&["verify"]).refused().contains(if cli.database.is_postgres() { "migrate" } else { "no log" }));
}

#[tokio::test]
async fn read_only_database_is_refused() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    if !cli.database.is_postgres() {
        return;
    }
    let url = format!("{}&options[default_transaction_read_only]=on", cli.database.url);
    let why = "it is read-only: it is a standby, or `default_transaction_read_only` is on";
    let checked = run(&["check", "--jwt-secret", SECRET, "--database-url", &url]);
    assert!(lines(&checked, "WRONG").contains(why), "{checked:?}");
    let served = run(&["serve", "--jwt-secret", SECRET, "--listen", "127.0.0.1:0", "--database-url", &url]);
    assert!(served.refused().contains(why), "{served:?}");
}

#[tokio::test]
async fn newer_schema_is_not_changed() {
    let cli = TestCli::new().await;
    cli.database
        .execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_later', 0)")
        .await;
    for command in [&["migrate"][..], &["serve", "--jwt-secret", SECRET, "--listen", "127.0.0.1:0"]] {
        let output = cli.run(command);
        assert!(output.refused().contains("newer than this program; run the version that migrated it"), "{output:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn check_reports_a_world_readable_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let cli = TestCli::new().await;
    let Some(file) = cli.database.url.strip_prefix("sqlite://") else { return };
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let checked = cli.run(&["check", "--jwt-secret", SECRET]);
    assert!(lines(&checked, "WRONG").contains(&format!("`chmod 600 {file}`")), "{checked:?}");
}

#[tokio::test]
async fn ready_succeeds_on_a_ready_server() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let ready = |address: &str| {
        let address = address.to_owned();
        tokio::task::spawn_blocking(move || run(&["ready", "--listen", &address]))
    };
    assert_eq!(ready(&address).await.unwrap().ok(), format!("{address} is ready"));
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(ready(&format!("0.0.0.0:{port}")).await.unwrap().ok(), format!("127.0.0.1:{port} is ready"));
    app.database.execute("DELETE FROM seaql_migrations").await;
    // The result of the readiness check is cached for a short time.
    let mut damaged = ready(&address).await.unwrap();
    while damaged.code == Some(0) {
        damaged = ready(&address).await.unwrap();
    }
    assert!(damaged.refused().contains("is not ready: HTTP/1.1 503"));
    let unreachable = ready("127.0.0.1:1").await.unwrap();
    assert!(unreachable.refused().contains("cannot connect to 127.0.0.1:1"), "{unreachable:?}");
}
