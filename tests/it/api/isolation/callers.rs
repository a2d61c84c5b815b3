//! The callers: each reads other data, on a shared server and on a server of its own.

use std::cell::Cell;
use std::io::Write as _;

use serde_json::{Value, json};

use super::MARKS;
use super::queries::{FOLLOW, Question};
use crate::harness::app::{SECRET, TestApp};
use crate::harness::client::Client;
use crate::harness::events::{EventBody, HOUR, Timestamp};
use crate::harness::keys::hs256;
use crate::harness::stream::{Events, Socket};

/// What stands between two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wall {
    /// They are of two tenants; both see everything of theirs.
    Tenants,
    /// They are of one tenant, and see other services of it.
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

    /// What a party's token says of a log. The names of their bearers differ where the tenant does not.
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

/// Three servers: one for both parties, and one for each.
pub(super) struct Place {
    wall: Wall,
    shared: TestApp,
    own: [TestApp; 2],
    cases: Cell<usize>,
}

impl Place {
    pub(super) async fn build(wall: Wall) -> Self {
        let mut config = tempfile::NamedTempFile::new().unwrap();
        config.write_all(GRANT.as_bytes()).unwrap();
        let options = ["--config", config.path().to_str().unwrap(), "--jwt-secret", SECRET];
        let start = || Box::pin(TestApp::start_with(&options));
        Self { wall, shared: start().await, own: [start().await, start().await], cases: Cell::default() }
    }

    /// Two parties in logs in which nothing has happened.
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

/// A party, in the log that it shares and in one without the others.
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

    /// What none of its answers may contain.
    pub(super) fn never(&self) -> &'static str {
        MARKS[1 - self.side]
    }

    /// Whether its events have the same places in both logs, because they are all that is in them.
    pub(super) fn has_places(&self) -> bool {
        self.wall == Wall::Tenants
    }

    /// Records an event in both logs.
    pub(super) async fn record(&self, body: EventBody) {
        for log in [&self.with, &self.alone] {
            let tenant = log.app.store.tenant(&self.tenant).await.unwrap().unwrap();
            log.app.record_for(&tenant, [body.clone()]).await;
        }
    }

    /// Begins to follow what is recorded from now on, by WebSocket.
    pub(super) async fn listen(&mut self, question: &Question) {
        for log in [&mut self.with, &mut self.alone] {
            let mut socket = Socket::open(&log.app.url, &log.client.bearer()).await;
            socket.subscribe("live", FOLLOW, question.followed(&Value::Null)).await;
            // It follows once it has said where it stands.
            assert_eq!(socket.next().await.unwrap()["type"], "next");
            log.live = Some(socket);
        }
    }

    /// Begins to follow what was recorded since the log was empty, by server-sent events.
    pub(super) async fn listen_from_the_start(&mut self, question: &Question) {
        for log in [&mut self.with, &mut self.alone] {
            let variables = question.followed(&log.start);
            log.stored = Some(Box::pin(Events::open(&log.client, FOLLOW, variables)).await);
        }
    }
}

/// A party's view of one log.
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
