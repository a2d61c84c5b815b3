//! The rows of API keys: looks them up, and changes them together with the event about the change.
//!
//! The id of a key contains the id of its tenant, so that a key is found by its primary key, which begins with the tenant.

use entity::{api_key, tenant};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _};
use sea_orm::{Condition, QueryFilter as _, QueryOrder as _, QuerySelect as _, TransactionTrait as _};
use sea_orm::{Order, PaginatorTrait as _, QueryResult, Statement};

use crate::write::prepared::PreparedEvent;
use crate::{Store, StoreError, Tenant, Writer};
use model::page::Slice;
use model::{NewEvent, Timestamp, base62};

/// The digits of the tenant's id at the start of a key's id.
const TENANT_DIGITS: usize = 6;
/// The random digits of a key's id.
const RANDOM_DIGITS: usize = 10;
/// The most keys of a tenant that are neither revoked nor expired.
pub const API_KEYS_MAX: u64 = 1_000;

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    tenant_id: i32,
    /// The id.
    pub id: String,
    /// The key of the tenant.
    pub tenant: String,
    /// The name.
    pub name: String,
    /// The SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Roles, permissions, services and networks, as JSON.
    pub grants: String,
    /// When the key was created.
    pub created_at: Timestamp,
    /// The operator or the subject that created the key.
    pub created_by: String,
    /// When the key expires. `None` if it does not.
    pub expires_at: Option<Timestamp>,
    /// When the key was revoked. `None` if it was not.
    pub revoked_at: Option<Timestamp>,
    /// The start of the hour in which the key was last used. `None` if it never was.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key is neither revoked nor expired.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }

    fn of(row: api_key::Model, tenant: &str) -> Self {
        Self {
            tenant_id: row.tenant_id,
            id: row.id,
            tenant: tenant.to_owned(),
            name: row.name,
            secret_hash: row.secret_hash,
            grants: row.grants,
            created_at: Timestamp(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
        }
    }
}

/// An API key to add.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// The id, from [`new_api_key_id`].
    pub id: String,
    /// The name.
    pub name: String,
    /// The SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Roles, permissions, services and networks, as JSON.
    pub grants: String,
    /// The operator or the subject that creates the key.
    pub created_by: String,
    /// When the key expires. `None` if it does not.
    pub expires_at: Option<Timestamp>,
}

/// A change of the API keys of a tenant.
#[derive(Clone, Debug)]
pub enum ApiKeyChange {
    /// Add a key.
    Add(NewApiKey),
    /// Revoke the key with this id.
    Revoke(String),
    /// Replace the key with this id, which expires at a time unless it expires earlier.
    Replace {
        /// The id of the key to replace.
        id: String,
        /// When it expires.
        expires_at: Timestamp,
        /// The key that replaces it.
        by: NewApiKey,
    },
}

/// The position of a key in the list of a tenant's keys, which is in the order of their creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyPosition {
    /// When the key was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// A page of a tenant's keys.
#[derive(Clone, Debug)]
pub struct ApiKeyPage {
    /// Only keys after this position.
    pub after: Option<ApiKeyPosition>,
    /// Only keys before this position.
    pub before: Option<ApiKeyPosition>,
    /// The most keys of the page.
    pub limit: u32,
    /// Whether the page is the end of the list and not its beginning.
    pub is_last: bool,
}

/// Returns the id of a new API key of a tenant. `random` is a random number of a secure source.
pub fn new_api_key_id(tenant: &Tenant, random: u64) -> String {
    let tenant_id = u128::try_from(tenant.id).unwrap_or_default();
    base62::encode(tenant_id, TENANT_DIGITS) + &base62::encode(u128::from(random), RANDOM_DIGITS)
}

/// Returns the id of the tenant in the id of a key, or `None` if the id is not one of a key.
fn tenant_id_in(id: &str) -> Option<i32> {
    if id.len() != TENANT_DIGITS + RANDOM_DIGITS {
        return None;
    }
    let (tenant_id, random) = id.split_at_checked(TENANT_DIGITS)?;
    base62::decode(random)?;
    i32::try_from(base62::decode(tenant_id)?).ok()
}

