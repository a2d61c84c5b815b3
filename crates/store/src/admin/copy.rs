//! Copies all logs into another database, row by row, between any two kinds of database.
//!
//! Sequences, ids, numbers of terms, keys and bytes stay the same. The source is read in one snapshot, and the target is written in one
//! transaction, so a failed copy leaves no rows. If the source changed since the snapshot, the copy fails, because it
//! would lack events that were acknowledged.
//!
//! Both databases could be used afterwards: then they assign the same sequences to different events. A feed cursor
//! contains the id of its log, so no id may exist in both. Either the copy gets new ids, or it takes over the ids of the
//! source, which gets new ones before the copy is committed.

use entity::{activity_type, actor, api_key, audit_event, event_key, event_target, property_change, target};
use entity::{tenant, tenant_log, term};
use futures_util::TryStreamExt as _;
use sea_orm::TransactionTrait as _;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, EntityTrait, ModelTrait};
use sea_orm::{Iterable as _, PaginatorTrait as _, PrimaryKeyToColumn as _, QueryOrder as _, QuerySelect as _};

use super::backup::{locked_heads, renew_ids};
use crate::db::bulk;
use crate::{RowProgress, Store, StoreError};

/// The most rows per insert.
const ROWS_MAX: usize = 500;
/// The most bytes of bodies per insert, unless a single event has more.
const BYTES_MAX: usize = 8 << 20;

/// The copied tables, in the order of their references. Rollups are not copied: the server builds them again.
pub const COPIED_TABLES: [&str; 11] = [
    "tenant",
    "api_key",
    "tenant_log",
    "term",
    "audit_event",
    "event_key",
    "actor",
    "target",
    "event_target",
    "property_change",
    "activity_type",
];

/// The number of copied tenants and events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Tenants, without access logs.
    pub tenants: u64,
    /// Events, including those of access logs.
    pub events: u64,
}

/// What becomes of the ids of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogIds {
    /// The copied logs get new ids. Feed cursors of the source are rejected by the copy.
    New,
    /// The copied logs keep their ids, and the logs of the source get new ones. Feed cursors of the source continue in
    /// the copy, and are rejected by the source.
    Moved,
}

/// A running copy.
struct CopyRun<'a> {
    from: &'a DatabaseTransaction,
    to: &'a DatabaseTransaction,
    progress: &'a RowProgress,
}

impl Store {
    /// Copies all logs into another database. Copied rows are added to `progress`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] if the target is not empty or the row counts differ, and
    /// [`StoreError::SourceChanged`] if events were recorded or tenants changed during the copy.
    pub async fn copy_to(
        &self,
        other: &Self,
        log_ids: LogIds,
        mut new_id: impl FnMut() -> String,
        progress: &RowProgress,
    ) -> Result<Copied, StoreError> {
        let from = self.snapshot().await?;
        let to = other.write.begin_with_options(crate::db::write_transaction()).await?;
        if other.backend() == DbBackend::Postgres {
            // The source may be slow.
            to.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            // No tenant can be added while the copy runs.
            to.execute_unprepared("LOCK TABLE tenant IN EXCLUSIVE MODE").await?;
        }
        let run = CopyRun { from: &from, to: &to, progress };
        run.copy_table::<tenant::Entity>(|_| 0).await?;
        run.copy_table::<api_key::Entity>(|_| 0).await?;
        run.copy_table::<tenant_log::Entity>(|_| 0).await?;
        run.copy_table::<term::Entity>(|_| 0).await?;
        let events = run.copy_table::<audit_event::Entity>(|row| row.body.len()).await?;
        run.copy_table::<event_key::Entity>(|_| 0).await?;
        run.copy_table::<actor::Entity>(|_| 0).await?;
        run.copy_table::<target::Entity>(|_| 0).await?;
        run.copy_table::<event_target::Entity>(|_| 0).await?;
        run.copy_table::<property_change::Entity>(|_| 0).await?;
        run.copy_table::<activity_type::Entity>(|row| row.property_names.len()).await?;
        if other.backend() == DbBackend::Postgres {
            let next = "SELECT setval(pg_get_serial_sequence('tenant', 'id'), max(id)) FROM tenant HAVING max(id) > 0";
            to.execute_unprepared(next).await?;
        }
        let copied = Heads::read(&from).await?;
        from.rollback().await?;
        match log_ids {
            LogIds::New => {
                let source = self.snapshot().await?;
                copied.check_unchanged(&source).await?;
                source.rollback().await?;
                renew_ids(&to, &copied.logs, &mut new_id).await?;
            }
            LogIds::Moved => {
                let source = self.write.begin_with_options(crate::db::write_transaction()).await?;
                locked_heads(&source).await?;
                copied.check_unchanged(&source).await?;
                renew_ids(&source, &copied.logs, &mut new_id).await?;
                // Before the commit of the copy: at no time do both have the same ids.
                source.commit().await?;
            }
        }
        to.commit().await?;
        Ok(Copied { tenants: other.tenants().await?.len() as u64, events })
    }
}

/// The tenants and the head rows of their logs, which change with everything that is recorded.
#[derive(Debug, PartialEq, Eq)]
struct Heads {
    tenants: Vec<tenant::Model>,
    logs: Vec<tenant_log::Model>,
}

impl Heads {
    async fn read(connection: &DatabaseTransaction) -> Result<Self, StoreError> {
        let tenants = tenant::Entity::find().order_by_asc(tenant::Column::Id).all(connection).await?;
        let logs = tenant_log::Entity::find().order_by_asc(tenant_log::Column::TenantId).all(connection).await?;
        Ok(Self { tenants, logs })
    }

    async fn check_unchanged(&self, connection: &DatabaseTransaction) -> Result<(), StoreError> {
        if *self == Self::read(connection).await? { Ok(()) } else { Err(StoreError::SourceChanged) }
    }
}

impl CopyRun<'_> {
    /// Copies a table and returns the number of rows in the copy.
    async fn copy_table<E>(&self, bytes: impl Fn(&E::Model) -> usize) -> Result<u64, StoreError>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E> + Send + Sync,
    {
        let table = E::default().table_name();
        if E::find().limit(1).count(self.to).await? > 0 {
            return Err(StoreError::Misconfigured(format!("the target is not empty: `{table}` has rows")));
        }
        self.progress.begin(E::default().table_name());
        let ordered = E::PrimaryKey::iter().fold(E::find(), |select, key| select.order_by_asc(key.into_column()));
        let mut rows = ordered.stream(self.from).await?;
        let (mut pending, mut bytes_pending, mut read) = (Vec::new(), 0, 0);
        while let Some(row) = rows.try_next().await? {
            bytes_pending += bytes(&row);
            read += 1;
            pending.push(row);
            if pending.len() == ROWS_MAX || bytes_pending > BYTES_MAX {
                bulk::insert(self.to, &pending.iter().collect::<Vec<_>>(), "").await?;
                self.progress.add(pending.len() as u64);
                pending.clear();
                bytes_pending = 0;
            }
        }
        drop(rows);
        bulk::insert(self.to, &pending.iter().collect::<Vec<_>>(), "").await?;
        self.progress.add(pending.len() as u64);
        let [there, here] = [E::find().count(self.from).await?, E::find().count(self.to).await?];
        if read != there || here != there {
            return Err(StoreError::Misconfigured(format!("`{table}` has {there} rows, but {here} in the copy")));
        }
        Ok(here)
    }
}
