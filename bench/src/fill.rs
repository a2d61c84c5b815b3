//! Fills an empty database: records a template with the product itself, copies it in bulk, and builds the indexes after
//! the load.
//!
//! The tenant `contoso` has four fifths of the events and is the one that is measured. The other tenants reveal an
//! index or a plan that ignores the tenant.

use std::time::{Duration, Instant};

use auditgraph::system;
use clap::Args;
use entity::{activity_type, actor, target, tenant, tenant_log, term};
use model::NewEvent;
use model::sensitive::SensitiveNames;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection,
    DbBackend, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, Statement,
};
use store::{Store, StoreSettings};
use tokio::sync::mpsc;

use crate::template::{self, EventRows, Template};
use crate::{copy, print_line};

/// Options of `fill`.
#[derive(Clone, Debug, Args)]
pub(crate) struct FillOptions {
    /// `sqlite://FILE` or `postgres://...` of an empty database.
    #[arg(long)]
    pub(crate) database_url: String,
    /// The number of events of all tenants.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) events: usize,
    /// The seed of the generated events.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// The most events that are recorded one by one.
const TEMPLATE_MAX: usize = 20_000;
/// The companies whose events make up the template.
const COMPANIES: usize = 5;
/// The tenants, and their percentage of the events.
const TENANTS: [(&str, usize); 3] = [("contoso", 80), ("fabrikam", 15), ("tailspin", 5)];
/// The copies of this many consecutive template events are shuffled in time.
const WINDOW: usize = 500;
/// Events per bulk insert.
const CHUNK: usize = 10_000;

pub(crate) async fn fill(options: &FillOptions) -> anyhow::Result<()> {
    let started = Instant::now();
    let store = Store::open(&settings(&options.database_url), None).await?;
    store.migrate().await?;
    anyhow::ensure!(store.tenants().await?.is_empty(), "the database is not empty");
    let recorded = record(&store, options).await?;
    let connection = connect(&options.database_url).await?;
    let template_id = tenant_id(&connection, "template").await?;
    let templates = template::read(&connection, template_id).await?;
    print_line(&format!("template: {recorded} events recorded after {:.1?}", started.elapsed()));
    let indexes = Indexes::drop(&connection).await?;
    let rest = options.events.saturating_sub(recorded);
    for (key, percent) in TENANTS {
        let count = rest * percent / 100;
        store.add_tenant(key, key, &[], system::new_id()).await?;
        let id = tenant_id(&connection, key).await?;
        snapshots(&connection, template_id, id, count, recorded).await?;
        events(&connection, &templates, id, count, options.seed).await?;
        print_line(&format!("{key}: {count} events after {:.1?}", started.elapsed()));
    }
    indexes.create(&connection).await?;
    let analyze = if is_postgres(&connection) { "VACUUM (ANALYZE)" } else { "ANALYZE" };
    connection.execute_unprepared(analyze).await?;
    print_line(&format!("{} events in all, indexed after {:.1?}", options.events, started.elapsed()));
    Ok(())
}

/// Store settings without timeouts that matter.
pub(crate) fn settings(url: &str) -> StoreSettings {
    StoreSettings {
        url: url.to_owned(),
        connections: 4,
        statement_timeout: Duration::from_mins(1),
        record_timeout: Duration::from_mins(1),
    }
}

/// Connects to the database: several connections to PostgreSQL; one to SQLite, without waiting for the disk.
async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    if url.starts_with("postgres") {
        return Ok(Database::connect(url).await?);
    }
    let mut options = ConnectOptions::new(url);
    let connection = Database::connect(options.max_connections(1).to_owned()).await?;
    connection.execute_unprepared("PRAGMA synchronous = OFF").await?;
    Ok(connection)
}

fn is_postgres(connection: &DatabaseConnection) -> bool {
    connection.get_database_backend() == DbBackend::Postgres
}

pub(crate) async fn tenant_id(connection: &DatabaseConnection, key: &str) -> anyhow::Result<i32> {
    let row = tenant::Entity::find().filter(tenant::Column::Key.eq(key)).one(connection).await?;
    Ok(row.ok_or_else(|| anyhow::anyhow!("no tenant {key}"))?.id)
}

/// Records the template through the store's writer.
async fn record(store: &Store, options: &FillOptions) -> anyhow::Result<usize> {
    let count = (options.events / 5).min(TEMPLATE_MAX);
    let now = system::now();
    let tenant = store.add_tenant("template", "Template", &[], system::new_id()).await?;
    let writer = access::operator_writer(store, &tenant);
    let rules = SensitiveNames::default();
    for company in 0..COMPANIES {
        let seed = options.seed.wrapping_mul(COMPANIES as u64).wrapping_add(company as u64);
        let bodies = demo_data::events(seed, now, count / COMPANIES);
        let events: Vec<NewEvent> = bodies
            .map(|body| NewEvent::parse(body, now, &rules).map_err(|problems| anyhow::anyhow!("{problems:?}")))
            .collect::<anyhow::Result<_>>()?;
        for batch in events.chunks(1_000) {
            writer.record(batch, now).await?;
        }
    }
    Ok(count / COMPANIES * COMPANIES)
}

