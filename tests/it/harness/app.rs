//! The server that `auditgraph serve` starts, on a free port, with a database of its own.

use auditgraph::config::{Cli, Command};
use auditgraph::server::App;
use auditgraph::system;
use clap::Parser as _;
use model::{EventBody, Timestamp};
use store::{RecordOutcome, Store, Tenant};

use super::api_keys;
use super::client::Client;
use super::database::{TestDatabase, add_tenant, record};

/// The secret that signs the tests' tokens.
pub(crate) const SECRET: &str = "a secret for tests that is long enough to be one";

/// Timeouts of the servers that tests start, unless a test sets its own. The defaults of the product are short enough
/// to be reached on a busy machine.
pub(crate) const TIMEOUTS: [[&str; 2]; 5] = [
    ["--statement-timeout-ms", "120000"],
    ["--record-timeout-ms", "120000"],
    ["--request-timeout-ms", "120000"],
    ["--websocket-init-timeout-secs", "120"],
    ["--stream-stall-secs", "120"],
];

/// The options of [`TIMEOUTS`] that a test does not set itself.
pub(crate) fn unset_timeouts(options: &[&str]) -> Vec<&'static str> {
    TIMEOUTS.into_iter().filter(|[name, _]| !options.contains(name)).flatten().collect()
}

/// A running server.
pub(crate) struct TestApp {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) tenant: Tenant,
    pub(crate) url: String,
    /// The URL of the metrics page.
    pub(crate) metrics_url: String,
}

impl TestApp {
    /// Starts a server whose tenant is `contoso`.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with further options of `auditgraph serve`.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let database = TestDatabase::new().await;
        let url = database.url.clone();
        Self::start_over(database, &url, options).await
    }

    /// Starts a server on a database, and adds the tenant `contoso` if it does not exist.
    pub(crate) async fn over(database: TestDatabase) -> Self {
        let url = database.url.clone();
        Self::start_over(database, &url, &[]).await
    }

    /// Starts a server that reaches the database by another URL than the test does.
    pub(crate) async fn start_over(database: TestDatabase, url: &str, options: &[&str]) -> Self {
        let store = database.store().await;
        let tenant = match store.tenant("contoso").await.unwrap() {
            Some(tenant) => tenant,
            None => add_tenant(&store, "contoso").await,
        };
        let mut arguments = vec!["auditgraph", "serve", "--database-url", url, "--listen", "127.0.0.1:0"];
        arguments.extend(["--workers", "1", "--metrics-listen", "127.0.0.1:0"]);
        let other_keys = ["--jwt-public-key-file", "--jwks-file", "--jwks-url", "--config"];
        if !options.iter().any(|option| other_keys.contains(option)) {
            arguments.extend(["--jwt-secret", SECRET]);
        }
        arguments.extend(options);
        arguments.extend(unset_timeouts(options));
        let Command::Serve(config) = Cli::try_parse_from(arguments).unwrap().command else { unreachable!() };
        let app = App::start(&config).await.unwrap();
        let url = format!("http://{}", app.address());
        let metrics_url = format!("http://{}/metrics", app.metrics_address().unwrap());
        tokio::spawn(app.run(|_| ()));
        Self { database, store, tenant, url, metrics_url }
    }

    /// A client with the role that reads everything.
    pub(crate) fn admin(&self) -> Client {
        Client::new(&self.url).role("GLOBAL_ADMIN")
    }

    /// A client with a role that reads the services of Intune.
    pub(crate) fn intune_admin(&self) -> Client {
        Client::new(&self.url).role("INTUNE_SERVICE_ADMIN")
    }

    /// A client with a role that reads everything except sensitive values.
    pub(crate) fn auditor(&self) -> Client {
        Client::new(&self.url).role("AUDIT_READER")
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.url)
    }

    /// A client with a new API key of these roles and permissions, and the id of the key.
    pub(crate) async fn keyed(&self, names: &[&str]) -> (Client, String) {
        let key = api_keys::create(&self.store, &self.tenant, api_keys::grants(names), None).await;
        (Client::new(&self.url).token(&key.secret), key.id)
    }

    /// Records valid events at the current time.
    pub(crate) async fn record(&self, bodies: impl IntoIterator<Item = EventBody>) -> Vec<RecordOutcome> {
        record(&access::operator_writer(&self.store, &self.tenant), bodies, system::now()).await
    }

    /// Adds another tenant.
    pub(crate) async fn add_tenant(&self, key: &str) -> Tenant {
        add_tenant(&self.store, key).await
    }

    /// Disables a tenant.
    pub(crate) async fn close_tenant(&self, key: &str) {
        self.store.disable_tenant(key, true).await.unwrap();
    }

    /// Records events of another tenant at the current time.
    pub(crate) async fn record_for(&self, tenant: &Tenant, bodies: impl IntoIterator<Item = EventBody>) {
        record(&access::operator_writer(&self.store, tenant), bodies, system::now()).await;
    }

    /// The current time of the server.
    #[expect(clippy::unused_self, reason = "it is the server's clock that is meant")]
    pub(crate) fn now(&self) -> Timestamp {
        system::now()
    }
}
