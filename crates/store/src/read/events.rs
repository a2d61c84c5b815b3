//! Reads events by id or by sequence.

use std::collections::HashMap;

use crate::query::select;
use crate::query::sql::Sql;
use crate::read::row;
use crate::{Reader, StoreError};
use model::{Event, EventId};

impl Reader {
    /// Returns the event with this id, or `None` if it does not exist or the scope does not show it.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.events_by_id(&[id]).await?.pop().flatten())
    }

    /// Returns the events with these ids, in their order. An element is `None` if the event does not exist or the scope
    /// does not show it.
    pub async fn events_by_id(&self, ids: &[EventId]) -> Result<Vec<Option<Event>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT ");
        sql.push(row::COLUMNS).push(" FROM event_key k CROSS JOIN audit_event e");
        sql.push(" WHERE k.tenant_id = $1 AND e.tenant_id = $1 AND e.sequence = k.sequence AND k.key_hash IN ");
        sql.list(ids.iter().map(|id| id.0.to_vec()));
        select::visible_services(&mut sql, &self.scope.visible, "e.service");
        let events = self.for_lookup().fetch_events(sql).await?.into_iter();
        let found: HashMap<_, _> = events.map(|(_, event)| (event.id(), event)).collect();
        self.shown.events(found.len());
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// Returns the events with these sequences that the scope shows, in no particular order.
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
