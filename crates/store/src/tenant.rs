//! Tenants, each with its own log.
//!
//! Only an operator adds or changes a tenant; no token can. Accesses to a tenant's log are recorded in a separate log:
//! a row of the same table, with a key that no tenant can have. So no list, count or feed of the tenant's own log
//! contains them, and no query has to filter them out.

use entity::tenant;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _};
use sea_orm::{ConnAcquireErr, DbErr, QueryFilter as _, QueryOrder as _};

use crate::{Store, StoreError};

/// Prefix of an access log's key, followed by the key of the tenant whose log was read. A tenant key cannot contain the
/// leading space, and no token can select an access log.
const ACCESS_LOG_PREFIX: &str = " access to ";

/// A tenant, or a tenant's access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub(crate) id: i32,
    /// The value of the tenant claim in tokens.
    pub key: String,
    /// The name shown to users.
    pub display_name: String,
    /// The domain names of the tenant.
    pub domains: Vec<String>,
    /// Whether reading and recording are refused.
    pub is_disabled: bool,
}

impl TryFrom<tenant::Model> for Tenant {
    type Error = StoreError;

    fn try_from(row: tenant::Model) -> Result<Self, StoreError> {
        let domains = serde_json::from_str(&row.domains).map_err(|error| StoreError::Corrupt {
            table: "tenant",
            column: "domains",
            id: row.id.to_string(),
            reason: error.to_string(),
        })?;
        let is_disabled = row.is_disabled != 0;
        Ok(Self { id: row.id, key: row.key, display_name: row.display_name, domains, is_disabled })
    }
}

pub(crate) async fn by_key(connection: &impl ConnectionTrait, key: &str) -> Result<Option<tenant::Model>, StoreError> {
    // PostgreSQL strings cannot contain NUL, so no tenant has such a key.
    if key.contains('\0') {
        return Ok(None);
    }
    Ok(tenant::Entity::find().filter(tenant::Column::Key.eq(key)).one(connection).await?)
}

impl Tenant {
    /// Returns a tenant that is not in the database, for tests that need none.
    #[cfg(feature = "testing")]
    pub fn unstored(key: &str) -> Self {
        Self { id: 0, key: key.to_owned(), display_name: key.to_owned(), domains: Vec::new(), is_disabled: false }
    }

    /// Returns the key of this tenant's access log.
    pub(crate) fn access_key(&self) -> String {
        access_key(&self.key)
    }

    /// Returns whether this is an access log and not a tenant.
    pub fn is_access_log(&self) -> bool {
        self.key.starts_with(ACCESS_LOG_PREFIX)
    }

    /// Returns whether this is the tenant with this key, or its access log.
    pub fn belongs_to(&self, key: &str) -> bool {
        self.key == key || self.key == access_key(key)
    }
}

pub(crate) fn access_key(key: &str) -> String {
    format!("{ACCESS_LOG_PREFIX}{key}")
}

impl Store {
    /// Returns the tenant with this key, or `None` if there is none.
    pub async fn tenant(&self, key: &str) -> Result<Option<Tenant>, StoreError> {
        if key.starts_with(ACCESS_LOG_PREFIX) { Ok(None) } else { self.tenant_by_key(key).await }
    }

    async fn tenant_by_key(&self, key: &str) -> Result<Option<Tenant>, StoreError> {
        let found =
            self.with_timeout(self.statement_timeout, by_key(&self.read, key)).await.map_err(|error| match error {
                // A lookup of one row by its key is fast: a timeout means that the database does not respond.
                StoreError::Timeout => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into(),
                other => other,
            });
        found?.map(Tenant::try_from).transpose()
    }

    /// Returns all tenants, ordered by key.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants = self.logs().await?;
        tenants.retain(|tenant| !tenant.is_access_log());
        Ok(tenants)
    }

    /// Returns all logs, ordered by key: those of tenants and their access logs.
    pub async fn logs(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows = tenant::Entity::find().order_by_asc(tenant::Column::Key).all(&self.read).await?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    /// Returns the tenant's access log, or `None` if no access was ever recorded or queried.
    pub async fn access_log(&self, tenant: &Tenant) -> Result<Option<Tenant>, StoreError> {
        self.tenant_by_key(&tenant.access_key()).await
    }
}
