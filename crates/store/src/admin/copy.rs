//! Copies all logs into another database, row by row, between any two kinds of database.
//!
//! Sequences, ids, keys, bytes and log ids stay the same, so feed cursors remain valid in the copy. The source is read
//! in one snapshot, and the target is written in one transaction, so a failed copy leaves no rows.

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target, tenant, tenant_log};
use futures_util::TryStreamExt as _;
use sea_orm::TransactionTrait as _;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, EntityTrait, ModelTrait};
use sea_orm::{Iterable as _, PaginatorTrait as _, PrimaryKeyToColumn as _, QueryOrder as _, QuerySelect as _};

use crate::db::bulk;
use crate::{Store, StoreError};

/// The most rows per insert.
const ROWS_MAX: usize = 500;
/// The most bytes of bodies per insert, unless a single event has more.
const BYTES_MAX: usize = 8 << 20;

/// The copied tables, in the order of their references. Rollups are not copied: the server builds them again.
pub const COPIED_TABLES: [&str; 9] = [
    "tenant",
    "tenant_log",
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

/// A running copy.
struct CopyRun<'a> {
    from: &'a DatabaseTransaction,
    to: &'a DatabaseTransaction,
}

impl Store {
    /// Copies all logs into another database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] if the target is not empty or the row counts differ.
    pub async fn copy_to(&self, other: &Self) -> Result<Copied, StoreError> {
        let from = self.snapshot().await?;
        let to = other.write.begin_with_options(crate::db::write_transaction()).await?;
        if other.backend() == DbBackend::Postgres {
            // The source may be slow.
            to.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            // No tenant can be added while the copy runs.
            to.execute_unprepared("LOCK TABLE tenant IN EXCLUSIVE MODE").await?;
        }
        let run = CopyRun { from: &from, to: &to };
        run.copy_table::<tenant::Entity>(|_| 0).await?;
        run.copy_table::<tenant_log::Entity>(|_| 0).await?;
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
        to.commit().await?;
        from.rollback().await?;
        Ok(Copied { tenants: other.tenants().await?.len() as u64, events })
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
        let ordered = E::PrimaryKey::iter().fold(E::find(), |select, key| select.order_by_asc(key.into_column()));
        let mut rows = ordered.stream(self.from).await?;
        let (mut pending, mut bytes_pending, mut read) = (Vec::new(), 0, 0);
        while let Some(row) = rows.try_next().await? {
            bytes_pending += bytes(&row);
            read += 1;
            pending.push(row);
            if pending.len() == ROWS_MAX || bytes_pending > BYTES_MAX {
                bulk::insert(self.to, &pending.iter().collect::<Vec<_>>(), "").await?;
                pending.clear();
                bytes_pending = 0;
            }
        }
        drop(rows);
        bulk::insert(self.to, &pending.iter().collect::<Vec<_>>(), "").await?;
        let [there, here] = [E::find().count(self.from).await?, E::find().count(self.to).await?];
        if read != there || here != there {
            return Err(StoreError::Misconfigured(format!("`{table}` has {there} rows, but {here} in the copy")));
        }
        Ok(here)
    }
}
