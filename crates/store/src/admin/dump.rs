//! Reads the bodies of a log as text, in the order of their sequences, for operators.
//!
//! Events never change, so the log is read in chunks without a transaction: a dump that takes hours holds nothing back.

use std::ops::ControlFlow;

use futures_util::TryStreamExt as _;
use sea_orm::StreamTrait as _;

use crate::query::sql::Sql;
use crate::read::stored_body::corrupt_body;
use crate::{Store, StoreError, Tenant};

/// The events per chunk.
const CHUNK_EVENTS: i64 = 1_000;

impl Store {
    /// Passes each event of a log after a sequence to `take`: its sequence, and the text of its body or why the body
    /// cannot be decoded. Ends when the log does or `take` breaks.
    pub async fn dump(
        &self,
        log: &Tenant,
        mut after: i64,
        mut take: impl FnMut(i64, Result<String, StoreError>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        loop {
            let mut sql = Sql::for_tenant(log.id, "SELECT sequence, body_format, body FROM audit_event");
            sql.push(" WHERE tenant_id = $1 AND sequence > ").bind(after);
            sql.push(" ORDER BY sequence LIMIT ").bind(CHUNK_EVENTS);
            let mut rows = self.rows.stream_raw(sql.statement(self.backend())).await?;
            let mut count = 0;
            while let Some(row) = rows.try_next().await? {
                let (sequence, format): (i64, i16) = (row.try_get_by(0)?, row.try_get_by(1)?);
                let body: Vec<u8> = row.try_get_by(2)?;
                let text = body_codec::decode(format, &body).map_err(|error| corrupt_body(sequence, &error));
                if take(sequence, text).is_break() {
                    return Ok(());
                }
                (after, count) = (sequence, count + 1);
            }
            if count < CHUNK_EVENTS {
                return Ok(());
            }
        }
    }
}
