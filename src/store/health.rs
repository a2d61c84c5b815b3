//! What an operator wants to know of the database before the log is served from it.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Store, StoreError, queue};
use crate::audit::Timestamp;

/// The most connections that one process takes besides those for reading: one for each tenant that records, two for
/// telling and hearing of commits, and some for the operator's commands.
pub const WRITING_CONNECTIONS: u32 = queue::TENANTS_AT_ONCE + 4;

impl Store {
    /// What the time is at the database; none if it has no clock of its own.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
        Ok(self.ask_postgres(sql).await?.map(Timestamp))
    }

    /// The most connections that the database allows; none if it does not count them.
    pub async fn connections_max(&self) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT CAST(current_setting('max_connections') AS bigint)";
        Ok(self.ask_postgres(sql).await?.and_then(|number| u32::try_from(number).ok()))
    }

    async fn ask_postgres(&self, sql: &str) -> Result<Option<i64>, StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let row = self.read.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        Ok(row.map(|row| row.try_get_by(0)).transpose()?)
    }
}
