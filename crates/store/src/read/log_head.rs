//! Reads the head of a log: its newest sequence, its extent in time, and whether it is open.

use entity::tenant_log;
use sea_orm::EntityTrait as _;

use crate::{EventQuery, Reader, StoreError};
use model::Timestamp;
use model::filter::{Condition, TimeRange};
use model::page::FeedCursor;

/// The extent of a tenant's log.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The newest position.
    pub head: FeedCursor,
    /// When the oldest visible event happened, or `None` if no event is visible.
    pub oldest: Option<Timestamp>,
    /// When the newest visible event happened, or `None` if no event is visible.
    pub newest: Option<Timestamp>,
}

impl Reader {
    /// Returns a cursor at the newest position of the log.
    pub async fn feed_head(&self) -> Result<FeedCursor, StoreError> {
        let head = tenant_log::Entity::find_by_id(self.tenant_id);
        let head = self.for_lookup().with_timeout(head.one(&self.store.read)).await?;
        let head = head.ok_or_else(|| StoreError::NoTenant(self.tenant_id.to_string()))?;
        let log_id = FeedCursor::log_id(&head.log_id).ok_or_else(|| StoreError::Corrupt {
            table: "tenant_log",
            column: "log_id",
            id: self.tenant_id.to_string(),
            reason: "not a UUID".to_owned(),
        })?;
        self.log_id.get_or_init(|| log_id);
        Ok(FeedCursor { log_id, sequence: head.last_sequence })
    }

    /// Returns the extent of the log.
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        let head = self.feed_head().await?;
        let everything = EventQuery { condition: Condition::everything(), period: TimeRange::default(), as_of: None };
        let (oldest, newest) = self.span(&everything).await?.unzip();
        Ok(Extent { head, oldest, newest })
    }

    /// Returns whether the tenant exists and is not disabled.
    pub(crate) async fn is_open(&self) -> Result<bool, StoreError> {
        let found = entity::tenant::Entity::find_by_id(self.tenant_id);
        let found = self.for_lookup().with_timeout(found.one(&self.store.read)).await?;
        Ok(found.is_some_and(|tenant| tenant.is_disabled == 0))
    }
}
