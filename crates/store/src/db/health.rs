//! Checks of the database's settings, for the start of the server and for the `check` command.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use crate::{Store, StoreError};
use model::Timestamp;

/// The oldest supported PostgreSQL, as `server_version_num`.
const POSTGRES_VERSION_MIN: u32 = 150_000;

/// Privileges that recording, rollups and the last use of API keys need on PostgreSQL.
const REQUIRED_PRIVILEGES: [(&str, &str); 14] = [
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
    ("api_key", "UPDATE"),
];

impl Store {
    /// Checks the settings that durability depends on. Write sessions also set `synchronous_commit = on`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] names the setting and the required value.
    pub(crate) async fn check_durable(&self) -> Result<(), StoreError> {
        let query_row = async |sql: &str| -> Result<Option<sea_orm::QueryResult>, DbErr> {
            self.write.query_one_raw(Statement::from_string(self.backend(), sql)).await
        };
        if self.backend() == DbBackend::Postgres {
            let setting_value = async |setting: &str| -> Result<String, DbErr> {
                let row = query_row(&format!("SHOW {setting}")).await?;
                row.map_or(Ok(String::new()), |row| row.try_get_by(0))
            };
            for (setting, needed) in [("fsync", "on"), ("server_encoding", "UTF8")] {
                let value = setting_value(setting).await?;
                if value != needed {
                    return Err(StoreError::Misconfigured(format!("{setting} is `{value}`, but must be `{needed}`")));
                }
            }
            let version = setting_value("server_version_num").await?;
            if version.parse::<u32>().unwrap_or(0) < POSTGRES_VERSION_MIN {
                return Err(StoreError::Misconfigured(format!(
                    "PostgreSQL must be version 15 or newer, but is {version}"
                )));
            }
        } else {
            let synchronous: i64 = match query_row("PRAGMA synchronous").await? {
                Some(row) => row.try_get_by(0)?,
                None => 0,
            };
            if synchronous < 2 {
                return Err(StoreError::Misconfigured("PRAGMA synchronous is below FULL".to_owned()));
            }
        }
        Ok(())
    }

    /// Returns the database server's time, or `None` on SQLite, which has no clock of its own.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
        Ok(self.query_postgres(sql).await?.map(Timestamp))
    }

    /// Returns `max_connections` of the database server, or `None` on SQLite, which has no limit.
    pub async fn connections_max(&self) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT CAST(current_setting('max_connections') AS bigint)";
        Ok(self.query_postgres(sql).await?.and_then(|number| u32::try_from(number).ok()))
    }

    /// Checks that the database accepts writes and that its user has the privileges to record. With `records_access`,
    /// the user must also be able to create access logs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] names what is missing.
    pub async fn check_writable(&self, records_access: bool) -> Result<(), StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let needed = REQUIRED_PRIVILEGES.iter().chain(records_access.then_some(&("tenant", "INSERT")));
        let needed: Vec<String> = needed.map(|(table, privilege)| format!("('{table}', '{privilege}')")).collect();
        let sql = format!(
            "SELECT current_setting('transaction_read_only'), string_agg(v.t || ' (' || v.p || ')', ', ')
             FROM (VALUES {}) v (t, p) WHERE NOT has_table_privilege(v.t, v.p)",
            needed.join(", ")
        );
        let row = self.write.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        let row = row.ok_or(StoreError::Bug("an aggregate query returned no row"))?;
        if row.try_get_by::<String, _>(0)? == "on" {
            let why = "it is read-only: it is a standby, or `default_transaction_read_only` is on";
            return Err(StoreError::Misconfigured(why.to_owned()));
        }
        match row.try_get_by::<Option<String>, _>(1)? {
            None => Ok(()),
            Some(missing) => Err(StoreError::Misconfigured(format!("its user lacks privileges: {missing}"))),
        }
    }

    async fn query_postgres(&self, sql: &str) -> Result<Option<i64>, StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let row = self.read.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        Ok(row.map(|row| row.try_get_by(0)).transpose()?)
    }
}
