//! Writes rollups in the background: events counted once, block by block.
//!
//! A block is a closed range of the log. Events never change, so neither does a block: it is read without a lock,
//! counted, and written in one transaction that first inserts the block's own row. If several processes try the same
//! block, one succeeds; after a crash a block is complete or absent. Events after the last block are counted from the
//! log itself.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use entity::{rollup, rollup_block, rollup_key, tenant_log};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use sea_orm::{DatabaseTransaction, SqlErr, Statement, TransactionTrait as _};

use super::key::{EVENT_COLUMNS, Grain, RollupKey, read_event_keys};
use crate::db::{bulk, write_transaction};
use crate::query::sql::Sql;
use crate::term::next_id;
use crate::{Store, StoreError};

/// Events per block.
pub const BLOCK_EVENTS: u32 = 8_192;

/// The time limit of one block. After that, the connection may be dead.
const BLOCK_TIMEOUT: Duration = Duration::from_mins(1);

/// The number of events of a key in a span, and the greatest sequence among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanCount {
    pub(crate) events: i64,
    pub(crate) newest: i64,
}

/// The rows that a block adds.
#[derive(Default)]
pub(crate) struct BlockCounts(HashMap<(Grain, i64, RollupKey), SpanCount>);

impl BlockCounts {
    /// Counts the events with a sequence greater than `after` and at most `to`.
    pub(crate) async fn read(
        connection: &impl ConnectionTrait,
        tenant_id: i32,
        after: i64,
        to: i64,
    ) -> Result<Self, StoreError> {
        let mut sql = Sql::for_tenant(tenant_id, "SELECT ");
        sql.push(EVENT_COLUMNS).push(" FROM audit_event WHERE tenant_id = $1 AND sequence > ").bind(after);
        sql.push(" AND sequence <= ").bind(to);
        let mut counts = Self::default();
        for row in connection.query_all_raw(sql.statement(connection.get_database_backend())).await? {
            let (sequence, occurred_at, kind, actor) = read_event_keys(&row)?;
            counts.add(Grain::Quarter, occurred_at, kind, sequence);
            counts.add(Grain::Day, occurred_at, kind, sequence);
            counts.add(Grain::ActorDay, occurred_at, actor, sequence);
        }
        Ok(counts)
    }

    /// Returns the start of each span that has counts, ascending.
    pub(crate) fn spans(&self, grain: Grain) -> Vec<i64> {
        let starts: BTreeSet<i64> =
            self.0.keys().filter(|(of, ..)| *of == grain).map(|(_, starts_at, _)| *starts_at).collect();
        starts.into_iter().collect()
    }

    /// Removes and returns a count.
    pub(crate) fn take(&mut self, grain: Grain, starts_at: i64, key: &RollupKey) -> Option<SpanCount> {
        self.0.remove(&(grain, starts_at, *key))
    }

    /// Returns whether there are no counts, or all were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, grain: Grain, occurred_at: i64, key: RollupKey, sequence: i64) {
        let start = occurred_at - occurred_at.rem_euclid(grain.micros());
        let count = self.0.entry((grain, start, key)).or_default();
        count.events += 1;
        count.newest = count.newest.max(sequence);
    }
}

