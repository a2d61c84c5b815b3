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
    let looked_at = if desk.database.is_postgres() { ["clock", "connections"] } else { ["room", "permissions"] };
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
    assert!(wrong.contains("tenants: nobody is let in yet: `auditgraph tenant add KEY`"), "{wrong}");

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

    let folder = run(&["check", "--jwt-secret", SECRET, "--database-url", "sqlite://no/such/folder.db"]);
    assert!(lines(&folder, "WRONG").contains("folder: nothing can be written in no/such"), "{folder:?}");
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
    assert!(ready(&address).await.unwrap().refused().contains("is not ready: HTTP/1.1 503"));
    let nobody = ready("127.0.0.1:1").await.unwrap();
    assert!(nobody.refused().contains("cannot connect to 127.0.0.1:1"), "{nobody:?}");
}
