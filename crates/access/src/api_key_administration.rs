//! Creates, revokes and rotates API keys, each together with an event in the access log of the tenant.
//!
//! A change and its event are one transaction, so that no change is without an event. The event names the key, its
//! grants and its administrator, never its secret.

use std::net::IpAddr;
use std::sync::Arc;

use super::access_error::AccessError;
use super::api_keys::parse_grants;
use super::service_event::{actor, event_of_the_service};
use super::target_log::{AccessLogRegistry, IdGenerator};
use auth::{ApiKeyGrants, Network, Permission, Principal, Role, new_api_key};
use model::page::Slice;
use model::sensitive::SensitiveNames;
use model::{Actor, ActorKind, EventBody, Invalid, Json, ModifiedProperty, NewEvent, OperationType, Target, Timestamp};
use store::{ApiKey, ApiKeyChange, ApiKeyPage, NewApiKey, Store, StoreError, Tenant, new_api_key_id};

/// The category of all events about API keys.
const CATEGORY: &str = "ApiKeys";
/// The type of the targets of these events.
const TARGET_TYPE: &str = "ApiKey";
/// The most bytes of the name of a key.
const NAME_BYTES_MAX: usize = 100;

/// The sources of random ids and secrets.
#[derive(Clone)]
pub struct RandomSource {
    /// Generates unique ids.
    pub ids: IdGenerator,
    /// Generates random bytes for secrets.
    pub secrets: Arc<dyn Fn() -> [u8; 32] + Send + Sync>,
}

impl std::fmt::Debug for RandomSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RandomSource").finish_non_exhaustive()
    }
}

/// The administrator of a change: the operator, or a caller of the API.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The name that is stored with a new key: the operator's, or the subject of the caller.
    name: String,
    actor: Actor,
    /// The id of the request. `None` for a command.
    request_id: Option<String>,
    /// Whether keys that administer may be created and rotated.
    grants_administration: bool,
}

impl Administrator {
    /// The operator with this name, on the command line.
    pub fn operator(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            actor: Actor { display_name: Some(name.to_owned()), ..Actor::new(ActorKind::User) },
            request_id: None,
            grants_administration: true,
        }
    }

    /// The caller of a request.
    pub(super) fn caller(principal: &Principal, client_address: Option<IpAddr>, request_id: &str) -> Self {
        Self {
            name: principal.subject.clone(),
            actor: actor(principal, client_address),
            request_id: Some(request_id.to_owned()),
            grants_administration: false,
        }
    }
}

/// A key to create.
#[derive(Clone, Debug)]
pub struct ApiKeyRequest {
    /// The name of the program that uses the key.
    pub name: String,
    /// What it permits.
    pub grants: ApiKeyGrants,
    /// When it expires. `None` if it does not.
    pub expires_at: Option<Timestamp>,
}

/// When the two keys of a rotation expire.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// When the old key expires, unless it expires earlier.
    pub old_expires_at: Timestamp,
    /// When the new key expires. `None` if it has as much time as the old one had from its creation to its expiry.
    pub new_expires_at: Option<Timestamp>,
}

/// A key that was created. The secret is shown once.
#[derive(Clone)]
pub struct CreatedApiKey {
    /// The whole key, with its secret.
    pub secret: String,
    /// The id.
    pub id: String,
}

impl std::fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An API key without its secret, and what it permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyEntry {
    /// The stored key.
    pub key: ApiKey,
    /// What it permits.
    pub grants: ApiKeyGrants,
}

/// Creates, lists, revokes and rotates API keys.
#[derive(Clone, Debug)]
pub struct ApiKeyAdministration {
    store: Store,
    logs: Arc<AccessLogRegistry>,
    sensitive_names: Arc<SensitiveNames>,
    random: RandomSource,
}

impl ApiKeyAdministration {
    /// Creates the administration of a store's keys, for the commands of the operator.
    pub fn new(store: Store, random: RandomSource) -> Self {
        let logs = Arc::new(AccessLogRegistry::new(store.clone(), Arc::clone(&random.ids)));
        Self::with_logs(store, logs, Arc::default(), random)
    }

    pub(super) fn with_logs(
        store: Store,
        logs: Arc<AccessLogRegistry>,
        sensitive_names: Arc<SensitiveNames>,
        random: RandomSource,
    ) -> Self {
        Self { store, logs, sensitive_names, random }
    }

