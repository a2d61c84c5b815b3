//! Verifies the rows that belong to events: event keys, targets and property changes.

use std::collections::{BTreeMap, HashMap};

use entity::{audit_event, event_key, event_target, property_change};
use sea_orm::{ColumnTrait as _, EntityName as _, EntityTrait as _, ModelTrait};
use sea_orm::{PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::Verification;
use crate::StoreError;
use crate::read::stored_body::body_text;
use crate::write::prepared::PreparedEvent;
use model::{EventId, NewEvent};

/// Event keys per page of the search for surplus keys.
const KEYS_MAX: u64 = 50;

impl Verification<'_> {
    /// Verifies the event keys of a chunk.
    pub(super) async fn check_event_keys(&mut self, events: &[PreparedEvent]) -> Result<(), StoreError> {
        let stored_keys = event_key::Entity::find()
            .filter(event_key::Column::TenantId.eq(self.tenant_id))
            .filter(event_key::Column::KeyHash.is_in(events.iter().map(|event| event.key.key_hash.clone())));
        let stored_keys: HashMap<Vec<u8>, event_key::Model> =
            stored_keys.all(self.snapshot).await?.into_iter().map(|row| (row.key_hash.clone(), row)).collect();
        self.keys += stored_keys.len() as u64;
        for PreparedEvent { key, .. } in events {
            match stored_keys.get(&key.key_hash) {
                Some(found) => {
                    // The input of an event cannot be derived from its body, which has defaults.
                    let expected = event_key::Model { input_hash: found.input_hash.clone(), ..key.clone() };
                    self.compare(key.sequence, "", &expected, found);
                }
                None => self.difference(key.sequence, ["event_key", "key_hash"], "row is missing"),
            }
        }
        Ok(())
    }

    /// Reports event keys without an event. Searches only if there are more keys than events.
    pub(super) async fn check_surplus_keys(&mut self) -> Result<(), StoreError> {
        let tenant_id = self.tenant_id;
        let of_tenant = || event_key::Entity::find().filter(event_key::Column::TenantId.eq(tenant_id));
        if of_tenant().count(self.snapshot).await? == self.keys {
            return Ok(());
        }
        let mut after = Vec::new();
        loop {
            let page = of_tenant().filter(event_key::Column::KeyHash.gt(after.clone()));
            let page = page.order_by_asc(event_key::Column::KeyHash).limit(KEYS_MAX).all(self.snapshot).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key_hash);
            let events = audit_event::Entity::find()
                .filter(audit_event::Column::TenantId.eq(self.tenant_id))
                .filter(audit_event::Column::Sequence.is_in(page.iter().map(|row| row.sequence)));
            let mut event_ids: HashMap<i64, EventId> = HashMap::new();
            for event in events.all(self.snapshot).await? {
                if let Ok(stored) = NewEvent::stored(body_text(&event)?) {
                    event_ids.insert(event.sequence, stored.id());
                }
            }
            for row in page {
                if event_ids.get(&row.sequence).is_none_or(|id| id.0.as_slice() != row.key_hash) {
                    self.difference(row.sequence, ["event_key", "key_hash"], "belongs to no event");
                }
            }
        }
    }

    /// Verifies the targets and the property changes of a chunk. `links` are the rows of its targets, or `None` if these
    /// cannot be compared.
    pub(super) async fn check_side_rows(
        &mut self,
        after: i64,
        end: i64,
        events: Vec<PreparedEvent>,
        links: Option<Vec<event_target::Model>>,
    ) -> Result<(), StoreError> {
        let (mut targets, mut changes) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            targets.extend(event.targets.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
            changes.extend(event.changes.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
        }
        let range = Some((after.max(0) + 1, end));
        match links {
            Some(links) => {
                self.compare_side_rows(targets, links.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
            }
            None => self.is_every_target_known = false,
        }
        let found = property_change::Entity::find()
            .filter(property_change::Column::TenantId.eq(self.tenant_id))
            .filter(property_change::Column::Sequence.gt(after))
            .filter(property_change::Column::Sequence.lte(end))
            .all(self.snapshot)
            .await;
        if let Some(found) = self.readable(found, property_change::Entity.table_name(), range).await? {
            self.compare_side_rows(changes, found.into_iter().map(|row| ((row.sequence, row.ordinal), row)));
        }
        Ok(())
    }

    /// Compares the expected rows of a side table with the stored ones, by sequence and ordinal.
    fn compare_side_rows<M: ModelTrait>(
        &mut self,
        mut expected: BTreeMap<(i64, i32), M>,
        found: impl Iterator<Item = ((i64, i32), M)>,
    ) {
        let table = M::Entity::default().table_name();
        for ((sequence, part), row) in found {
            match expected.remove(&(sequence, part)) {
                Some(expected) => self.compare(sequence, &format!("(part {part}) "), &expected, &row),
                None if self.undecodable.contains(&sequence) => {}
                None => self.difference(sequence, [table, "ordinal"], &format!("part {part} is not in the event")),
            }
        }
        for (sequence, part) in expected.into_keys() {
            self.difference(sequence, [table, "ordinal"], &format!("row of part {part} is missing"));
        }
    }
}
