//! Looks up the tenant of a principal, and creates the readers and writers of the operator's commands.
//!
//! Tenants are cached for [`TENANT_TTL`], so that most requests do not query the database for their tenant. A tenant
//! that is disabled loses access after at most that time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::access_error::AccessError;
use super::access_log::AccessLog;
use super::api_key_administration::{ApiKeyAdministration, RandomSource};
use super::caller::Caller;
use super::target_log::{AccessLogRegistry, IdGenerator};
use auth::Principal;
use model::Scope;
use model::sensitive::SensitiveNames;
use store::{Clock, ConnectionShares, Reader, RecordQueue, Store, Tenant, Writer};

/// The time for which a tenant is cached.
const TENANT_TTL: Duration = Duration::from_secs(5);
/// The maximum number of cached tenants.
const TENANTS_MAX: usize = 10_000;

/// Creates [`Caller`]s from principals.
#[derive(Debug)]
pub struct AccessControl {
    store: Store,
    queue: RecordQueue,
    sensitive_names: Arc<SensitiveNames>,
    tenants: TenantCache,
    shares: ConnectionShares,
    access_logs: Arc<AccessLogRegistry>,
    access_log: AccessLog,
    api_keys: Arc<ApiKeyAdministration>,
}

impl AccessControl {
    /// Creates access control for a store, with access logging off.
    ///
    /// Events are recorded through `queue`, `sensitive_names` decides which of their values are sensitive, and readers
    /// share the database connections by `shares`.
    pub fn new(
        store: Store,
        queue: RecordQueue,
        sensitive_names: SensitiveNames,
        shares: ConnectionShares,
        random: RandomSource,
    ) -> Self {
        let access_logs = Arc::new(AccessLogRegistry::new(store.clone(), Arc::clone(&random.ids)));
        let sensitive_names = Arc::new(sensitive_names);
        let (logs, names) = (Arc::clone(&access_logs), Arc::clone(&sensitive_names));
        Self {
            api_keys: Arc::new(ApiKeyAdministration::with_logs(store.clone(), logs, names, random)),
            access_logs,
            access_log: AccessLog::default(),
            sensitive_names,
            tenants: TenantCache::new(),
            store,
            queue,
            shares,
        }
    }

    /// Turns access logging on.
    #[must_use]
    pub fn with_access_log(self, clock: Clock, ids: IdGenerator, caller_bytes_max: usize) -> Self {
        let (logs, names) = (Arc::clone(&self.access_logs), Arc::clone(&self.sensitive_names));
        Self { access_log: AccessLog::new(logs, self.queue.clone(), names, (clock, ids), caller_bytes_max), ..self }
    }

    /// Returns a handle to the access log.
    pub fn access_log(&self) -> AccessLog {
        self.access_log.clone()
    }

    /// Returns the caller for a principal. Fails if its tenant does not exist or is disabled.
    pub async fn caller(&self, principal: Arc<Principal>) -> Result<Caller, AccessError> {
        let tenant = self.tenant(&principal.tenant).await?;
        Ok(Caller {
            budget: self.shares.of(&tenant.key, principal.issuer.as_deref(), &principal.subject),
            principal,
            tenant,
            client_address: None,
            token: None,
            store: self.store.clone(),
            queue: self.queue.clone(),
            sensitive_names: Arc::clone(&self.sensitive_names),
            rows: Arc::default(),
            outcomes: Arc::default(),
            access_logs: Arc::clone(&self.access_logs),
            access_log: self.access_log.clone(),
            api_keys: Arc::clone(&self.api_keys),
        })
    }

    /// Returns the caller again for the next operation on a connection. Fails if its tenant was disabled in the
    /// meantime.
    pub async fn refresh(&self, caller: &Caller) -> Result<Caller, AccessError> {
        let refreshed = self.caller(Arc::clone(&caller.principal)).await?;
        Ok(Caller { client_address: caller.client_address, token: caller.token.clone(), ..refreshed })
    }

    async fn tenant(&self, key: &str) -> Result<Arc<Tenant>, AccessError> {
        let now = Instant::now();
        if let Some(tenant) = self.tenants.get(key, now) {
            return Ok(tenant);
        }
        let found = self.store.tenant(key).await.map_err(AccessError::Store)?;
        let tenant = Arc::new(found.filter(|tenant| !tenant.is_disabled).ok_or(AccessError::Tenant)?);
        self.tenants.insert(key, Arc::clone(&tenant), now);
        Ok(tenant)
    }
}

/// The tenants looked up during the last [`TENANT_TTL`]. Lookups that find no tenant, or a disabled one, are not cached.
#[derive(Debug)]
struct TenantCache(Cache<String, (Instant, Arc<Tenant>)>);

impl TenantCache {
    fn new() -> Self {
        Self(Cache::new(TENANTS_MAX))
    }

    fn get(&self, key: &str, now: Instant) -> Option<Arc<Tenant>> {
        let (looked_up_at, tenant) = self.0.get(key)?;
        (now.saturating_duration_since(looked_up_at) < TENANT_TTL).then_some(tenant)
    }

    /// Caches a tenant whose lookup began at `now`.
    fn insert(&self, key: &str, tenant: Arc<Tenant>, now: Instant) {
        self.0.insert(key.to_owned(), (now, tenant));
    }
}

/// Returns a writer for a command of the operator, to whom roles do not apply.
pub fn operator_writer(store: &Store, tenant: &Tenant) -> Writer {
    store.writer(tenant)
}

/// Returns a reader for a command of the operator, to whom roles do not apply.
pub fn operator_reader(store: &Store, tenant: &Tenant) -> Reader {
    store.reader(tenant, Scope::all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tenants_expire() {
        let (cache, now) = (TenantCache::new(), Instant::now());
        cache.insert("contoso", Arc::new(Tenant::unstored("contoso")), now);
        assert!(cache.get("contoso", now + Duration::from_millis(4_999)).is_some());
        assert!(cache.get("contoso", now + TENANT_TTL).is_none());
        assert!(cache.get("fabrikam", now).is_none());
    }
}
