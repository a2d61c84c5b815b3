//! Principal and store become a [`Reader`] or a [`Writer`]: the only place where a role meets rows.
//!
//! Whoever holds no handle has no method to read or record with. Tenants are remembered for a few seconds, so that
//! a request does not pay for looking its tenant up; a disabled tenant is shut out after at most that time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::auth::Principal;
use crate::store::{Reader, Store, StoreError, Tenant, Writer};

/// How long a tenant is remembered.
const TENANT_REMEMBERED: Duration = Duration::from_secs(5);

/// Why a caller may not do something.
#[derive(Clone, Debug)]
pub enum Refused {
    /// There is no such tenant here, or it is disabled.
    Tenant,
    /// No access role.
    Role,
    /// The log could not be asked.
    Store(StoreError),
}

/// Lets callers in.
#[derive(Debug)]
pub struct Access {
    store: Store,
    tenants: RwLock<HashMap<String, (Instant, Arc<Tenant>)>>,
}

/// A caller in its tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// Whose log it is.
    pub tenant: Arc<Tenant>,
    store: Store,
}

impl Access {
    /// Access to a store.
    pub fn new(store: Store) -> Self {
        Self { store, tenants: RwLock::default() }
    }

    /// Finds the tenant of a principal.
    pub async fn caller(&self, principal: Arc<Principal>) -> Result<Caller, Refused> {
        let tenant = self.tenant(&principal.tenant).await?;
        Ok(Caller { principal, tenant, store: self.store.clone() })
    }

    async fn tenant(&self, key: &str) -> Result<Arc<Tenant>, Refused> {
        let now = Instant::now();
        {
            let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, tenant)) = tenants.get(key)
                && now.duration_since(*since) < TENANT_REMEMBERED
            {
                return Ok(Arc::clone(tenant));
            }
        }
        let found = self.store.tenant(key).await.map_err(Refused::Store)?;
        let tenant = Arc::new(found.filter(|tenant| !tenant.is_disabled).ok_or(Refused::Tenant)?);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, (since, _)| now.duration_since(*since) < TENANT_REMEMBERED);
        tenants.insert(key.to_owned(), (now, Arc::clone(&tenant)));
        Ok(tenant)
    }
}

impl Caller {
    /// The log as the caller's roles show it.
    pub fn reader(&self) -> Result<Reader, Refused> {
        let scope = self.principal.read_scope().ok_or(Refused::Role)?;
        Ok(self.store.reader(&self.tenant, scope))
    }
}

/// A writer for commands of the operator, who stands outside of all roles.
pub fn operator_writer(store: &Store, tenant: &Tenant) -> Writer {
    store.writer(tenant)
}

/// A reader for commands of the operator, who stands outside of all roles.
pub fn operator_reader(store: &Store, tenant: &Tenant) -> Reader {
    store.reader(tenant, crate::audit::Scope::all())
}
