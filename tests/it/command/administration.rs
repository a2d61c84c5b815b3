//! `tenant`, `token`, `schema` and `migrate`.

use crate::harness::app::{SECRET, TestApp};
use crate::harness::cli::{RunOutput, TestCli, run};
use crate::harness::client::Client;

/// The log filter of the program if none is set.
const DEFAULT_LOG: &str = "info,sea_orm_migration=warn,actix_server=warn";

#[tokio::test]
async fn tenant_is_added_listed_renamed_and_disabled() {
    let cli = TestCli::new().await;
    assert_eq!(cli.run(&["tenant", "list"]).ok(), "");
    cli.run(&["tenant", "add", "t-1", "--name", "Contoso", "--domain", "contoso.example", "--domain", "c.example"])
        .ok();
    cli.run(&["tenant", "add", "t-2"]).ok();
    let listed = |lines: &[&str]| assert_eq!(cli.run(&["tenant", "list"]).ok().lines().collect::<Vec<_>>(), lines);
    listed(&["t-1\tContoso\tenabled\tcontoso.example,c.example", "t-2\tt-2\tenabled\t"]);
    cli.run(&["tenant", "rename", "t-2", "Fabrikam", "--domain", "fabrikam.example"]).ok();
    cli.run(&["tenant", "disable", "t-1"]).ok();
    listed(&["t-1\tContoso\tdisabled\tcontoso.example,c.example", "t-2\tFabrikam\tenabled\tfabrikam.example"]);
    cli.run(&["tenant", "disable", "t-1", "--undo"]).ok();
    listed(&["t-1\tContoso\tenabled\tcontoso.example,c.example", "t-2\tFabrikam\tenabled\tfabrikam.example"]);
    assert!(cli.run(&["tenant", "add", "t-1"]).refused().contains("tenant `t-1` already exists"));
    assert!(cli.run(&["tenant", "disable", "t-3"]).refused().contains("no tenant `t-3`"));
    assert!(cli.run(&["tenant", "rename", "t-3", "x"]).refused().contains("no tenant `t-3`"));
    assert!(cli.run(&["tenant", "add", " "]).refused().contains("a tenant's key has 1 to 200 bytes"));
}

#[tokio::test]
async fn tenant_names_are_validated() {
    let cli = TestCli::new().await;
    cli.run(&["tenant", "add", "t-1", "--name", "Contoso", "--domain", "contoso.example"]).ok();
    let listed = cli.run(&["tenant", "list"]);
    let refuse = |options: &[&str], rule: &str| {
        let added = cli.run(&[&["tenant", "add", "t-2", "--name"], options].concat());
        let renamed = cli.run(&[&["tenant", "rename", "t-1"], options].concat());
        for refused in [added, renamed] {
            assert!(refused.refused().contains(rule) && refused.err.lines().count() == 1, "{refused:?}");
        }
        assert_eq!(cli.run(&["tenant", "list"]).ok(), listed.ok());
    };
    let long = "n".repeat(201);
    for name in ["", " ", "a\tb\nc", "a\u{2028}b", &long] {
        refuse(&[name], "a tenant's display name has 1 to 200 bytes, no control characters");
    }
    for domain in ["", "con toso.example", "a.example\tb.example", "a\nb", "https://a.example", "a..example"] {
        refuse(&["Name", "--domain", "a.example", "--domain", domain], "a tenant's domain is a domain name");
    }
}

#[tokio::test]
async fn issued_token_has_the_access_of_its_role() {
    let app = TestApp::start().await;
    let token = |grant: &[&str]| run(&[&["token", "--jwt-secret", SECRET, "--tenant", "contoso"], grant].concat());
    let viewer = "{ viewer { subject canRecordAuditEvents grants { role seesRedactedValues } } }";
    let client = |token: &str| Client::new(&app.url).token(token);
    let reader = token(&["--role", "audit-reader", "--subject", "ada"]);
    let response = client(reader.ok()).query(viewer).await;
    let grants = serde_json::json!([{ "role": "AUDIT_READER", "seesRedactedValues": false }]);
    assert_eq!((response.data("/viewer/subject"), response.data("/viewer/grants")), (&"ada".into(), &grants));
    let recorder = token(&["--permission", "audit/write"]);
    let response = client(recorder.ok()).query(viewer).await;
    assert_eq!(
        (response.data("/viewer/canRecordAuditEvents"), response.data("/viewer/grants")),
        (&true.into(), &serde_json::json!([]))
    );
    let other =
        run(&["token", "--jwt-secret", &SECRET.replace('a', "b"), "--tenant", "contoso", "--role", "GLOBAL_ADMIN"]);
    assert_eq!(client(other.ok()).query(viewer).await.status, 401);
}