    /// Returns the keys of a tenant, in the order of their creation.
    pub async fn list(&self, tenant: &Tenant) -> Result<Vec<ApiKeyEntry>, AccessError> {
        let keys = self.store.api_keys(tenant).await.map_err(AccessError::Store)?;
        keys.into_iter().map(entry).collect()
    }

    /// Returns a page of the keys of a tenant, in the order of their creation.
    pub async fn page(&self, tenant: &Tenant, page: &ApiKeyPage) -> Result<Slice<ApiKeyEntry>, AccessError> {
        let Slice { rows, has_next, has_previous } =
            self.store.api_key_page(tenant, page).await.map_err(AccessError::Store)?;
        Ok(Slice { rows: rows.into_iter().map(entry).collect::<Result<_, _>>()?, has_next, has_previous })
    }

    /// Returns the number of keys of a tenant, also of those that are revoked or expired.
    pub async fn count(&self, tenant: &Tenant) -> Result<u64, AccessError> {
        self.store.api_key_count(tenant).await.map_err(AccessError::Store)
    }

    /// Returns a key of a tenant by its id, or `None` if the tenant has none with this id.
    pub async fn find(&self, tenant: &Tenant, id: &str) -> Result<Option<ApiKeyEntry>, AccessError> {
        let key = self.store.api_key(id).await.map_err(AccessError::Store)?;
        key.filter(|key| key.tenant == tenant.key).map(entry).transpose()
    }

    /// Creates a key of a tenant.
    pub async fn create(
        &self,
        tenant: &Tenant,
        request: ApiKeyRequest,
        by: &Administrator,
        now: Timestamp,
    ) -> Result<CreatedApiKey, AccessError> {
        check_name(&request.name)?;
        check_expiry(request.expires_at, now)?;
        let grants = request.grants.checked().map_err(AccessError::Invalid)?;
        check_administration(&grants, by)?;
        let (created, new) = self.new_key(tenant, (request.name, &grants), request.expires_at, by);
        let target = target(&new.id, &new.name, added(&grants, new.expires_at));
        let event = self.event("Create API key", OperationType::Create, vec![target], by, now)?;
        self.change(tenant, ApiKeyChange::Add(new), event, now).await?;
        Ok(created)
    }

    /// Revokes a key of a tenant.
    pub async fn revoke(
        &self,
        tenant: &Tenant,
        id: &str,
        by: &Administrator,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let ApiKeyEntry { key, .. } = self.active_key(tenant, id, now).await?;
        let state = ModifiedProperty::new("State", Some(Json::string("active")), Some(Json::string("revoked")));
        let target = target(&key.id, &key.name, vec![state]);
        let event = self.event("Revoke API key", OperationType::Delete, vec![target], by, now)?;
        self.change(tenant, ApiKeyChange::Revoke(key.id), event, now).await
    }

    /// Creates a key with the name and the grants of an old one, which expires soon.
    pub async fn rotate(
        &self,
        tenant: &Tenant,
        id: &str,
        rotation: Rotation,
        by: &Administrator,
        now: Timestamp,
    ) -> Result<CreatedApiKey, AccessError> {
        let ApiKeyEntry { key, grants } = self.active_key(tenant, id, now).await?;
        check_administration(&grants, by)?;
        check_expiry(rotation.new_expires_at, now)?;
        let lifetime = key.expires_at.map(|expiry| now.plus(expiry.0.saturating_sub(key.created_at.0)));
        let (created, new) =
            self.new_key(tenant, (key.name.clone(), &grants), rotation.new_expires_at.or(lifetime), by);
        let expires_at = key.expires_at.map_or(rotation.old_expires_at, |expiry| expiry.min(rotation.old_expires_at));
        let expiry = ModifiedProperty::new("Expiry", key.expires_at.map(time), Some(time(expires_at)));
        let targets =
            vec![target(&key.id, &key.name, vec![expiry]), target(&new.id, &new.name, added(&grants, new.expires_at))];
        let event = self.event("Rotate API key", OperationType::Update, targets, by, now)?;
        let change = ApiKeyChange::Replace { id: key.id, expires_at: rotation.old_expires_at, by: new };
        self.change(tenant, change, event, now).await?;
        Ok(created)
    }

    fn new_key(
        &self,
        tenant: &Tenant,
        (name, grants): (String, &ApiKeyGrants),
        expires_at: Option<Timestamp>,
        by: &Administrator,
    ) -> (CreatedApiKey, NewApiKey) {
        let random = (self.random.secrets)();
        let random = random.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        let id = new_api_key_id(tenant, random);
        let (secret, hash) = new_api_key(&id, (self.random.secrets)());
        let key = NewApiKey {
            id: id.clone(),
            name,
            secret_hash: hash.bytes().to_vec(),
            grants: grants.to_json(),
            created_by: by.name.clone(),
            expires_at,
        };
        (CreatedApiKey { secret, id }, key)
    }

