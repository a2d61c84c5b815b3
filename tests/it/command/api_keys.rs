//! `key`: creation, list, revocation and rotation of API keys, and a server without an identity provider.

use crate::harness::app::unset_timeouts;
use crate::harness::cli::{Running, TestCli, program};
use crate::harness::client::Client;

/// Creates a key and returns it.
fn add(cli: &TestCli, options: &[&str]) -> String {
    let added = cli.run(&[&["key", "add", "--tenant", "contoso", "--name", "payroll"], options].concat());
    let key = added.ok().to_owned();
    assert!(key.starts_with("agk_") && key.len() == 72 && key.lines().count() == 1, "{added:?}");
    assert!(added.err.contains("it is shown only now") && !added.err.contains(&key), "{added:?}");
    key
}

fn id(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

/// The lines of `key list`, as columns.
fn listed(cli: &TestCli) -> Vec<Vec<String>> {
    let list = cli.run(&["key", "list"]);
    list.ok().lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn key_is_added_listed_rotated_and_revoked() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    assert_eq!(cli.run(&["key", "list"]).ok(), "");
    let options = ["--permission", "audit/write", "--role", "audit-reader", "--service", "Payroll"];
    let first = add(&cli, &[&options[..], &["--network", "10.0.0.0/8", "--expires-in", "90d"]].concat());
    let second = add(&cli, &["--permission", "audit/read"]);
    let lines = listed(&cli);
    assert_eq!(
        lines[0][..7],
        [id(&first), "payroll", "active", "contoso", "AUDIT_READER,audit/write", "Payroll", "10.0.0.0/8"]
    );
    assert_eq!(
        lines[1][..7],
        [id(&second), "payroll", "active", "contoso", "audit/read", "all services", "any network"]
    );
    assert!(lines[0][8].starts_with("20") && lines[0][9] == "never", "{lines:?}");
    assert_eq!(lines[1][8..], ["never", "never"]);

    let rotated = cli.run(&["key", "rotate", id(&first), "--overlap", "0s"]);
    let third = rotated.ok().to_owned();
    assert!(third.starts_with("agk_") && id(&third) != id(&first), "{rotated:?}");
    assert_eq!(cli.run(&["key", "revoke", id(&second)]).ok(), format!("revoked the API key {}", id(&second)));
    let states: Vec<String> = listed(&cli).into_iter().map(|line| line[2].clone()).collect();
    assert_eq!(states, ["expired", "revoked", "active"]);
    for key in [&first, &second] {
        for action in ["revoke", "rotate"] {
            let refused = cli.run(&["key", action, id(key)]);
            assert!(refused.refused().contains("neither revoked nor expired"), "{refused:?}");
        }
    }
    let list = cli.run(&["key", "list", "--tenant", "contoso"]);
    let secrets = [&first, &second, &third].map(|key| key.split('_').nth(2).unwrap());
    assert!(secrets.iter().all(|secret| !list.ok().contains(secret)), "{list:?}");
}

#[tokio::test]
async fn invalid_keys_are_refused_with_the_rule() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let add =
        |options: &[&str]| cli.run(&[&["key", "add", "--tenant", "contoso", "--name", "payroll"], options].concat());
    for (options, rule) in [
        (&["--role", "GLOBAL_ADMIN"][..], "an API key cannot have the role `GLOBAL_ADMIN`"),
        (&["--role", "KING"], "there is no role `KING`"),
        (&["--permission", "audit/all"], "the permissions are audit/read, audit/write, audit/admin"),
        (&["--permission", "audit/read", "--network", "10.0.0.0/99"], "`10.0.0.0/99` is not a network"),
        (&["--permission", "audit/read", "--service", " "], "a service of an API key has 1 to 200 bytes"),
        (&["--permission", "audit/admin", "--service", "x"], "`audit/admin` is not limited to services"),
    ] {
        let refused = add(options);
        assert!(refused.refused().contains(rule), "{rule}: {refused:?}");
    }
    assert_eq!(add(&[]).code, Some(2));
    assert_eq!(add(&["--permission", "audit/read", "--expires-in", "3651d"]).code, Some(2));
    let nameless = cli.run(&["key", "add", "--tenant", "contoso", "--name", " a", "--permission", "audit/read"]);
    assert!(nameless.refused().contains("the name of an API key has 1 to 100 bytes"), "{nameless:?}");
    let nowhere = cli.run(&["key", "add", "--tenant", "nowhere", "--name", "a", "--permission", "audit/read"]);
    assert!(nowhere.refused().contains("there is no tenant `nowhere`"), "{nowhere:?}");
    for id in ["0000010000000000", "zzzzzz0000000000", "x", "agk_1_2_3"] {
        let refused = cli.run(&["key", "revoke", id]);
        assert!(refused.refused().contains(&format!("there is no API key with the id `{id}`")), "{refused:?}");
    }
    assert_eq!(cli.run(&["key", "list"]).ok(), "");
}

#[tokio::test]
async fn server_without_token_keys_needs_an_api_key() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "contoso"]).ok();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "info", "--database-url", &cli.database.url];
    let refused = cli.run(&serve[..5]);
    assert!(refused.refused().contains("no tenant has an API key that is valid"), "{refused:?}");
    assert!(refused.err.contains("`auditgraph key add`") && refused.err.contains("AUDITGRAPH_JWKS_URL"), "{refused:?}");
    let checked = cli.run(&["check"]);
    assert!(
        checked.code == Some(1) && checked.out.contains("WRONG credentials: no key to verify tokens with"),
        "{checked:?}"
    );

    let key = add(&cli, &["--permission", "audit/read"]);
    assert!(cli.run(&["check"]).ok().contains("credentials: there are API keys"));
    let mut server = Running::start(program(&[&serve[..], &unset_timeouts(&[])].concat()));
    let url = server.address();
    let viewer = "{ viewer { subject } }";
    let response = Client::new(&url).token(&key).query(viewer).await;
    assert_eq!(*response.data("/viewer/subject"), format!("key:{}", id(&key)));
    // No token is valid without an issuer.
    assert_eq!(Client::new(&url).role("GLOBAL_ADMIN").query(viewer).await.status, 401);
    server.signal("-TERM");
    assert_eq!(server.ended().code, Some(0));
    // The last use is written when the server stops.
    assert!(listed(&cli)[0][9].ends_with(":00:00.000000Z"), "{:?}", listed(&cli));

    cli.run(&["key", "revoke", id(&key)]).ok();
    assert!(cli.run(&serve[..5]).refused().contains("no tenant has an API key that is valid"));
}
