//! The callers: each reads other data, on a shared server and on a server of its own.

use std::cell::Cell;
use std::io::Write as _;

use serde_json::{Value, json};

use super::MARKS;
use super::queries::{FOLLOW, ScopedQuery};
use crate::harness::app::{SECRET, TestApp};
use crate::harness::client::Client;
use crate::harness::events::{EventBody, HOUR, Timestamp};
use crate::harness::keys::hs256;
use crate::harness::stream::{Events, Socket};

/// The boundary between two callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wall {
    /// Two tenants; each caller reads everything in its tenant.
    Tenants,
    /// One tenant; each caller reads other services.
    Services,
}

impl Wall {
    /// The services that a side records events of.
    pub(super) const fn services(self, side: usize) -> &'static [&'static str] {
        match (self, side) {
            (Self::Tenants, _) => &["Core Directory", "Microsoft Intune", "Contoso Payroll"],
            (Self::Services, 0) => &["Microsoft Intune", "Windows 365"],
            (Self::Services, _) => &["Core Directory", "Contoso Payroll"],
        }
    }

    /// Returns a client with the token of a caller. The subjects differ if the tenant is the same.
    fn claims(self, side: usize, tenant: &str) -> Value {
        match (self, side) {
            (Self::Tenants, _) => json!({ "sub": "ada", "tid": tenant, "roles": ["GlobalAdmin"] }),
            (Self::Services, 0) => json!({ "sub": "ada", "tid": tenant, "roles": ["IntuneServiceAdmin"] }),
            (Self::Services, _) => json!({ "sub": "bob", "tid": tenant, "permissions": ["directory/read"] }),
        }
    }
}

const GRANT: &str = "
    [[grant]]
    claim = 'permissions'
    values = ['directory/read']
    gives = 'AUDIT_READER'
    services = ['Core Directory', 'Contoso Payroll']";

/// Three servers: a shared one, and one per caller.
pub(super) struct TestServer {
    wall: Wall,
    shared: TestApp,
    own: [TestApp; 2],
    cases: Cell<usize>,
}

impl TestServer {
    pub(super) async fn build(wall: Wall) -> Self {
        let mut config = tempfile::NamedTempFile::new().unwrap();
        config.write_all(GRANT.as_bytes()).unwrap();
        let options = ["--config", config.path().to_str().unwrap(), "--jwt-secret", SECRET];
        let start = || Box::pin(TestApp::start_with(&options));
        Self { wall, shared: start().await, own: [start().await, start().await], cases: Cell::default() }
    }

    /// Starts the servers with empty logs.
    pub(super) async fn parties(&self) -> [Party<'_>; 2] {
        let case = self.cases.replace(self.cases.get() + 1);
        let tenants = match self.wall {
            Wall::Tenants => [0, 1].map(|side| format!("t{case}-{side}")),
            Wall::Services => [0, 1].map(|_side| format!("t{case}")),
        };
        for (i, tenant) in tenants.iter().enumerate() {
            if i == 0 || tenants[0] != *tenant {
                self.shared.add_tenant(tenant).await;
            }
            self.own[i].add_tenant(tenant).await;
        }
        let [one, two] = tenants;
        [self.party(0, one).await, self.party(1, two).await]
    }

    async fn party(&self, side: usize, tenant: String) -> Party<'_> {
        let mut claims = self.wall.claims(side, &tenant);
        claims["exp"] = ((self.shared.now().0 + HOUR) / 1_000_000).into();
        let token = hs256(SECRET.as_bytes(), &claims);
        let [with, alone] = [&self.shared, &self.own[side]].map(|app| Log::new(app, &token));
        Party { wall: self.wall, side, tenant, with: with.await, alone: alone.await }
    }
}

/// A caller, in the shared log and in a log of its own.
pub(super) struct Party<'a> {
    wall: Wall,
    side: usize,
    tenant: String,
    pub(super) with: Log<'a>,
    pub(super) alone: Log<'a>,
}

impl Party<'_> {
    /// An hour ago.
    pub(super) fn beginning(&self) -> Timestamp {
        self.with.app.now().plus(-HOUR)
    }

    /// The marker string that no response to this caller may contain.
    pub(super) fn never(&self) -> &'static str {
        MARKS[1 - self.side]
    }

    /// Whether its events have the same sequences in both logs, because the logs contain nothing else.
    pub(super) fn has_same_positions(&self) -> bool {
        self.wall == Wall::Tenants
    }

    /// Records an event in both logs.
    pub(super) async fn record(&self, body: EventBody) {
        for log in [&self.with, &self.alone] {
            let tenant = log.app.store.tenant(&self.tenant).await.unwrap().unwrap();
            log.app.record_for(&tenant, [body.clone()]).await;
        }
    }

    /// Subscribes to new events by WebSocket.
    pub(super) async fn listen(&mut self, question: &ScopedQuery) {
        for log in [&mut self.with, &mut self.alone] {
            let mut socket = Socket::open(&log.app.url, &log.client.bearer_token()).await;
            socket.subscribe("live", FOLLOW, question.followed(&Value::Null)).await;
            // The subscription has begun once it sends its cursor.
            assert_eq!(socket.next().await.unwrap()["type"], "next");
            log.live = Some(socket);
        }
    }

    /// Subscribes to all events from the beginning of the log, by server-sent events.
    pub(super) async fn listen_from_the_start(&mut self, question: &ScopedQuery) {
        for log in [&mut self.with, &mut self.alone] {
            let variables = question.followed(&log.start);
            log.stored = Some(Box::pin(Events::open(&log.client, FOLLOW, variables)).await);
        }
    }
}

/// The view of one log that a caller has.
pub(super) struct Log<'a> {
    app: &'a TestApp,
    pub(super) client: Client,
    /// The feed's cursor before anything was recorded.
    pub(super) start: Value,
    pub(super) live: Option<Socket>,
    pub(super) stored: Option<Events>,
}

impl<'a> Log<'a> {
    async fn new(app: &'a TestApp, token: &str) -> Self {
        let client = app.anonymous().token(token);
        let info = client.query("{ auditLogInfo { feedCursor } }").await;
        let start = info.data("/auditLogInfo/feedCursor").clone();
        Self { app, client, start, live: None, stored: None }
    }
}