#[test]
fn token_without_access_is_not_issued() {
    let secret = ["token", "--jwt-secret", SECRET, "--tenant", "contoso"];
    assert!(run(&[&secret[..], &["--role", "KING"]].concat()).refused().contains("there is no role `KING`"));
    assert!(
        run(&["token", "--tenant", "contoso", "--role", "AUDIT_READER"]).refused().contains("AUDITGRAPH_JWT_SECRET")
    );
    let short = run(&["token", "--jwt-secret", "hush", "--tenant", "contoso", "--role", "AUDIT_READER"]);
    assert!(short.refused().contains("32") && !short.err.contains("hush"), "{short:?}");
    let bare = run(&secret);
    assert_eq!(bare.code, Some(2), "{bare:?}");
    assert!(bare.err.contains("--role <ROLE>|--permission <PERMISSION>"), "{bare:?}");
}

#[test]
fn schema_command_prints_the_schema_file() {
    let kept = include_str!("../../../schema.graphql");
    assert!(run(&["schema"]).ok() == kept.trim_end(), "the printed schema differs from schema.graphql");
}

#[tokio::test]
async fn migrate_is_idempotent() {
    let cli = TestCli::unmigrated().await;
    let first = cli.run(&["migrate", "--log", DEFAULT_LOG]);
    let again = cli.run(&["migrate", "--log", DEFAULT_LOG]);
    let kind = if cli.database.is_postgres() { "PostgreSQL postgres" } else { "SQLite sqlite:" };
    assert!(
        first.ok().starts_with(kind) && first.ok().contains(": migrated to the schema of auditgraph "),
        "{first:?}"
    );
    assert!(again.ok().starts_with(kind) && again.ok().contains(": nothing to do, it has the schema of"), "{again:?}");
    // Nothing but the sentence, in particular no notices of the database.
    for ended in [first, again] {
        assert_eq!((ended.out.lines().count(), log_lines(&ended)), (1, Vec::new()), "{ended:?}");
    }
}

/// The lines on standard error, without those about statements that are slow on a busy machine.
fn log_lines(ended: &RunOutput) -> Vec<&str> {
    ended.err.lines().filter(|line| !line.contains("slow statement")).collect()
}

#[tokio::test]
async fn tenant_commands_report_what_they_did() {
    let cli = TestCli::unmigrated().await;
    let add = ["tenant", "add", "t-1", "--name", "Contoso", "--domain", "contoso.example", "--log", DEFAULT_LOG];
    if cli.database.is_postgres() {
        cli.run(&["migrate"]).ok();
        assert!(cli.run(&add).ok().starts_with("added tenant `t-1` (Contoso) to postgres"));
    } else {
        let added = cli.run(&add);
        let lines: Vec<&str> = added.ok().lines().collect();
        assert!(lines[0].starts_with("created the log sqlite:"), "{added:?}");
        assert!(lines[1].starts_with("added tenant `t-1` (Contoso) to sqlite:"), "{added:?}");
        assert_eq!((lines.len(), log_lines(&added)), (2, Vec::new()));
    }
    let done = |arguments: &[&str]| cli.run(&[&["tenant"], arguments].concat()).ok().to_owned();
    assert_eq!(
        done(&["rename", "t-1", "--name", "Fabrikam"]),
        "tenant `t-1` is now Fabrikam, domains: contoso.example"
    );
    let domains = ["rename", "t-1", "--domain", "a.example", "--domain", "b.example"];
    assert_eq!(done(&domains), "tenant `t-1` is now Fabrikam, domains: a.example, b.example");
    assert_eq!(done(&["rename", "t-1", "Contoso"]), "tenant `t-1` is now Contoso, domains: a.example, b.example");
    assert_eq!(done(&["disable", "t-1"]), "tenant `t-1` is now disabled");
    assert_eq!(done(&["disable", "t-1", "--undo"]), "tenant `t-1` is now enabled");
    assert_eq!(done(&["list"]), "t-1\tContoso\tenabled\ta.example,b.example");
    assert!(cli.run(&["tenant", "rename", "t-1"]).refused().contains("nothing to change: give a NAME, or --domain"));
    assert_eq!(cli.run(&["tenant", "rename", "t-1", "A", "--name", "B"]).code, Some(2));
}
