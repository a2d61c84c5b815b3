//! What an operator wants to know about the database before the log is served from it.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Store, StoreError, queue};
use model::Timestamp;

/// The most connections that one process takes besides those for reading: one for each tenant that records, two for
/// telling and hearing of commits, and some for the operator's commands.
pub const WRITE_CONNECTIONS: u32 = queue::TENANTS_AT_ONCE + 4;

/// What recording and summing up do.
const NEEDED: [(&str, &str); 13] = [
    ("audit_event", "INSERT"),
    ("event_key", "INSERT"),
    ("event_target", "INSERT"),
    ("property_change", "INSERT"),
    ("actor", "INSERT"),
    ("target", "INSERT"),
    ("activity_type", "INSERT"),
    ("activity_type", "UPDATE"),
    ("tenant_log", "INSERT"),
    ("tenant_log", "UPDATE"),
    ("rollup", "INSERT"),
    ("rollup_key", "INSERT"),
    ("rollup_block", "INSERT"),
];

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

    /// Whether events can be recorded in the database at all, and logs of their own for accesses be made if those are
    /// recorded.
    pub async fn check_writable(&self, records_access: bool) -> Result<(), StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let needed = NEEDED.iter().chain(records_access.then_some(&("tenant", "INSERT")));
        let needed: Vec<String> = needed.map(|(table, privilege)| format!("('{table}', '{privilege}')")).collect();
        let sql = format!(
            "SELECT current_setting('transaction_read_only'), string_agg(v.t || ' (' || v.p || ')', ', ')
             FROM (VALUES {}) v (t, p) WHERE NOT has_table_privilege(v.t, v.p)",
            needed.join(", ")
        );
        let row = self.write.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        let row = row.ok_or(StoreError::Bug("a question without tables has no row"))?;
        if row.try_get_by::<String, _>(0)? == "on" {
            let why = "it can only be read: it is a standby, or `default_transaction_read_only` is on";
            return Err(StoreError::Misconfigured(why.to_owned()));
        }
        match row.try_get_by::<Option<String>, _>(1)? {
            None => Ok(()),
            Some(missing) => Err(StoreError::Misconfigured(format!("its user has no privilege to write in {missing}"))),
        }
    }

    async fn ask_postgres(&self, sql: &str) -> Result<Option<i64>, StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let row = self.read.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        Ok(row.map(|row| row.try_get_by(0)).transpose()?)
    }
}
