//! Single events, by their ids or places.

use std::collections::HashMap;

use crate::query::select;
use crate::query::sql::Sql;
use crate::read::row;
use crate::{Reader, StoreError};
use model::{Event, EventId};

impl Reader {
    /// The event with an id; none if there is none or the scope does not show it.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.events_by_id(&[id]).await?.pop().flatten())
    }

    /// The events with these ids, in their order; none at the places of those that are not there or not visible.
    pub async fn events_by_id(&self, ids: &[EventId]) -> Result<Vec<Option<Event>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM event_key k CROSS JOIN audit_event e");
        sql.push(" WHERE k.tenant_id = $1 AND e.tenant_id = $1 AND e.sequence = k.sequence AND k.key_hash IN ");
        sql.list(ids.iter().map(|id| id.0.to_vec()));
        select::visible_services(&mut sql, &self.scope.visible, "e.service");
        let events = self.fetch_events(sql).await?.into_iter();
        let found: HashMap<_, _> = events.map(|(_, event)| (event.id(), event)).collect();
        self.shown.events(found.len());
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// The events at these places of the log that the scope shows.
    pub(crate) async fn events_at(&self, sequences: &[i64]) -> Result<Vec<Event>, StoreError> {
        if sequences.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM audit_event e WHERE e.tenant_id = $1 AND e.sequence IN ");
        sql.list(sequences.iter().copied());
        select::visible_services(&mut sql, &self.scope.visible, "e.service");
        Ok(self.fetch_events(sql).await?.into_iter().map(|(_, event)| event).collect())
    }
}