impl Store {
    /// Returns the API key with this id, or `None` if there is none. The key may be revoked or expired.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let Some(tenant_id) = tenant_id_in(id) else { return Ok(None) };
        let sql = "SELECT t.key, k.* FROM api_key k JOIN tenant t ON t.id = k.tenant_id
            WHERE k.tenant_id = $1 AND k.id = $2";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [tenant_id.into(), id.into()]);
        let row = self.with_timeout(self.statement_timeout, self.read.query_one_raw(statement)).await?;
        let key = |row: QueryResult| {
            let tenant: String = row.try_get_by("key")?;
            Ok(ApiKey::of(<api_key::Model as sea_orm::FromQueryResult>::from_query_result(&row, "")?, &tenant))
        };
        row.map(key).transpose()
    }

    /// Returns the API keys of a tenant, in the order of their creation.
    pub async fn api_keys(&self, tenant: &Tenant) -> Result<Vec<ApiKey>, StoreError> {
        let select = api_key::Entity::find().filter(api_key::Column::TenantId.eq(tenant.id));
        let ordered = select.order_by_asc(api_key::Column::CreatedAt).order_by_asc(api_key::Column::Id);
        let rows = self.with_timeout(self.statement_timeout, ordered.all(&self.read)).await?;
        Ok(rows.into_iter().map(|row| ApiKey::of(row, &tenant.key)).collect())
    }

    /// Returns a page of a tenant's API keys, in the order of their creation.
    pub async fn api_key_page(&self, tenant: &Tenant, page: &ApiKeyPage) -> Result<Slice<ApiKey>, StoreError> {
        let (created_at, id) = (api_key::Column::CreatedAt, api_key::Column::Id);
        let order = if page.is_last { Order::Desc } else { Order::Asc };
        let mut select = api_key::Entity::find().filter(api_key::Column::TenantId.eq(tenant.id));
        if let Some(after) = &page.after {
            let same_time = Condition::all().add(created_at.eq(after.created_at.0)).add(id.gt(&after.id));
            select = select.filter(Condition::any().add(created_at.gt(after.created_at.0)).add(same_time));
        }
        if let Some(before) = &page.before {
            let same_time = Condition::all().add(created_at.eq(before.created_at.0)).add(id.lt(&before.id));
            select = select.filter(Condition::any().add(created_at.lt(before.created_at.0)).add(same_time));
        }
        let select = select.order_by(created_at, order.clone()).order_by(id, order).limit(u64::from(page.limit) + 1);
        let mut rows = self.with_timeout(self.statement_timeout, select.all(&self.read)).await?;
        let has_more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        if page.is_last {
            rows.reverse();
        }
        let has_next = has_more && !page.is_last || self.has_api_key(tenant, page.before.as_ref(), true).await?;
        let has_previous = has_more && page.is_last || self.has_api_key(tenant, page.after.as_ref(), false).await?;
        let rows = rows.into_iter().map(|row| ApiKey::of(row, &tenant.key)).collect();
        Ok(Slice { rows, has_next, has_previous })
    }

    /// Whether the tenant has a key at a position or beyond: after it, or before it. Without a position there is none.
    async fn has_api_key(
        &self,
        tenant: &Tenant,
        position: Option<&ApiKeyPosition>,
        is_after: bool,
    ) -> Result<bool, StoreError> {
        let Some(ApiKeyPosition { created_at: at, id: at_id }) = position else { return Ok(false) };
        let (created_at, id) = (api_key::Column::CreatedAt, api_key::Column::Id);
        let (beyond, same_time) =
            if is_after { (created_at.gt(at.0), id.gte(at_id)) } else { (created_at.lt(at.0), id.lte(at_id)) };
        let same_time = Condition::all().add(created_at.eq(at.0)).add(same_time);
        let select = api_key::Entity::find().filter(api_key::Column::TenantId.eq(tenant.id));
        let select = select.filter(Condition::any().add(beyond).add(same_time)).limit(1);
        Ok(self.with_timeout(self.statement_timeout, select.one(&self.read)).await?.is_some())
    }

    /// Returns the number of a tenant's API keys, also of those that are revoked or expired.
    pub async fn api_key_count(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        let select = api_key::Entity::find().filter(api_key::Column::TenantId.eq(tenant.id));
        self.with_timeout(self.statement_timeout, select.count(&self.read)).await
    }

    /// Whether any tenant that is not disabled has an API key that is neither revoked nor expired.
    pub async fn has_active_api_key(&self, now: Timestamp) -> Result<bool, StoreError> {
        let enabled = tenant::Entity::find().filter(tenant::Column::IsDisabled.eq(0)).all(&self.read).await?;
        let select = api_key::Entity::find().filter(active(now));
        let select = select.filter(api_key::Column::TenantId.is_in(enabled.iter().map(|tenant| tenant.id)));
        Ok(select.limit(1).one(&self.read).await?.is_some())
    }

    /// Changes the API keys of a tenant, and records the event about it in `log`, in one transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoApiKey`] if the key to revoke or to replace does not exist, is revoked or expired, and
    /// [`StoreError::TooManyApiKeys`] if the tenant has [`API_KEYS_MAX`]. Nothing was changed then.
    pub async fn change_api_keys(
        &self,
        tenant: &Tenant,
        change: &ApiKeyChange,
        (log, event): (&Tenant, &NewEvent),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = async {
            let transaction = self.write.begin_with_options(crate::db::write_transaction()).await?;
            apply(&transaction, tenant.id, change, now).await?;
            let writer = Writer::new(self.clone(), log.id);
            let mut event = PreparedEvent::new(log.id, event);
            let recorded = writer.record_within(&transaction, &mut [&mut event], now).await?;
            transaction.commit().await?;
            writer.committed(recorded);
            Ok::<(), StoreError>(())
        };
        // Boxed: the future is large.
        match self.with_timeout(2 * self.record_timeout, Box::pin(change)).await {
            Err(StoreError::Timeout) => Err(StoreError::OutcomeUnknown),
            changed => changed,
        }
    }

    /// Sets when API keys were last used, each with the start of an hour. An earlier hour changes nothing.
    pub async fn note_api_key_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        for (id, hour) in uses {
            let Some(tenant_id) = tenant_id_in(id) else { continue };
            let column = api_key::Column::LastUsedAt;
            api_key::Entity::update_many()
                .col_expr(column, Expr::value(hour.0))
                .filter(api_key::Column::TenantId.eq(tenant_id))
                .filter(api_key::Column::Id.eq(id))
                .filter(Condition::any().add(column.is_null()).add(column.lt(hour.0)))
                .exec(&self.write)
                .await?;
        }
        Ok(())
    }
}

