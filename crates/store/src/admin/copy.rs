//! A whole database of logs, copied row by row into another one, of either kind.
//!
//! Everything stays as it is: numbers, ids, keys, bytes, and the ids of the logs, so that feed cursors are valid in the
//! copy. The source is read as of one moment, and the target is written in one transaction, so that a copy that fails
//! leaves nothing that could be taken for a log.

use entity::{activity_type, actor, audit_event, event_key, event_target, property_change, target, tenant, tenant_log};
use futures_util::TryStreamExt as _;
use sea_orm::TransactionTrait as _;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, EntityTrait, ModelTrait};
use sea_orm::{Iterable as _, PaginatorTrait as _, PrimaryKeyToColumn as _, QueryOrder as _, QuerySelect as _};

use crate::db::bulk;
use crate::{Store, StoreError};

/// The most rows that are written together.
const ROWS_MAX: usize = 500;
/// The most bytes of bodies that are written together, as long as it is not a single event that has more.
const BYTES_MAX: usize = 8 << 20;

/// The tables that a copy is made of, in the order in which they refer to each other. Sums behind the log are not among
/// them: the server makes them anew.
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

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many tenants, not counting the logs of accesses.
    pub tenants: u64,
    /// How many events.
    pub events: u64,
}

/// A copy on its way.
struct CopyRun<'a> {
    from: &'a DatabaseTransaction,
    to: &'a DatabaseTransaction,
}

impl Store {
    /// Copies all logs into another database, which must be empty.
    pub async fn copy_to(&self, other: &Self) -> Result<Copied, StoreError> {
        let from = self.snapshot().await?;
        let to = other.write.begin_with_options(crate::db::write_transaction()).await?;
        if other.backend() == DbBackend::Postgres {
            // However long the source takes.
            to.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            // Nobody adds a tenant meanwhile.
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
    /// Copies a table and counts what is in the copy.
    async fn copy_table<E>(&self, bytes: impl Fn(&E::Model) -> usize) -> Result<u64, StoreError>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E> + Send + Sync,
    {
        let table = E::default().table_name();
        if E::find().limit(1).count(self.to).await? > 0 {
            return Err(StoreError::Misconfigured(format!("it is not empty: `{table}` has rows")));
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
            return Err(StoreError::Misconfigured(format!("`{table}` has {there} rows, and {here} in the copy")));
        }
        Ok(here)
    }
}