/// Copies the terms, actors, targets and activities of the template to a tenant, and sets its head row.
pub(crate) async fn snapshots(
    connection: &DatabaseConnection,
    template_id: i32,
    tenant_id: i32,
    count: usize,
    recorded: usize,
) -> anyhow::Result<()> {
    let rows = term::Entity::find().filter(term::Column::TenantId.eq(template_id)).all(connection).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| term::Model { tenant_id, ..row }).collect();
    copy::insert(connection, &rows).await?;
    let rows = actor::Entity::find().filter(actor::Column::TenantId.eq(template_id)).all(connection).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| actor::Model { tenant_id, ..row }).collect();
    copy::insert(connection, &rows).await?;
    let rows = target::Entity::find().filter(target::Column::TenantId.eq(template_id)).all(connection).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| target::Model { tenant_id, ..row }).collect();
    copy::insert(connection, &rows).await?;
    let rows =
        activity_type::Entity::find().filter(activity_type::Column::TenantId.eq(template_id)).all(connection).await?;
    let times = (count / recorded.max(1)).max(1);
    let more = |row: activity_type::Model| activity_type::Model {
        tenant_id,
        event_count: row.event_count * i64::try_from(times).unwrap_or(1),
        ..row
    };
    copy::insert(connection, &rows.into_iter().map(more).collect::<Vec<_>>()).await?;
    let log = |id| tenant_log::Entity::find_by_id(id).one(connection);
    let (Some(head), Some(own)) = (log(template_id).await?, log(tenant_id).await?) else {
        anyhow::bail!("a tenant has no log");
    };
    let head = tenant_log::Model { tenant_id, log_id: own.log_id, last_sequence: i64::try_from(count)?, ..head };
    head.into_active_model().reset_all().update(connection).await?;
    Ok(())
}

/// Copies the template in the order of time, while earlier copies are being inserted.
async fn events(
    connection: &DatabaseConnection,
    templates: &[Template],
    tenant_id: i32,
    count: usize,
    seed: u64,
) -> anyhow::Result<()> {
    let (sender, mut receiver) = mpsc::channel::<Vec<EventRows>>(2);
    let own = connection.clone();
    let travel = tokio::spawn(async move {
        while let Some(chunk) = receiver.recv().await {
            send(&own, chunk).await?;
        }
        anyhow::Ok(())
    });
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut sequence = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    for start in (0..templates.len()).step_by(WINDOW) {
        let end = (start + WINDOW).min(templates.len());
        // The number of copies of the first `of` events.
        let share = |of: usize| of * count / templates.len();
        let mut indexes: Vec<usize> =
            (start..end).flat_map(|index| std::iter::repeat_n(index, share(index + 1) - share(index))).collect();
        rng.shuffle(&mut indexes);
        let (from, to) = (templates[start].occurred_at(), templates[end - 1].occurred_at());
        let mut times: Vec<i64> = indexes.iter().map(|_| rng.i64(from..=to)).collect();
        times.sort_unstable();
        for (index, at) in indexes.into_iter().zip(times) {
            sequence += 1;
            chunk.push(templates[index].copy(tenant_id, sequence, at));
            if chunk.len() == CHUNK {
                sender.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).await?;
            }
        }
    }
    sender.send(chunk).await?;
    drop(sender);
    travel.await??;
    Ok(())
}

async fn send(connection: &DatabaseConnection, chunk: Vec<EventRows>) -> anyhow::Result<()> {
    let (mut events, mut keys, mut targets, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for mut rows in chunk {
        events.push(rows.event);
        keys.push(rows.key);
        targets.append(&mut rows.targets);
        changes.append(&mut rows.changes);
    }
    if is_postgres(connection) {
        let small = async {
            copy::insert(connection, &keys).await?;
            copy::insert(connection, &targets).await?;
            copy::insert(connection, &changes).await
        };
        tokio::try_join!(copy::insert(connection, &events), small)?;
    } else {
        connection.execute_unprepared("BEGIN").await?;
        copy::insert(connection, &keys).await?;
        copy::insert(connection, &events).await?;
        copy::insert(connection, &targets).await?;
        copy::insert(connection, &changes).await?;
        connection.execute_unprepared("COMMIT").await?;
    }
    Ok(())
}

/// Indexes dropped during the load, as the statements that create them again.
pub(crate) struct Indexes(Vec<String>);

impl Indexes {
    pub(crate) async fn drop(connection: &DatabaseConnection) -> anyhow::Result<Self> {
        let sql = if is_postgres(connection) {
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey'
                AND tablename IN ('audit_event', 'event_target', 'property_change')"
        } else {
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
                AND tbl_name IN ('audit_event', 'event_target', 'property_change')"
        };
        let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
        let mut again = Vec::new();
        for row in rows {
            let (name, definition): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            connection.execute_unprepared(&format!("DROP INDEX {name}")).await?;
            again.push(definition);
        }
        Ok(Self(again))
    }

    pub(crate) async fn create(self, connection: &DatabaseConnection) -> anyhow::Result<()> {
        for definition in self.0 {
            connection.execute_unprepared(&definition).await?;
        }
        Ok(())
    }
}
