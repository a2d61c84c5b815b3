//! Searches actors by name: among the snapshots, and returned as their latest visible event describes them.

use crate::query::condition::ACTOR_COLUMNS;
use crate::query::select;
use crate::query::sql::Sql;
use crate::query::sql::like;
use crate::read::row;
use crate::{Reader, StoreError};
use model::{Actor, EventId};

impl Reader {
    /// Returns the actors whose name, principal name, application or id contains a folded string. Each actor occurs
    /// once, with the id of its latest visible event, most recent first.
    pub async fn actors(&self, part: &str, limit: u32) -> Result<Vec<(EventId, Actor)>, StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM (SELECT (SELECT e.sequence FROM audit_event e");
        sql.push(" WHERE e.tenant_id = $1 AND e.actor_key = found.key");
        select::visible_services(&mut sql, &self.scope.visible, "e.service");
        sql.push(" ORDER BY e.occurred_at DESC, e.sequence DESC LIMIT 1) AS sequence");
        sql.push(" FROM (SELECT DISTINCT a.key FROM actor a WHERE a.tenant_id = $1");
        select::visible_services(&mut sql, &self.scope.visible, "a.service");
        sql.push(" AND ");
        sql.joined(&ACTOR_COLUMNS, " OR ", "FALSE", |sql, column| like(sql, column, part));
        sql.push(") found) last JOIN audit_event e ON e.tenant_id = $1 AND e.sequence = last.sequence");
        sql.push(" ORDER BY e.occurred_at DESC, e.sequence DESC LIMIT ").bind(i64::from(limit));
        let found = self.fetch_events(sql).await?.into_iter();
        Ok(found.map(|(_, event)| (event.id(), event.body.actor)).collect())
    }
}
