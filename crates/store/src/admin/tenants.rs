//! Adds, renames and disables tenants.

use entity::{tenant, tenant_log};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, SqlErr, TransactionTrait as _};

use crate::tenant::{access_key, by_key};
use crate::{Store, StoreError, Tenant};

impl Store {
    /// Returns the access log of a tenant. Creates it with the id `log_id` if it does not exist.
    pub async fn make_access_log(&self, tenant: &Tenant, log_id: String) -> Result<Tenant, StoreError> {
        let name = format!("Access to {}", tenant.display_name);
        match self.add_tenant(&tenant.access_key(), &name, &[], log_id).await {
            // Another process created it first.
            Err(StoreError::TenantExists(key)) => {
                self.access_log(tenant).await?.ok_or_else(|| StoreError::NoTenant(key))
            }
            made => made,
        }
    }

    /// Adds a tenant with an empty log.
    ///
    /// # Errors
    ///
    /// [`StoreError::TenantExists`] if the key is in use.
    pub async fn add_tenant(
        &self,
        key: &str,
        display_name: &str,
        domains: &[String],
        log_id: String,
    ) -> Result<Tenant, StoreError> {
        let transaction = self.write.begin_with_options(crate::db::write_transaction()).await?;
        if by_key(&transaction, key).await?.is_some() {
            return Err(StoreError::TenantExists(key.to_owned()));
        }
        let row = tenant::ActiveModel {
            key: Set(key.to_owned()),
            display_name: Set(display_name.to_owned()),
            domains: Set(serde_json::Value::from(domains).to_string()),
            is_disabled: Set(0),
            ..Default::default()
        };
        let row = row.insert(&transaction).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::TenantExists(key.to_owned()),
            _ => error.into(),
        })?;
        let head = tenant_log::ActiveModel {
            tenant_id: Set(row.id),
            log_id: Set(log_id),
            last_sequence: Set(0),
            last_recorded_at: Set(0),
            last_term_id: Set(0),
            last_actor_id: Set(0),
            last_target_id: Set(0),
            activity_type_count: Set(0),
            uncatalogued_count: Set(0),
        };
        tenant_log::Entity::insert(head).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        row.try_into()
    }

    /// Sets the display name of a tenant, and its domains unless `domains` is empty.
    pub async fn rename_tenant(&self, key: &str, display_name: &str, domains: &[String]) -> Result<(), StoreError> {
        let row = by_key(&self.write, key).await?.ok_or_else(|| StoreError::NoTenant(key.to_owned()))?;
        let mut row: tenant::ActiveModel = row.into();
        row.display_name = Set(display_name.to_owned());
        if !domains.is_empty() {
            row.domains = Set(serde_json::Value::from(domains).to_string());
        }
        row.update(&self.write).await?;
        Ok(())
    }

    /// Refuses or allows all access to a tenant's log. The log itself does not change.
    pub async fn disable_tenant(&self, key: &str, disabled: bool) -> Result<(), StoreError> {
        let row = by_key(&self.write, key).await?.ok_or_else(|| StoreError::NoTenant(key.to_owned()))?;
        // The access log first, so that the tenant is disabled last.
        for row in by_key(&self.write, &access_key(key)).await?.into_iter().chain([row]) {
            let mut row: tenant::ActiveModel = row.into();
            row.is_disabled = Set(i16::from(disabled));
            row.update(&self.write).await?;
        }
        Ok(())
    }
}