impl Store {
    /// Writes every complete block of `block_events` events that is missing in any log, and returns the number of
    /// blocks written.
    ///
    /// # Errors
    ///
    /// If a log fails, the others are still processed; the last error is returned.
    pub async fn roll_up(&self, block_events: u32) -> Result<u64, StoreError> {
        let size = i64::from(block_events);
        let mut last_blocks = self.with_timeout(BLOCK_TIMEOUT, self.last_blocks()).await?;
        let (mut written, mut failed) = (0, None);
        for head in self.with_timeout(BLOCK_TIMEOUT, tenant_log::Entity::find().all(&self.read)).await? {
            let last = last_blocks.remove(&head.tenant_id).unwrap_or_default();
            match self.roll_up_log(&head, last, size).await {
                Ok(blocks) => written += blocks,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(written), Err)
    }

    async fn roll_up_log(
        &self,
        head: &tenant_log::Model,
        (mut block, mut after): (i32, i64),
        size: i64,
    ) -> Result<u64, StoreError> {
        let (mut written, mut key_ids) = (0, None);
        while after + size <= head.last_sequence {
            let (tenant_id, last_sequence) = (head.tenant_id, after + size);
            let next = rollup_block::Model { tenant_id, block: block + 1, last_sequence };
            let counts = BlockCounts::read(&self.read, tenant_id, after, last_sequence);
            let counts = self.with_timeout(BLOCK_TIMEOUT, counts).await?;
            if !self.with_timeout(BLOCK_TIMEOUT, self.write_block(&next, counts, &mut key_ids)).await? {
                // Another process wrote it first and continues from there.
                break;
            }
            written += 1;
            (block, after) = (next.block, next.last_sequence);
        }
        Ok(written)
    }

    /// Returns the number of each log's last block, and the sequence at which it ends.
    async fn last_blocks(&self) -> Result<HashMap<i32, (i32, i64)>, StoreError> {
        let sql = "SELECT tenant_id, MAX(block), MAX(last_sequence) FROM rollup_block GROUP BY tenant_id";
        let rows = self.read.query_all_raw(Statement::from_string(self.backend(), sql)).await?;
        let last = |row: &sea_orm::QueryResult| Ok((row.try_get_by(0)?, (row.try_get_by(1)?, row.try_get_by(2)?)));
        rows.iter().map(last).collect()
    }

    /// Writes a block. Returns `false` if it already exists. `key_ids` caches the ids of the log's keys between blocks.
    async fn write_block(
        &self,
        block: &rollup_block::Model,
        counts: BlockCounts,
        key_ids: &mut Option<HashMap<RollupKey, i32>>,
    ) -> Result<bool, StoreError> {
        let transaction = self.write.begin_with_options(write_transaction()).await?;
        // Another process that writes this block blocks here until this transaction ends.
        let own = rollup_block::Entity::insert(block.clone().into_active_model());
        match own.exec_without_returning(&transaction).await {
            Ok(_) => {}
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let key_ids = match key_ids {
            Some(key_ids) => key_ids,
            None => key_ids.insert(read_key_ids(&transaction, block.tenant_id).await?),
        };
        assign_key_ids(&transaction, block.tenant_id, key_ids, counts.0.keys().map(|(_, _, key)| key)).await?;
        let row = |((grain, starts_at, key), count): ((Grain, i64, RollupKey), SpanCount)| rollup::Model {
            tenant_id: block.tenant_id,
            grain: grain.code(),
            starts_at,
            block: block.block,
            key_id: key_ids.get(&key).copied().unwrap_or_default(),
            events: count.events,
            newest: count.newest,
        };
        let mut rows: Vec<rollup::Model> = counts.0.into_iter().map(row).collect();
        rows.sort_unstable_by_key(|row| (row.grain, row.starts_at, row.key_id));
        bulk::insert(&transaction, &rows.iter().collect::<Vec<_>>(), "").await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Reads the ids of a log's keys. They stay valid as long as this process writes all following blocks: another process
/// assigns ids only together with a block.
async fn read_key_ids(connection: &DatabaseTransaction, tenant_id: i32) -> Result<HashMap<RollupKey, i32>, StoreError> {
    let keys = rollup_key::Entity::find().filter(rollup_key::Column::TenantId.eq(tenant_id)).all(connection).await?;
    Ok(keys.into_iter().map(|row| (row.id, RollupKey::from(row))).map(|(key_id, key)| (key, key_id)).collect())
}

/// Assigns ids to new keys and inserts them.
async fn assign_key_ids<'a>(
    connection: &DatabaseTransaction,
    tenant_id: i32,
    key_ids: &mut HashMap<RollupKey, i32>,
    keys: impl Iterator<Item = &'a RollupKey>,
) -> Result<(), StoreError> {
    let mut last = key_ids.values().max().copied().map(i64::from).unwrap_or_default();
    let mut rows = Vec::new();
    for key in keys {
        if !key_ids.contains_key(key) {
            let id = next_id(&mut last, "rollup_key")?;
            key_ids.insert(*key, id);
            rows.push(key.row(tenant_id, id));
        }
    }
    bulk::insert(connection, &rows.iter().collect::<Vec<_>>(), "").await?;
    Ok(())
}
