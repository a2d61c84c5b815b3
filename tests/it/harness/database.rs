//! A database for one test: an SQLite file, or a schema on the PostgreSQL server that the environment names.

use std::sync::Arc;

use model::page::{Cursor, Page, Slice};
use model::sensitive::SensitiveNames;
use model::{Event, EventBody, NewEvent, Scope, Timestamp};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use store::{EventQuery, Observer, Reader, RecordOutcome, Store, StoreError, StoreSettings, Tenant, Writer};

use super::wait::WAIT_MAX;

/// The current time in tests without a clock: 2026-06-15T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_781_524_800_000_000);

/// A page of a list as events, each with its cursor.
pub(crate) async fn events(
    reader: &Reader,
    list: &EventQuery,
    page: &Page,
) -> Result<Slice<(Cursor, Event)>, StoreError> {
    let Slice { rows, has_next, has_previous } = reader.page(list, page).await?;
    let rows = rows.into_iter().map(|(cursor, row)| Ok((cursor, reader.event_of(row)?)));
    Ok(Slice { rows: rows.collect::<Result<_, StoreError>>()?, has_next, has_previous })
}

/// A database that is deleted with the test.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

impl TestDatabase {
    pub(crate) async fn new() -> Self {
        match std::env::var("AUDITGRAPH_TEST_POSTGRES_URL") {
            Err(_) => Self::sqlite(),
            Ok(server) => {
                let schema = format!("t_{}", uuid::Uuid::new_v4().simple());
                let connection = Database::connect(&server).await.unwrap();
                connection.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
                connection.close().await.unwrap();
                Self { url: format!("{server}?options=-c%20search_path%3D{schema}"), _folder: None }
            }
        }
    }

    /// An SQLite file, regardless of the environment.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { url, _folder: Some(folder) }
    }

    /// The same database for another server. It must not outlive this one.
    pub(crate) fn shared(&self) -> Self {
        Self { url: self.url.clone(), _folder: None }
    }

    /// Opens and migrates the database.
    pub(crate) async fn store(&self) -> Store {
        self.observed(None).await
    }

    /// Opens and migrates the database, and reports every statement to the observer.
    pub(crate) async fn observed(&self, observer: Option<Observer>) -> Store {
        let store = Store::open(&self.settings(), observer).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// The store settings of tests.
    pub(crate) fn settings(&self) -> StoreSettings {
        // PostgreSQL ends a transaction that is idle for half of `record_timeout`, also one whose program is only slow.
        StoreSettings { url: self.url.clone(), connections: 4, statement_timeout: WAIT_MAX, record_timeout: WAIT_MAX }
    }

    /// A connection that bypasses the store, for query plans and for deliberate damage.
    pub(crate) async fn connection(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    /// A pool with a single connection, for transactions that are managed by hand.
    pub(crate) async fn single_connection(&self) -> DatabaseConnection {
        Database::connect(ConnectOptions::new(&self.url).max_connections(1).clone()).await.unwrap()
    }

    /// Whether a session waits for a lock in this schema; PostgreSQL only.
    pub(crate) async fn is_waited_for(&self) -> bool {
        let sql = "SELECT COUNT(*) FROM pg_locks w JOIN pg_locks r ON r.pid = w.pid AND r.locktype = 'relation'
            JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT w.granted AND n.nspname = current_schema()";
        numbers(&self.connection().await, sql).await[0] > 0
    }

    /// Runs a statement that bypasses the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connection().await.execute_unprepared(sql).await.unwrap();
    }

    /// Returns the statement that replaces a part of an event's body and stores the result plain.
    pub(crate) async fn replacing_in_body(&self, sequence: i64, from: &str, to: &str) -> String {
        let connection = self.connection().await;
        let sql = format!("SELECT body_format, body FROM audit_event WHERE sequence = {sequence}");
        let select = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(select).await.unwrap().unwrap();
        let body: Vec<u8> = row.try_get_by_index(1).unwrap();
        let text = body_codec::decode(row.try_get_by_index(0).unwrap(), &body).unwrap();
        assert!(text.contains(from), "{text}");
        let hex = hex::encode(text.replace(from, to));
        let body = if self.is_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") };
        let plain = model::StoredBodyFormat::Plain.code();
        format!("UPDATE audit_event SET body = {body}, body_format = {plain} WHERE sequence = {sequence}")
    }

    /// Makes inserts of events fail from a sequence on.
    pub(crate) async fn fail_from_sequence(&self, sequence: i64) {
        let statements = if self.is_postgres() {
            vec![
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'"
                    .to_owned(),
                format!(
                    "CREATE TRIGGER refuse BEFORE INSERT ON audit_event FOR EACH ROW WHEN (NEW.sequence >= {sequence}) EXECUTE FUNCTION refuse()"
                ),
            ]
        } else {
            vec![format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON audit_event WHEN NEW.sequence >= {sequence} BEGIN SELECT RAISE(ABORT, 'no'); END"
            )]
        };
        for statement in statements {
            self.execute(&statement).await;
        }
    }

    /// Undoes [`Self::fail_from_sequence`].
    pub(crate) async fn fail_no_more(&self) {
        let table = if self.is_postgres() { " ON audit_event" } else { "" };
        self.execute(&format!("DROP TRIGGER refuse{table}")).await;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }
}