/// Selects keys that are neither revoked nor expired.
fn active(now: Timestamp) -> Condition {
    let expiry = api_key::Column::ExpiresAt;
    let unexpired = Condition::any().add(expiry.is_null()).add(expiry.gt(now.0));
    Condition::all().add(api_key::Column::RevokedAt.is_null()).add(unexpired)
}

async fn apply(
    transaction: &DatabaseTransaction,
    tenant_id: i32,
    change: &ApiKeyChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    match change {
        ApiKeyChange::Add(key) => insert(transaction, tenant_id, key, now).await,
        ApiKeyChange::Revoke(id) => {
            let revoked = Expr::value(now.0);
            update_active(transaction, (tenant_id, id), api_key::Column::RevokedAt, revoked, now).await
        }
        ApiKeyChange::Replace { id, expires_at, by } => {
            let expiry = api_key::Column::ExpiresAt;
            let is_earlier = sea_orm::ExprTrait::lt(Expr::col(expiry), expires_at.0);
            let earlier = Expr::case(is_earlier, Expr::col(expiry)).finally(expires_at.0);
            update_active(transaction, (tenant_id, id), expiry, earlier.into(), now).await?;
            insert(transaction, tenant_id, by, now).await
        }
    }
}

/// Sets a column of a key that is neither revoked nor expired.
async fn update_active(
    transaction: &DatabaseTransaction,
    (tenant_id, id): (i32, &str),
    column: api_key::Column,
    value: Expr,
    now: Timestamp,
) -> Result<(), StoreError> {
    let update = api_key::Entity::update_many().col_expr(column, value);
    let update = update.filter(api_key::Column::TenantId.eq(tenant_id)).filter(api_key::Column::Id.eq(id));
    let updated = update.filter(active(now)).exec(transaction).await?;
    if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::NoApiKey(id.to_owned())) }
}

async fn insert(
    transaction: &impl ConnectionTrait,
    tenant_id: i32,
    key: &NewApiKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let keys = api_key::Entity::find().filter(api_key::Column::TenantId.eq(tenant_id)).filter(active(now));
    if keys.count(transaction).await? >= API_KEYS_MAX {
        return Err(StoreError::TooManyApiKeys);
    }
    let key = key.clone();
    let row = api_key::ActiveModel {
        tenant_id: Set(tenant_id),
        id: Set(key.id),
        name: Set(key.name),
        secret_hash: Set(key.secret_hash),
        grants: Set(key.grants),
        created_at: Set(now.0),
        created_by: Set(key.created_by),
        expires_at: Set(key.expires_at.map(|expiry| expiry.0)),
        revoked_at: Set(None),
        last_used_at: Set(None),
    };
    api_key::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_contains_the_tenant() {
        for (tenant_id, random) in [(0, 0), (1, 7), (61, u64::MAX), (i32::MAX, 62)] {
            let tenant = Tenant {
                id: tenant_id,
                key: String::new(),
                display_name: String::new(),
                domains: Vec::new(),
                is_disabled: false,
            };
            let id = new_api_key_id(&tenant, random);
            assert_eq!((id.len(), tenant_id_in(&id)), (16, Some(tenant_id)), "{id}");
        }
    }

    #[test]
    fn other_strings_are_no_ids() {
        for id in [
            "",
            "0000010AbCdEfGh",
            "0000010AbCdEfGhIJ",
            "zzzzzz0AbCdEfGhI",
            "00000_0AbCdEfGhI",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(tenant_id_in(id), None, "{id}");
        }
    }
}
