//! Verifies API keys: looks them up, compares their secrets, and notes when they are used.
//!
//! A key that was looked up is cached for [`KEY_TTL`], so that most requests with it query nothing, and a key that is
//! revoked is rejected everywhere after at most that time; open streams check their key every few seconds. A key in
//! constant use is looked up again before its time is over, by one request while the others use the cached row.
//!
//! Ids that are not cached are looked up by [`LOOKUPS_MAX`] requests at a time, so that clients that send invented ids
//! with right checksums do not take the database's connections from others. Keys that were cached have permits of their
//! own.
//!
//! The hour of the last use is kept in memory and written by [`ApiKeys::flush_uses`], in the background.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use super::access_error::AccessError;
use auth::{ApiKeyGrants, ApiKeyIdentity, ParsedApiKey, Principal, Rejected};
use model::Timestamp;
use model::time::HOUR;
use store::{ApiKey, Store, StoreError};

/// The time for which a key is cached.
const KEY_TTL: Duration = Duration::from_secs(2);
/// The age of a cached key after which one request looks it up again.
const REFRESH_AGE: Duration = Duration::from_secs(1);
/// The maximum number of cached keys.
const KEYS_MAX: usize = 10_000;
/// The requests that look up keys at the same time, separately for keys that were cached and for other ids.
const LOOKUPS_MAX: usize = 4;

/// Why a token or an API key does not authenticate a caller.
#[derive(Clone, Debug)]
pub enum AuthenticationError {
    /// The token or the key is not valid.
    Rejected(Rejected),
    /// The key could not be looked up.
    Access(AccessError),
}

impl From<Rejected> for AuthenticationError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<StoreError> for AuthenticationError {
    fn from(error: StoreError) -> Self {
        Self::Access(AccessError::Store(error))
    }
}

/// Verifies API keys.
#[derive(Debug)]
pub struct ApiKeys {
    store: Store,
    /// The services of the role `INTUNE_SERVICE_ADMIN`.
    intune_services: Vec<String>,
    cache: Cache<String, Arc<CachedApiKey>>,
    /// Permits to look up an id that is not cached.
    lookups: Semaphore,
    /// Permits to look up a key that was cached.
    lookups_of_known: Semaphore,
    /// The hours of uses that are not written yet, by the ids of keys.
    uses: Mutex<HashMap<String, Timestamp>>,
}

/// A key as it was looked up.
#[derive(Debug)]
struct CachedApiKey {
    looked_up_at: Instant,
    is_refreshing: AtomicBool,
    key: ApiKey,
    grants: ApiKeyGrants,
    principal: Arc<Principal>,
    /// The hour of the last use, in microseconds since 1970.
    last_used_at: AtomicI64,
}

impl ApiKeys {
    /// Creates the verifier of a store's keys. `intune_services` are the services of the role `INTUNE_SERVICE_ADMIN`.
    pub fn new(store: Store, intune_services: Vec<String>) -> Self {
        Self {
            store,
            intune_services,
            cache: Cache::new(KEYS_MAX),
            lookups: Semaphore::new(LOOKUPS_MAX),
            lookups_of_known: Semaphore::new(LOOKUPS_MAX),
            uses: Mutex::default(),
        }
    }

    /// Returns the principal of an API key that a client at this address sent.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Rejected`] if the key is not valid. Callers that send one learn nothing more; the log line names
    /// the reason.
    pub async fn verify(
        &self,
        token: &str,
        client_address: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let parsed = ParsedApiKey::parse(token)?;
        let found = self.find(parsed.id).await?;
        let checked = match &found {
            None => Err(Rejected::ApiKeyUnknown),
            Some(cached) => cached.check(&parsed, client_address, now),
        };
        if let Err(rejected) = checked {
            tracing::info!(api_key = parsed.id, reason = rejected.reason(), %client_address, "an API key was rejected");
            return Err(rejected.into());
        }
        let cached = found.ok_or(Rejected::ApiKeyUnknown)?;
        self.note_use(&cached, now);
        Ok(Arc::clone(&cached.principal))
    }

