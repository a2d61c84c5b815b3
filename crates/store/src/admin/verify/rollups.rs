//! Verifies rollups: counts the events again and compares block by block.

use std::collections::HashMap;

use entity::{rollup, rollup_block, rollup_key};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _};

use super::{Difference, Verification};
use crate::rollup::{BlockCounts, Grain, RollupKey, SpanCount};
use crate::{Store, StoreError};

/// Spans or keys per statement.
const SPANS_PER_STATEMENT: usize = 500;

impl Verification<'_> {
    /// Compares the rollups with the events.
    pub(super) async fn check_rollups(&mut self) -> Result<(), StoreError> {
        let blocks = rollup_block::Entity::find()
            .filter(rollup_block::Column::TenantId.eq(self.tenant_id))
            .order_by_asc(rollup_block::Column::Block);
        let (mut number, mut after, mut found, mut is_complete) = (0, 0, 0, true);
        for block in blocks.all(self.snapshot).await? {
            number += 1;
            if block.block != number || !(after + 1..=self.last_sequence).contains(&block.last_sequence) {
                self.difference(None, ["rollup_block", "last_sequence"], "does not continue the previous block");
                return Ok(());
            }
            let checked = self.check_block(&block, after).await;
            match self.readable(checked, "rollup", Some((after + 1, block.last_sequence))).await? {
                Some(rows) => found += rows,
                None => is_complete = false,
            }
            after = block.last_sequence;
        }
        let rows = rollup::Entity::find().filter(rollup::Column::TenantId.eq(self.tenant_id));
        if is_complete && rows.count(self.snapshot).await? != found {
            self.difference(None, ["rollup", "block"], "has rows without events");
        }
        Ok(())
    }

    /// Compares the rows of the block that starts after a sequence. Returns the number of rows found.
    async fn check_block(&mut self, block: &rollup_block::Model, after: i64) -> Result<u64, StoreError> {
        let mut counts = BlockCounts::read(self.snapshot, self.tenant_id, after, block.last_sequence).await?;
        let mut found = 0;
        for grain in [Grain::Quarter, Grain::Day, Grain::ActorDay] {
            for spans in counts.spans(grain).chunks(SPANS_PER_STATEMENT) {
                let rows = rollup::Entity::find()
                    .filter(rollup::Column::TenantId.eq(self.tenant_id))
                    .filter(rollup::Column::Grain.eq(grain.code()))
                    .filter(rollup::Column::StartsAt.is_in(spans.iter().copied()))
                    .filter(rollup::Column::Block.eq(block.block));
                let rows = rows.all(self.snapshot).await?;
                let keys = self.keys(&rows).await?;
                found += rows.len() as u64;
                for row in rows {
                    let key = keys.get(&row.key_id);
                    let expected = key.and_then(|key| counts.take(grain, row.starts_at, key));
                    if expected != Some(SpanCount { events: row.events, newest: row.newest }) {
                        self.difference(row.newest, ["rollup", "events"], "does not match the events");
                    }
                }
            }
        }
        if !counts.is_empty() {
            self.difference(block.last_sequence, ["rollup", "events"], "rows of the block that ends here are missing");
        }
        Ok(found)
    }

    /// Reads the keys of rows by id.
    async fn keys(&self, rows: &[rollup::Model]) -> Result<HashMap<i32, RollupKey>, StoreError> {
        let mut numbers: Vec<i32> = rows.iter().map(|row| row.key_id).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut keys = HashMap::new();
        for chunk in numbers.chunks(SPANS_PER_STATEMENT) {
            let found = rollup_key::Entity::find()
                .filter(rollup_key::Column::TenantId.eq(self.tenant_id))
                .filter(rollup_key::Column::Id.is_in(chunk.iter().copied()));
            keys.extend(found.all(self.snapshot).await?.into_iter().map(|row| (row.id, RollupKey::from(row))));
        }
        Ok(keys)
    }
}

impl Store {
    /// Reports logs without a tenant. No request can read such a log.
    pub async fn verify_owners(&self, report: super::ReportDifference<'_>) -> Result<(), StoreError> {
        use entity::{tenant, tenant_log};
        let tenants: Vec<i32> = tenant::Entity::find().all(&self.read).await?.into_iter().map(|row| row.id).collect();
        for log in tenant_log::Entity::find().all(&self.read).await? {
            if !tenants.contains(&log.tenant_id) {
                let reason = format!("row of a log with {} events is missing", log.last_sequence);
                report(Difference::of("tenant.id", reason));
            }
        }
        Ok(())
    }
}
