//! `check` and `ready`: what an operator asks before and while a log is served.

use std::fmt::Write as _;

use crate::harness::app::{SECRET, TestApp};
use crate::harness::command::{Desk, Ended, program, run};

fn lines(ended: &Ended, kind: &str) -> String {
    ended.out.lines().filter(|line| line.starts_with(kind)).fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{line}");
        all
    })
}

#[tokio::test]
async fn what_works_is_said_to_work() {
    let desk = Desk::new().await;
    desk.run(&["tenant", "add", "contoso"]).ok();
    let checked = desk.run(&["check", "--jwt-secret", SECRET]);
    assert!(checked.ok().lines().all(|line| line.starts_with("ok ")), "{checked:?}");
    let looked_at = if desk.database.is_postgres() { ["clock", "connections"] } else { ["disk space", "permissions"] };
    for what in ["environment", "tokens", "database", "schema", "tenants"].into_iter().chain(looked_at) {
        assert!(checked.out.contains(&format!(" {what}: ")), "{what}: {checked:?}");
    }
    assert!(!checked.out.contains(SECRET));
}

#[tokio::test]
async fn what_is_wrong_is_named_with_the_way_to_mend_it() {
    let desk = Desk::new().await;
    let checked = desk.run(&["check", "--jwt-secret", "hush"]);
    assert_eq!((checked.code, checked.out.contains("hush")), (Some(1), false), "{checked:?}");
    let wrong = lines(&checked, "WRONG");
    assert!(wrong.contains("tokens: ") && wrong.contains("32"), "{wrong}");
    assert!(wrong.contains("tenants: no tenant is enabled: `auditgraph tenant add KEY`"), "{wrong}");

    let checked = desk.run(&["check", "--jwt-secret", SECRET, "--oidc-issuer", "https://login.example"]);
    let wrong = lines(&checked, "WRONG");
    assert!(wrong.contains("set both AUDITGRAPH_OIDC_ISSUER and AUDITGRAPH_OIDC_CLIENT_ID"), "{wrong}");

    let mut command = program(&["check", "--jwt-secret", SECRET, "--database-url", &desk.database.url]);
    let misspelled = crate::harness::command::ended(command.env("AUDITGRAPH_LISTENS", "x").spawn().unwrap());
    assert!(lines(&misspelled, "WRONG").contains("no setting is called AUDITGRAPH_LISTENS"), "{misspelled:?}");

    let url = "postgres://nobody:hush@127.0.0.1:1/none";
    let away = run(&["check", "--jwt-secret", SECRET, "--database-url", url]);
    assert!(lines(&away, "WRONG").contains("database: cannot open the log at postgres://nobody:***@"), "{away:?}");
    assert!(away.code == Some(1) && !away.out.contains("hush"), "{away:?}");
    assert_eq!(away.out.matches("Connection refused").count(), 1, "{away:?}");
    assert!(!away.out.contains("timed out"), "{away:?}");

    let folder = run(&["check", "--jwt-secret", SECRET, "--database-url", "sqlite://no/such/folder.db"]);
    assert!(lines(&folder, "WRONG").contains("folder: nothing can be written in no/such"), "{folder:?}");
}

#[tokio::test]
async fn why_a_database_is_not_opened_is_said_once() {
    let desk = Desk::unmigrated().await;
    if !desk.database.is_postgres() {
        return;
    }
    let url = format!("{}&dbname=nowhere", desk.database.url);
    let refused = run(&["migrate", "--database-url", &url]);
    assert_eq!(refused.refused().matches("database \"nowhere\" does not exist").count(), 1, "{refused:?}");
}

#[test]
fn a_url_of_no_log_is_refused_by_every_command_and_not_shown() {
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
    let refuse = |ended: &Ended, option: &str| {
        let rule = "is not the URL of a log, which must begin with `sqlite:`, `postgres://` or `postgresql://`";
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
    let told = crate::harness::command::ended(command.env("AUDITGRAPH_DATABASE_URL", wrong[0]).spawn().unwrap());
    refuse(&told, "--database-url or AUDITGRAPH_DATABASE_URL");
}

#[tokio::test]
async fn a_database_without_schema_is_not_ready_for_a_server() {
    let desk = Desk::unmigrated().await;
    let checked = desk.run(&["check", "--jwt-secret", SECRET]);
    if desk.database.is_postgres() {
        assert!(lines(&checked, "WRONG").contains("run `auditgraph migrate`"), "{checked:?}");
    } else {
        assert!(checked.ok().contains("none yet"), "{checked:?}");
    }
    // Nothing was made by looking.
    assert!(desk.run(&["verify"]).refused().contains(if desk.database.is_postgres() { "migrate" } else { "no log" }));
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_refused() {
    let desk = Desk::new().await;
    desk.run(&["tenant", "add", "contoso"]).ok();
    if !desk.database.is_postgres() {
        return;
    }
    let url = format!("{}&options[default_transaction_read_only]=on", desk.database.url);
    let why = "it can only be read: it is a standby, or `default_transaction_read_only` is on";
    let checked = run(&["check", "--jwt-secret", SECRET, "--database-url", &url]);
    assert!(lines(&checked, "WRONG").contains(why), "{checked:?}");
    let served = run(&["serve", "--jwt-secret", SECRET, "--listen", "127.0.0.1:0", "--database-url", &url]);
    assert!(served.refused().contains(why), "{served:?}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let desk = Desk::new().await;
    desk.database
        .execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_later', 0)")
        .await;
    for command in [&["migrate"][..], &["serve", "--jwt-secret", SECRET, "--listen", "127.0.0.1:0"]] {
        let told = desk.run(command);
        assert!(told.refused().contains("newer than this program: run the version that migrated it"), "{told:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_may_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new().await;
    let Some(file) = desk.database.url.strip_prefix("sqlite://") else { return };
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let checked = desk.run(&["check", "--jwt-secret", SECRET]);
    assert!(lines(&checked, "WRONG").contains(&format!("`chmod 600 {file}`")), "{checked:?}");
}

#[tokio::test]
async fn a_server_that_is_ready_says_so() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let ready = |address: &str| {
        let address = address.to_owned();
        tokio::task::spawn_blocking(move || run(&["ready", "--listen", &address]))
    };
    assert_eq!(ready(&address).await.unwrap().ok(), "");
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(ready(&format!("0.0.0.0:{port}")).await.unwrap().ok(), "");
    app.database.execute("DELETE FROM seaql_migrations").await;
    // What was heard a moment ago is said again for a moment.
    let mut damaged = ready(&address).await.unwrap();
    while damaged.code == Some(0) {
        damaged = ready(&address).await.unwrap();
    }
    assert!(damaged.refused().contains("is not ready: HTTP/1.1 503"));
    let nobody = ready("127.0.0.1:1").await.unwrap();
    assert!(nobody.refused().contains("cannot connect to 127.0.0.1:1"), "{nobody:?}");
}
