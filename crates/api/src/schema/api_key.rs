//! API keys: their list, and the payloads of the mutations that change them.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;

use crate::engine::context::ContextExt as _;
use crate::error::ApiError;
use crate::schema::catalogue_page::PageArguments;
use crate::schema::enums::AccessRole;
use crate::schema::event::PageInfo;
use crate::schema::id::ObjectId;
use crate::schema::scalar::{Count, DateTime};
use access::{AccessActivity, Administrator, ApiKeyAdministration, ApiKeyEntry, ApiKeyRequest, Rotation};
use auth::{ApiKeyGrants, Network};
use model::{Invalid, Timestamp};
use store::{ApiKeyPage, ApiKeyPosition};

/// The default number of keys of a page.
pub(crate) const KEYS_DEFAULT: i32 = 50;
/// The most keys of a page.
const KEYS_MAX: i32 = 200;
/// The seconds until a replaced key expires, if the caller sets no other time.
const OVERLAP_SECS_DEFAULT: i32 = 3_600;
/// The longest time until a replaced key expires, in seconds: 90 days.
const OVERLAP_SECS_MAX: i32 = 90 * 24 * 3_600;

/// A permission of an API key. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::Permission")]
pub enum ApiKeyPermission {
    /// Reads events of all services, or of the key's; the same as the role `AUDIT_READER`.
    Read,
    /// Records events of all services, or of the key's.
    Record,
    /// Manages the tenant's API keys.
    Administer,
}

/// Whether an API key is accepted. Values may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApiKeyState {
    /// It is accepted, from its networks.
    Active,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

/// The credential of a program, without its secret.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ApiKey {
    /// The part of the key that names it: `agk_<keyId>_...`. The subject of the program is `key:` and this id.
    key_id: String,
    /// The name of the program that uses the key.
    name: String,
    /// Whether the key is accepted.
    state: ApiKeyState,
    /// The roles for reading.
    roles: Vec<AccessRole>,
    /// The permissions.
    permissions: Vec<ApiKeyPermission>,
    /// The services that roles and permissions are limited to; null means all.
    services: Option<Vec<String>>,
    /// The networks that the key may be used from; null means any.
    networks: Option<Vec<String>>,
    /// When the key was created.
    created_at: DateTime,
    /// The operator or the subject that created the key.
    created_by: String,
    /// When the key expires; null if it does not.
    expires_at: Option<DateTime>,
    /// When the key was revoked; null if it was not.
    revoked_at: Option<DateTime>,
    /// The start of the hour in which the key was last used; null if it never was.
    last_used_at: Option<DateTime>,
}

#[ComplexObject]
impl ApiKey {
    /// The key's global id, which is no secret.
    pub(crate) async fn id(&self) -> ID {
        ObjectId::ApiKey(self.key_id.clone()).to_global()
    }
}

impl ApiKey {
    fn of(entry: ApiKeyEntry, now: Timestamp) -> Self {
        let ApiKeyEntry { key, grants } = entry;
        let state = if key.revoked_at.is_some() {
            ApiKeyState::Revoked
        } else if key.is_active(now) {
            ApiKeyState::Active
        } else {
            ApiKeyState::Expired
        };
        let networks: Vec<String> = grants.networks.iter().map(Network::to_string).collect();
        Self {
            key_id: key.id,
            name: key.name,
            state,
            roles: grants.roles.into_iter().map(Into::into).collect(),
            permissions: grants.permissions.into_iter().map(Into::into).collect(),
            services: Some(grants.services).filter(|services| !services.is_empty()),
            networks: Some(networks).filter(|networks| !networks.is_empty()),
            created_at: DateTime(key.created_at),
            created_by: key.created_by,
            expires_at: key.expires_at.map(DateTime),
            revoked_at: key.revoked_at.map(DateTime),
            last_used_at: key.last_used_at.map(DateTime),
        }
    }

    /// The key of the caller's tenant with this id. `None` if there is none, or if the caller may not manage keys.
    pub(crate) async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Self>, ApiError> {
        let session = ctx.session()?;
        let Ok((keys, _)) = session.caller.api_keys("") else { return Ok(None) };
        let found = keys.find(&session.caller.tenant, id).await?;
        Ok(found.map(|entry| Self::of(entry, session.now)))
    }
}

/// A page of API keys, in the order of their creation.
#[derive(Clone, Debug)]
pub struct ApiKeyConnection {
    edges: Vec<ApiKeyEdge>,
    next: bool,
    previous: bool,
    total: u64,
}

