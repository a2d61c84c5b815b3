//! Issuers in a configuration file: each is limited to its tenants and has its own role map.

use serde_json::{Value, json};

use crate::harness::access_log::{detail, until};
use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};
use crate::harness::events::{Detail, EventBody, EventExt as _, event};
use crate::harness::key_set::key_set;
use crate::harness::keys::Issuer;

const VIEWER: &str = "{ viewer { tenant { key } canRecordAuditEvents grants { role services } } }";
const A: &str = "0f3c1a2b-1111-2222-3333-44445555aaaa";
const B: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A folder with a configuration file and the keys that it refers to.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(config: &str, keys: &[(&str, &Issuer)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("auditgraph.toml"), config).unwrap();
        for (name, issuer) in keys {
            std::fs::write(folder.path().join(format!("{name}.pem")), &issuer.pem).unwrap();
            std::fs::write(folder.path().join(format!("{name}.json")), key_set(&[(name, issuer)]).to_string()).unwrap();
        }
        Self(folder)
    }

    async fn start(&self) -> TestApp {
        self.start_with(&[]).await
    }

    async fn start_with(&self, options: &[&str]) -> TestApp {
        let path = self.0.path().join("auditgraph.toml");
        TestApp::start_with(&[&["--config", path.to_str().unwrap()], options].concat()).await
    }
}