    /// Returns the key with this id, from the cache if it was looked up a moment ago. `None` if there is none.
    ///
    /// The look-up is boxed: the future of every request would contain it.
    async fn find(&self, id: &str) -> Result<Option<Arc<CachedApiKey>>, StoreError> {
        let cached = self.cache.get(id);
        let age = cached.as_ref().map(|cached| cached.looked_up_at.elapsed());
        match (cached, age) {
            (Some(cached), Some(age)) if age < REFRESH_AGE => Ok(Some(cached)),
            (Some(cached), Some(age)) if age < KEY_TTL => {
                if cached.is_refreshing.swap(true, Ordering::Relaxed) {
                    return Ok(Some(cached));
                }
                Box::pin(self.look_up(id)).await.or_else(|error| {
                    tracing::debug!(error = &error as &dyn std::error::Error, "an API key was not looked up again");
                    Ok(Some(cached))
                })
            }
            (known, _) => {
                let lookups = if known.is_some() { &self.lookups_of_known } else { &self.lookups };
                // The semaphores are never closed.
                let _permit = lookups.acquire().await;
                // Another request may have looked it up meanwhile.
                match self.cache.get(id).filter(|cached| cached.looked_up_at.elapsed() < KEY_TTL) {
                    Some(cached) => Ok(Some(cached)),
                    None => Box::pin(self.look_up(id)).await,
                }
            }
        }
    }

    async fn look_up(&self, id: &str) -> Result<Option<Arc<CachedApiKey>>, StoreError> {
        let looked_up_at = Instant::now();
        let Some(key) = self.store.api_key(id).await? else {
            self.cache.remove(id);
            return Ok(None);
        };
        let grants = parse_grants(&key)?;
        let identity = ApiKeyIdentity { id: &key.id, name: &key.name, tenant: &key.tenant, expires_at: key.expires_at };
        let cached = Arc::new(CachedApiKey {
            looked_up_at,
            is_refreshing: AtomicBool::new(false),
            principal: Arc::new(grants.principal(&identity, &self.intune_services)),
            last_used_at: AtomicI64::new(key.last_used_at.map_or(i64::MIN, |hour| hour.0)),
            grants,
            key,
        });
        self.cache.insert(id.to_owned(), Arc::clone(&cached));
        Ok(Some(cached))
    }

    /// Notes that a key was used, once an hour.
    fn note_use(&self, cached: &CachedApiKey, now: Timestamp) {
        let hour = Timestamp(now.0.div_euclid(HOUR) * HOUR);
        if cached.last_used_at.fetch_max(hour.0, Ordering::Relaxed) < hour.0 {
            self.uses.lock().insert(cached.key.id.clone(), hour);
        }
    }

    /// Writes the uses that were noted. Those that cannot be written are kept for the next call.
    pub async fn flush_uses(&self) {
        let uses: Vec<(String, Timestamp)> = self.uses.lock().drain().collect();
        if uses.is_empty() {
            return;
        }
        if let Err(error) = self.store.note_api_key_uses(&uses).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last use of API keys was not written");
            let mut noted = self.uses.lock();
            for (id, hour) in uses {
                noted.entry(id).or_insert(hour);
            }
        }
    }
}

impl CachedApiKey {
    fn check(&self, parsed: &ParsedApiKey<'_>, client_address: IpAddr, now: Timestamp) -> Result<(), Rejected> {
        if !parsed.secret_hash.equals(&self.key.secret_hash) {
            Err(Rejected::ApiKeySecret)
        } else if self.key.revoked_at.is_some() {
            Err(Rejected::ApiKeyRevoked)
        } else if !self.key.is_active(now) {
            Err(Rejected::ApiKeyExpired)
        } else if !self.grants.permits_address(client_address) {
            Err(Rejected::ApiKeyNetwork)
        } else {
            Ok(())
        }
    }
}

/// Parses the stored grants of a key.
pub(super) fn parse_grants(key: &ApiKey) -> Result<ApiKeyGrants, StoreError> {
    ApiKeyGrants::parse(&key.grants).map_err(|reason| StoreError::Corrupt {
        table: "api_key",
        column: "grants",
        id: key.id.clone(),
        reason,
    })
}