/// The log of one tenant.
pub(crate) struct TestLog {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) tenant: Tenant,
}

impl TestLog {
    pub(crate) async fn new() -> Self {
        Self::observed(None).await
    }

    pub(crate) async fn observed(observer: Option<Observer>) -> Self {
        let database = TestDatabase::new().await;
        let store = database.observed(observer).await;
        let tenant = add_tenant(&store, "contoso").await;
        Self { database, store, tenant }
    }

    pub(crate) fn writer(&self) -> Writer {
        access::operator_writer(&self.store, &self.tenant)
    }

    /// A reader with full scope.
    pub(crate) fn reader(&self) -> Reader {
        access::operator_reader(&self.store, &self.tenant)
    }

    /// A reader with a scope.
    pub(crate) fn reader_for(&self, scope: Scope) -> Reader {
        self.store.reader(&self.tenant, scope)
    }

    pub(crate) async fn record(&self, bodies: impl IntoIterator<Item = EventBody>) -> Vec<RecordOutcome> {
        record(&self.writer(), bodies, NOW).await
    }
}

pub(crate) async fn add_tenant(store: &Store, key: &str) -> Tenant {
    store.add_tenant(key, &key.to_uppercase(), &[], uuid::Uuid::new_v4().to_string()).await.unwrap()
}

/// Records valid events in batches.
pub(crate) async fn record(
    writer: &Writer,
    bodies: impl IntoIterator<Item = EventBody>,
    now: Timestamp,
) -> Vec<RecordOutcome> {
    let rules = SensitiveNames::default();
    let events: Vec<NewEvent> = bodies.into_iter().map(|body| NewEvent::parse(body, now, &rules).unwrap()).collect();
    let mut outcomes = Vec::new();
    for batch in events.chunks(500) {
        outcomes.extend(writer.record(batch, now).await.unwrap());
    }
    outcomes
}

/// The statements that a store ran, in order.
#[derive(Clone, Default)]
pub(crate) struct Statements(Arc<std::sync::Mutex<Vec<String>>>);

impl Statements {
    pub(crate) fn observer(&self) -> Observer {
        let held = Arc::clone(&self.0);
        Arc::new(move |sql, _elapsed, _failed| held.lock().unwrap().push(sql.to_owned()))
    }

    /// The statements since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The first column of a query result, of integers of 32 or 64 bits.
pub(crate) async fn numbers(connection: &DatabaseConnection, sql: &str) -> Vec<i64> {
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    let number = |row: &sea_orm::QueryResult| {
        let small = || row.try_get_by_index::<i32>(0).map(i64::from);
        row.try_get_by_index::<i64>(0).or_else(|_| small()).unwrap()
    };
    rows.iter().map(number).collect()
}

/// The first column of a query result, as strings.
pub(crate) async fn texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