fn claims(app: &TestApp, iss: &str, more: &Value) -> Value {
    let expiry = app.now().0 / 1_000_000 + 3_600;
    let mut claims = json!({ "iss": iss, "aud": "audit", "sub": "ada", "exp": expiry });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn ask(app: &TestApp, issuer: &Issuer, iss: &str, more: Value) -> Response {
    Client::new(&app.url).token(&issuer.token(&claims(app, iss, &more))).query(VIEWER).await
}

#[track_caller]
fn assert_refused(response: &Response, status: u16, sentence: &str) {
    assert_eq!((response.status, response.error().1), (status, sentence), "{}", response.text);
    assert_eq!(response.body.get("data"), None);
}

const NOT_ITS_TENANT: &str = "The token's issuer (`iss`) may not issue tokens for the tenant that the token names.";
const FORGED: &str = "The token's signature is not valid for any key of its issuer.";

#[tokio::test]
async fn issuer_is_limited_to_its_bound_tenants() {
    let (ours, theirs) = (Issuer::es256(), Issuer::es256());
    let config = "
        [[issuer]]
        iss = 'https://ours.example'
        audiences = ['audit']
        public_key_file = 'ours.pem'
        tenants = ['contoso', 'unknown']
        [[issuer]]
        iss = 'https://theirs.example'
        audiences = ['other', 'audit']
        jwks_file = 'theirs.json'
        tenant = 'fabrikam'";
    let folder = Folder::new(config, &[("ours", &ours), ("theirs", &theirs)]);
    let app = folder.start().await;
    app.add_tenant("fabrikam").await;
    let tenant = |response: Response| response.data("/viewer/tenant/key").clone();
    let (our_name, their_name) = ("https://ours.example", "https://theirs.example");
    assert_eq!(tenant(ask(&app, &ours, our_name, json!({ "tid": "contoso" })).await), "contoso");
    // Its tokens are limited to the bound tenant, whatever they claim.
    for tid in ["fabrikam", "contoso"] {
        assert_eq!(tenant(ask(&app, &theirs, their_name, json!({ "tid": tid })).await), "fabrikam");
    }
    assert_eq!(tenant(ask(&app, &theirs, their_name, json!({})).await), "fabrikam");
    for tid in ["fabrikam", "Contoso", "contoso ", "*"] {
        assert_refused(&ask(&app, &ours, our_name, json!({ "tid": tid })).await, 403, NOT_ITS_TENANT);
    }
    let unknown = ask(&app, &ours, our_name, json!({ "tid": "unknown" })).await;
    assert_refused(&unknown, 403, "the token's tenant has no log here");
    // Neither issuer can sign for the other.
    assert_refused(&ask(&app, &ours, their_name, json!({ "tid": "fabrikam" })).await, 401, FORGED);
    assert_refused(&ask(&app, &theirs, our_name, json!({ "tid": "contoso" })).await, 401, FORGED);
    for iss in ["https://ours.example/", "https://OURS.example", "", "https://evil.example"] {
        let sentence = "The token's issuer (`iss`) is not accepted here.";
        assert_refused(&ask(&app, &ours, iss, json!({ "tid": "contoso" })).await, 401, sentence);
    }
    let other_audience = ask(&app, &ours, our_name, json!({ "tid": "contoso", "aud": "other" })).await;
    assert_refused(&other_audience, 401, "The token was issued for another audience (`aud`).");
}

#[tokio::test]
async fn same_subject_of_two_issuers_is_two_callers() {
    let (staff, partners) = (Issuer::es256(), Issuer::eddsa());
    let (staff_name, partners_name) = ("https://staff.example", "https://partners.example");
    let config = format!(
        "[[issuer]]
        iss = '{staff_name}'
        audiences = ['audit']
        public_key_file = 'staff.pem'
        tenant = 'contoso'
        [[issuer]]
        iss = '{partners_name}'
        audiences = ['audit']
        public_key_file = 'partners.pem'
        tenant = 'contoso'"
    );
    let folder = Folder::new(&config, &[("staff", &staff), ("partners", &partners)]);
    let pages = ["--page-size-default", "2", "--page-size-max", "2"];
    let app =
        folder.start_with(&[&pages[..], &["--caller-exports-max", "1", "--access-window-ms", "50"]].concat()).await;
    let rights = json!({ "roles": ["GlobalAdmin"], "permissions": ["audit/write"] });
    let client = |issuer: &Issuer, iss: &str| Client::new(&app.url).token(&issuer.token(&claims(&app, iss, &rights)));
    let (ours, theirs) = (client(&staff, staff_name), client(&partners, partners_name));

    // The provenance of what each of them records names its issuer.
    let occurred = app.now().to_string();
    for (client, key, iss) in [(&ours, "one", staff_name), (&theirs, "two", partners_name)] {
        let event = json!({ "eventKey": key, "occurredAt": occurred, "service": "Payroll", "category": "c",
            "activity": "a", "status": "SUCCESS", "actor": { "user": { "userPrincipalName": "ada@contoso.example" } } });
        let recorded = client.send(client.request(reqwest::Method::POST, "/v1/events").json(&event)).await;
        assert_eq!(recorded.status, 201, "{}", recorded.text);
        let query = "query($key: String!) { viewer { issuer subject }
            auditEventByKey(service: \"Payroll\", eventKey: $key) { recording { issuer recordedBy } } }";
        let response = client.query_with(query, json!({ "key": key })).await;
        let provenance = json!({ "issuer": iss, "recordedBy": "ada" });
        assert_eq!(*response.data("/auditEventByKey/recording"), provenance);
        assert_eq!(*response.data("/viewer"), json!({ "issuer": iss, "subject": "ada" }));
    }

    // An id names one of them, and is of no use to the other.
    let id_of = async |client: &Client| client.query("{ viewer { id } }").await.data("/viewer/id").clone();
    let (our_id, their_id) = (id_of(&ours).await, id_of(&theirs).await);
    assert_ne!(our_id, their_id);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let nodes = ours.query_with(query, json!({ "ids": [&our_id, &their_id] })).await;
    assert_eq!(*nodes.data("/nodes"), json!([{ "__typename": "Viewer", "id": &our_id }, null]));

    // Neither the quota nor the status of an export is shared.
    let export = |client: &Client| {
        client
            .request(reqwest::Method::POST, "/v1/events/export")
            .json(&json!({ "occurredAt": { "window": "ALL" } }))
            .send()
    };
    let copies = (0..40).map(|i| {
        let details = vec![Detail::new("Log", Some("y".repeat(1 << 19)))];
        EventBody { additional_details: details, ..event(&format!("k{i}")) }
    });
    app.record(copies).await;
    let unread = export(&ours).await.unwrap();
    assert_eq!(export(&ours).await.unwrap().status(), 429, "the quota of one export is used up");
    let other = export(&theirs).await.unwrap();
    assert_eq!(other.status(), 200);
    let status_of = async |client: &Client, export: &reqwest::Response| {
        let id = export.headers()["x-auditgraph-export-id"].to_str().unwrap();
        client.send(client.request(reqwest::Method::GET, &format!("/v1/events/export/{id}"))).await.status
    };
    assert_eq!((status_of(&ours, &unread).await, status_of(&theirs, &unread).await), (200, 404));
    assert_eq!((status_of(&ours, &other).await, status_of(&theirs, &other).await), (404, 200));

    // Their accesses are not combined, and each names its issuer.
    for client in [&ours, &theirs] {
        client.query("{ auditActors(search: \"ada\") { name } }").await.data("/auditActors");
    }
    let searches = until(&ours, "Search actors", 2).await;
    let mut issuers: Vec<&str> = searches.iter().map(|access| detail(access, "issuer").unwrap()).collect();
    issuers.sort_unstable();
    assert_eq!(issuers, [partners_name, staff_name]);
}

#[tokio::test]
async fn multi_directory_issuer_is_limited_to_the_directory_in_its_url() {
    let entra = Issuer::rs256();
    let config = format!(
        "[[issuer]]
        iss = ['https://sts.windows.net/{{tenantid}}/', 'https://login.microsoftonline.com/{{tenantid}}/v2.0']
        audiences = ['audit']
        jwks_file = 'entra.json'
        tenants = ['{A}', '{B}']"
    );
    let folder = Folder::new(&config, &[("entra", &entra)]);
    let app = folder.start().await;
    app.add_tenant(A).await;
    app.add_tenant(B).await;
    let v1 = |id: &str| format!("https://sts.windows.net/{id}/");
    let v2 = |id: &str| format!("https://login.microsoftonline.com/{id}/v2.0");
    for id in [A, B] {
        for iss in [v1(id), v2(id)] {
            let response = ask(&app, &entra, &iss, json!({ "tid": id })).await;
            assert_eq!(*response.data("/viewer/tenant/key"), json!(id));
        }
    }
    for iss in [v1(A), v2(A)] {
        assert_refused(&ask(&app, &entra, &iss, json!({ "tid": B })).await, 403, NOT_ITS_TENANT);
        let missing = ask(&app, &entra, &iss, json!({})).await;
        assert_refused(&missing, 401, "The token does not name a tenant (`tid`).");
    }
    let unlisted = "11111111-2222-3333-4444-555555555555";
    assert_refused(&ask(&app, &entra, &v2(unlisted), json!({ "tid": unlisted })).await, 403, NOT_ITS_TENANT);
    for iss in [v2("{tenantid}"), v2(""), v2(&format!("{A}/x")), format!("{}x", v1(A))] {
        let sentence = "The token's issuer (`iss`) is not accepted here.";
        assert_refused(&ask(&app, &entra, &iss, json!({ "tid": A })).await, 401, sentence);
    }
}

#[tokio::test]
async fn each_issuer_has_its_own_role_map_and_required_claims() {
    let (one, two) = (Issuer::es256(), Issuer::es256());
    let config = "
        [[grant]]
        claim = 'https://claims.example/team'
        values = ['payroll']
        gives = 'RECORD'
        services = ['Payroll']
        [[issuer]]
        iss = 'one'
        audiences = ['audit']
        public_key_file = 'one.pem'
        tenant = 'contoso'
        required_scope = 'Audit.Access'
        [[issuer.grant]]
        claim = 'groups'
        values = ['auditors']
        gives = 'AUDIT_READER'
        services = ['Payroll']
        [[issuer]]
        iss = 'two'
        audiences = ['audit']
        public_key_file = 'two.pem'
        tenant = 'contoso'
        leeway_secs = 0
        builtin_grants = false
        [[issuer.grant]]
        claim = ['realm_access', 'roles']
        values = ['boss']
        gives = 'GLOBAL_ADMIN'";
    let folder = Folder::new(config, &[("one", &one), ("two", &two)]);
    let app = folder.start().await;
    app.record([event("a"), event("b").service("Payroll", "Payments")]).await;
    let grants = |response: &Response| response.data("/viewer/grants").clone();
    let reader = json!([{ "role": "AUDIT_READER", "services": ["Payroll"] }]);
    let admin = json!([{ "role": "GLOBAL_ADMIN", "services": null }]);
    let in_group = json!({ "groups": ["auditors"], "scp": "Audit.Access" });
    assert_eq!(grants(&ask(&app, &one, "one", in_group.clone()).await), reader);
    assert_eq!(grants(&ask(&app, &one, "one", json!({ "roles": ["GlobalAdmin"] })).await), admin);
    assert_eq!(grants(&ask(&app, &two, "two", json!({ "realm_access": { "roles": ["boss"] } })).await), admin);
    // The role map of one issuer does not apply to tokens of another.
    for nothing in [json!({ "roles": ["GlobalAdmin"] }), in_group.clone(), json!({ "permissions": ["audit/write"] })] {
        let response = ask(&app, &two, "two", nothing).await;
        assert_eq!(grants(&response), json!([]));
        assert_eq!(*response.data("/viewer/canRecordAuditEvents"), json!(false));
    }
    let client = Client::new(&app.url).token(&one.token(&claims(&app, "one", &in_group)));
    assert_eq!(client.keys(json!({})).await, ["b"]);

    let demanded = ask(&app, &one, "one", json!({ "groups": ["auditors"], "scp": "Other" })).await;
    assert_refused(
        &demanded,
        403,
        "The token does not have the scope (`scp`) that this API requires: request a token with it.",
    );
    let late = json!({ "exp": app.now().0 / 1_000_000 - 2 });
    ask(&app, &one, "one", late.clone()).await.data("/viewer");
    assert_refused(&ask(&app, &two, "two", late).await, 401, "The token has expired.");
    let too_many = json!({ "_claim_names": { "groups": "src1" }, "scp": "Audit.Access" });
    let response = ask(&app, &one, "one", too_many.clone()).await;
    assert_eq!(response.status, 403);
    assert!(response.error().1.starts_with("The caller is in too many groups"), "{}", response.text);
    // Groups have no effect in the other role map.
    ask(&app, &two, "two", too_many).await.data("/viewer");
}

#[tokio::test]
async fn recording_grant_is_limited_to_its_services() {
    let issuer = Issuer::eddsa();
    let config = "
        [[issuer]]
        iss = 'i'
        audiences = ['audit']
        public_key_file = 'i.pem'
        tenant = 'contoso'
        [[issuer.grant]]
        claim = 'team'
        values = ['payroll']
        gives = 'RECORD'
        services = ['Contoso Payroll']";
    let folder = Folder::new(config, &[("i", &issuer)]);
    let app = folder.start().await;
    let client = Client::new(&app.url).token(&issuer.token(&claims(&app, "i", &json!({ "team": "payroll" }))));
    let occurred = app.now().to_string();
    let event = |service: &str| {
        json!({ "eventKey": "k", "occurredAt": occurred, "service": service, "category": "c", "activity": "a",
            "status": "SUCCESS", "actor": { "user": { "userPrincipalName": "ada@contoso.example" } } })
    };
    let post = async |service: &str| {
        client.send(client.request(reqwest::Method::POST, "/v1/events").json(&event(service))).await
    };
    let refused = post("Core Directory").await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("the token does not permit recording events of this service"), "{}", refused.text);
    assert_eq!(post("contoso payroll").await.status, 201);
}

#[tokio::test]
async fn sensitive_names_can_be_configured_in_the_file() {
    let issuer = Issuer::es256();
    let config = "
        sensitive_names = ['paygrade']
        [[issuer]]
        iss = 'i'
        audiences = ['audit']
        public_key_file = 'i.pem'
        tenant = 'contoso'";
    let folder = Folder::new(config, &[("i", &issuer)]);
    let app = folder.start().await;
    let client = |more: Value| Client::new(&app.url).token(&issuer.token(&claims(&app, "i", &more)));
    let event = json!({ "eventKey": "k", "occurredAt": app.now().to_string(), "service": "s", "category": "c",
        "activity": "a", "status": "SUCCESS", "actor": { "user": { "userPrincipalName": "ada@contoso.example" } },
        "targets": [{ "type": "User", "objectId": "1",
            "modifiedProperties": [{ "name": "payGrade", "oldValue": "7", "newValue": "9" }] }] });
    let recorder = client(json!({ "permissions": ["audit/write"] }));
    let response = recorder.send(recorder.request(reqwest::Method::POST, "/v1/events").json(&event)).await;
    assert_eq!(response.status, 201, "{}", response.text);
    let query = "{ auditEvents { nodes { targets { modifiedProperties { newValue redaction } } } } }";
    let seen = async |more: Value| {
        let response = client(more).query(query).await;
        response.data("/auditEvents/nodes/0/targets/0/modifiedProperties/0").clone()
    };
    let auditor = seen(json!({ "permissions": ["audit/read"] })).await;
    assert_eq!(auditor, json!({ "newValue": null, "redaction": "SENSITIVE" }));
    let admin = seen(json!({ "roles": ["GlobalAdmin"] })).await;
    assert_eq!(admin, json!({ "newValue": "9", "redaction": null }));
}