/// A page of API keys, in the order of their creation.
#[Object]
impl ApiKeyConnection {
    /// The keys of this page with their cursors.
    async fn edges(&self) -> &[ApiKeyEdge] {
        &self.edges
    }
    /// The keys of this page.
    async fn nodes(&self) -> Vec<&ApiKey> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
    /// The cursors of this page, and whether there are more pages.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            next: self.next,
            previous: self.previous,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }
    /// The number of keys over all pages.
    async fn total_count(&self) -> Count {
        Count(i64::try_from(self.total).unwrap_or(i64::MAX))
    }
}

/// An API key with its cursor.
#[derive(Clone, Debug, SimpleObject)]
pub struct ApiKeyEdge {
    /// The position of the key in the list, for `after` and `before`.
    cursor: String,
    /// The key.
    node: ApiKey,
}

/// The page of the tenant's keys.
pub(crate) async fn page(ctx: &Context<'_>, arguments: PageArguments) -> Result<ApiKeyConnection, ApiError> {
    let ((first, after), (last, before)) = arguments;
    let size = |part: &str, size: i32| {
        let size = u32::try_from(size).ok().filter(|size| (1..=KEYS_MAX.unsigned_abs()).contains(size));
        size.ok_or_else(|| Invalid::new(format!("`{part}` must be from 1 to {KEYS_MAX}")))
    };
    let (limit, is_last) = match (first, last) {
        (Some(_), Some(_)) => return Err(Invalid::new("give `first` or `last`, not both").into()),
        (None, Some(last)) => (size("last", last)?, true),
        (first, None) => (size("first", first.unwrap_or(KEYS_DEFAULT))?, false),
    };
    let after = after.map(|cursor| parse("after", &cursor)).transpose()?;
    let before = before.map(|cursor| parse("before", &cursor)).transpose()?;
    let session = ctx.session()?;
    let (keys, _) = administration(ctx)?;
    session.access_record.begin_field(ctx.field().name(), ctx.field().name(), AccessActivity::ManageApiKeys, Map::new);
    let request = ApiKeyPage { after, before, limit, is_last };
    let found = keys.page(&session.caller.tenant, &request).await?;
    let edge = |entry: ApiKeyEntry| ApiKeyEdge {
        cursor: encode(entry.key.created_at, &entry.key.id),
        node: ApiKey::of(entry, session.now),
    };
    let edges = found.rows.into_iter().map(edge).collect();
    let total = keys.count(&session.caller.tenant).await?;
    Ok(ApiKeyConnection { edges, next: found.has_next, previous: found.has_previous, total })
}

fn encode(created_at: Timestamp, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {id}", created_at.0))
}

fn parse(part: &str, cursor: &str) -> Result<ApiKeyPosition, Invalid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = bytes.as_deref().and_then(|text| text.split_once(' '));
    let position = position.and_then(|(time, id)| Some((Timestamp(time.parse().ok()?), id.to_owned())));
    let (created_at, id) =
        position.ok_or_else(|| Invalid::new(format!("`{part}` must be a cursor that this service returned")))?;
    Ok(ApiKeyPosition { created_at, id })
}

/// The administration of the tenant's keys. Adds the root field to the access record.
fn administration(ctx: &Context<'_>) -> Result<(Arc<ApiKeyAdministration>, Administrator), ApiError> {
    let session = ctx.session()?;
    let (name, record) = (ctx.field().name(), &session.access_record);
    let keys = session.caller.api_keys(record.request_id());
    let keys = keys.inspect_err(|_refused| record.record_forbidden(name, AccessActivity::ManageApiKeys))?;
    Ok(keys)
}

/// A new API key.
#[derive(Clone, Debug, InputObject)]
pub struct CreateApiKeyInput {
    /// The name of the program that uses the key: 1 to 100 bytes on one line.
    name: String,
    /// The roles for reading: `AUDIT_READER` or `INTUNE_SERVICE_ADMIN`. `GLOBAL_ADMIN` is refused.
    roles: Option<Vec<AccessRole>>,
    /// The permissions: `READ` or `RECORD`. `ADMINISTER` is refused, because only the operator creates such keys.
    permissions: Option<Vec<ApiKeyPermission>>,
    /// The services that roles and permissions are limited to, at most 50. Omitted, all.
    services: Option<Vec<String>>,
    /// The networks that the key may be used from, such as `10.0.0.0/8` or `192.0.2.7`, at most 50. Omitted, any.
    networks: Option<Vec<String>>,
    /// When the key expires. Omitted, it does not.
    expires_at: Option<DateTime>,
}

