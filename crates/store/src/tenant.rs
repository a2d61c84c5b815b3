//! Tenants, each with its own log. Only an operator adds or changes one, never a token.
//!
//! Accesses to a tenant's log are recorded in a separate log, which is a row of this table with a key that no tenant
//! can have. So they are in no list, count, feed or number of the tenant's own log, and no code has to filter them out.

use entity::tenant;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _};
use sea_orm::{ConnAcquireErr, DbErr, QueryFilter as _, QueryOrder as _};

use crate::{Store, StoreError};

/// What the key of a log of accesses begins with, before the key of the tenant whose log was read. No operator can
/// name a tenant so, because of the blank, and no token finds one.
const ACCESS_LOG_PREFIX: &str = " access to ";

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub(crate) id: i32,
    /// The value of the token's tenant claim.
    pub key: String,
    /// The name shown to people.
    pub display_name: String,
    /// The domain names that belong to it.
    pub domains: Vec<String>,
    /// Whether nothing may be read or recorded any more.
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
    // PostgreSQL has no text with NUL, so nobody is called that.
    if key.contains('\0') {
        return Ok(None);
    }
    Ok(tenant::Entity::find().filter(tenant::Column::Key.eq(key)).one(connection).await?)
}

impl Tenant {
    /// A tenant without a row in the database, for tests that need no database.
    #[cfg(feature = "testing")]
    pub fn unstored(key: &str) -> Self {
        Self { id: 0, key: key.to_owned(), display_name: key.to_owned(), domains: Vec::new(), is_disabled: false }
    }

    /// The key of the log of accesses to this tenant's log.
    pub(crate) fn access_key(&self) -> String {
        access_key(&self.key)
    }

    /// Whether it is not a tenant but the log of accesses to a tenant's log.
    pub fn is_access_log(&self) -> bool {
        self.key.starts_with(ACCESS_LOG_PREFIX)
    }

    /// Whether it is the tenant with a key, or the log of accesses to its log.
    pub fn belongs_to(&self, key: &str) -> bool {
        self.key == key || self.key == access_key(key)
    }
}

pub(crate) fn access_key(key: &str) -> String {
    format!("{ACCESS_LOG_PREFIX}{key}")
}

impl Store {
    /// The tenant with a key; none if there is none.
    pub async fn tenant(&self, key: &str) -> Result<Option<Tenant>, StoreError> {
        if key.starts_with(ACCESS_LOG_PREFIX) { Ok(None) } else { self.tenant_by_key(key).await }
    }

    async fn tenant_by_key(&self, key: &str) -> Result<Option<Tenant>, StoreError> {
        let found =
            self.with_timeout(self.statement_timeout, by_key(&self.read, key)).await.map_err(|error| match error {
                // One row by its key takes no time: nobody answers.
                StoreError::Timeout => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into(),
                other => other,
            });
        found?.map(Tenant::try_from).transpose()
    }

    /// All tenants, by key.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants = self.logs().await?;
        tenants.retain(|tenant| !tenant.is_access_log());
        Ok(tenants)
    }

    /// All logs: those of the tenants, and those of accesses to them.
    pub async fn logs(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows = tenant::Entity::find().order_by_asc(tenant::Column::Key).all(&self.read).await?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    /// The log of accesses to a tenant's log, if anything was ever recorded or looked for in it.
    pub async fn access_log(&self, tenant: &Tenant) -> Result<Option<Tenant>, StoreError> {
        self.tenant_by_key(&tenant.access_key()).await
    }
}