    /// Returns a key of the tenant that is neither revoked nor expired.
    async fn active_key(&self, tenant: &Tenant, id: &str, now: Timestamp) -> Result<ApiKeyEntry, AccessError> {
        let found = self.find(tenant, id).await?.filter(|entry| entry.key.is_active(now));
        found.ok_or_else(|| no_key(id))
    }

    async fn change(
        &self,
        tenant: &Tenant,
        change: ApiKeyChange,
        event: NewEvent,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let log = self.logs.find_or_create(tenant).await.map_err(AccessError::Store)?;
        let changed = self.store.change_api_keys(tenant, &change, (&log, &event), now).await;
        changed.map_err(|error| match error {
            StoreError::NoApiKey(id) => no_key(&id),
            StoreError::TooManyApiKeys => AccessError::Invalid(Invalid::new(error.to_string())),
            other => AccessError::Store(other),
        })
    }

    /// The event about a change.
    fn event(
        &self,
        activity: &str,
        operation_type: OperationType,
        targets: Vec<Target>,
        by: &Administrator,
        now: Timestamp,
    ) -> Result<NewEvent, AccessError> {
        let body = EventBody {
            correlation_id: by.request_id.clone(),
            targets,
            ..event_of_the_service((self.random.ids)(), now, (CATEGORY, activity), operation_type, by.actor.clone())
        };
        NewEvent::parse(body, now, &self.sensitive_names).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
            AccessError::Invalid(Invalid::new(problems.join("; ")))
        })
    }
}

fn entry(key: ApiKey) -> Result<ApiKeyEntry, AccessError> {
    let grants = parse_grants(&key).map_err(AccessError::Store)?;
    Ok(ApiKeyEntry { key, grants })
}

fn no_key(id: &str) -> AccessError {
    AccessError::Invalid(Invalid::new(format!(
        "the tenant has no API key with the id `{id}` that is neither revoked nor expired"
    )))
}

fn check_name(name: &str) -> Result<(), AccessError> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.trim() == name && !name.contains(breaks) {
        return Ok(());
    }
    Err(AccessError::Invalid(Invalid::new(format!(
        "the name of an API key has 1 to {NAME_BYTES_MAX} bytes, no control characters and no white space around it"
    ))))
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), AccessError> {
    if expires_at.is_some_and(|expiry| expiry <= now) {
        return Err(AccessError::Invalid(Invalid::new(
            "the API key would have expired already: choose a later expiry",
        )));
    }
    Ok(())
}

/// Checks that an administrator may create a key with these grants.
fn check_administration(grants: &ApiKeyGrants, by: &Administrator) -> Result<(), AccessError> {
    if grants.permissions.contains(&Permission::Administer) && !by.grants_administration {
        return Err(AccessError::Invalid(Invalid::new(
            "keys with `audit/admin` are created and rotated only by the operator, with `auditgraph key`",
        )));
    }
    Ok(())
}

/// A key as the target of an event.
fn target(id: &str, name: &str, modified_properties: Vec<ModifiedProperty>) -> Target {
    Target {
        object_id: Some(id.to_owned()),
        display_name: Some(name.to_owned()),
        kind: Some(TARGET_TYPE.to_owned()),
        modified_properties,
        ..Target::default()
    }
}

/// The properties of a new key.
fn added(grants: &ApiKeyGrants, expires_at: Option<Timestamp>) -> Vec<ModifiedProperty> {
    let roles = grants.roles.iter().map(|role: &Role| role.name().to_owned()).collect();
    let permissions = grants.permissions.iter().map(|permission| permission.name().to_owned()).collect();
    let networks = grants.networks.iter().map(Network::to_string).collect();
    let lists: [(&str, Vec<String>); 4] =
        [("Roles", roles), ("Permissions", permissions), ("Services", grants.services.clone()), ("Networks", networks)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let mut properties: Vec<ModifiedProperty> = lists
        .map(|(name, list)| {
            let list = Json::parse(&serde_json::Value::from(list).to_string());
            ModifiedProperty::new(name, None, list)
        })
        .collect();
    properties.extend(expires_at.map(|expiry| ModifiedProperty::new("Expiry", None, Some(time(expiry)))));
    properties
}

fn time(time: Timestamp) -> Json {
    Json::string(&time.to_string())
}