/// Result of `createApiKey`.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The new key, without its secret.
    api_key: ApiKey,
    /// The whole key with its secret. It is shown only now: the server stores its hash.
    secret: String,
}

pub(crate) async fn create(ctx: &Context<'_>, input: CreateApiKeyInput) -> Result<CreateApiKeyPayload, ApiError> {
    let session = ctx.session()?;
    let (keys, by) = administration(ctx)?;
    let networks = input.networks.unwrap_or_default();
    let grants = ApiKeyGrants {
        roles: input.roles.unwrap_or_default().into_iter().map(Into::into).collect(),
        permissions: input.permissions.unwrap_or_default().into_iter().map(Into::into).collect(),
        services: input.services.unwrap_or_default(),
        networks: networks.iter().map(|network| network.parse()).collect::<Result<_, Invalid>>()?,
    };
    let request =
        ApiKeyRequest { name: input.name, grants, expires_at: input.expires_at.map(|DateTime(expiry)| expiry) };
    let created = keys.create(&session.caller.tenant, request, &by, session.now).await?;
    let api_key = changed(ctx, &keys, &created.id).await?;
    Ok(CreateApiKeyPayload { api_key, secret: created.secret })
}

/// An API key to revoke.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeApiKeyInput {
    /// The id of the key.
    key_id: String,
}

/// Result of `revokeApiKey`.
#[derive(Clone, Debug, SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The revoked key.
    api_key: ApiKey,
}

pub(crate) async fn revoke(ctx: &Context<'_>, input: &RevokeApiKeyInput) -> Result<RevokeApiKeyPayload, ApiError> {
    let session = ctx.session()?;
    let (keys, by) = administration(ctx)?;
    keys.revoke(&session.caller.tenant, &input.key_id, &by, session.now).await?;
    Ok(RevokeApiKeyPayload { api_key: changed(ctx, &keys, &input.key_id).await? })
}

/// An API key to replace.
#[derive(Clone, Debug, InputObject)]
pub struct RotateApiKeyInput {
    /// The id of the key to replace.
    key_id: String,
    /// The seconds until the replaced key expires, unless it expires earlier: 0 to 7,776,000 (90 days). 0 if it has
    /// leaked.
    #[graphql(default_with = "Some(OVERLAP_SECS_DEFAULT)")]
    overlap_secs: Option<i32>,
    /// When the new key expires. Omitted, it has as much time as the replaced one had from its creation to its expiry.
    expires_at: Option<DateTime>,
}

/// Result of `rotateApiKey`.
#[derive(Clone, Debug, SimpleObject)]
pub struct RotateApiKeyPayload {
    /// The new key, without its secret.
    api_key: ApiKey,
    /// The replaced key, with its expiry.
    replaced: ApiKey,
    /// The whole new key with its secret. It is shown only now: the server stores its hash.
    secret: String,
}

pub(crate) async fn rotate(ctx: &Context<'_>, input: &RotateApiKeyInput) -> Result<RotateApiKeyPayload, ApiError> {
    let session = ctx.session()?;
    let (keys, by) = administration(ctx)?;
    let overlap = input.overlap_secs.unwrap_or(OVERLAP_SECS_DEFAULT);
    if !(0..=OVERLAP_SECS_MAX).contains(&overlap) {
        return Err(Invalid::new(format!("`input.overlapSecs` must be from 0 to {OVERLAP_SECS_MAX}")).into());
    }
    let rotation = Rotation {
        old_expires_at: session.now.plus(i64::from(overlap) * model::time::SECOND),
        new_expires_at: input.expires_at.map(|DateTime(expiry)| expiry),
    };
    let created = keys.rotate(&session.caller.tenant, &input.key_id, rotation, &by, session.now).await?;
    Ok(RotateApiKeyPayload {
        api_key: changed(ctx, &keys, &created.id).await?,
        replaced: changed(ctx, &keys, &input.key_id).await?,
        secret: created.secret,
    })
}

/// A key after its change.
async fn changed(ctx: &Context<'_>, keys: &ApiKeyAdministration, id: &str) -> Result<ApiKey, ApiError> {
    let session = ctx.session()?;
    let found = keys.find(&session.caller.tenant, id).await?;
    let found = found.ok_or(ApiError::Bug("an API key that was changed does not exist"))?;
    Ok(ApiKey::of(found, session.now))
}
