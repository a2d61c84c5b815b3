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

    pub(super) async fn links(&self, after: i64, end: i64) -> Result<Vec<event_target::Model>, StoreError> {
        let links = event_target::Entity::find()
            .filter(event_target::Column::TenantId.eq(self.tenant_id))
            .filter(event_target::Column::Sequence.gt(after))
            .filter(event_target::Column::Sequence.lte(end));
        Ok(links.all(self.snapshot).await?)
    }

    pub(super) async fn changes(&self, after: i64, end: i64) -> Result<Vec<property_change::Model>, StoreError> {
        let changes = property_change::Entity::find()
            .filter(property_change::Column::TenantId.eq(self.tenant_id))
            .filter(property_change::Column::Sequence.gt(after))
            .filter(property_change::Column::Sequence.lte(end));
        Ok(changes.all(self.snapshot).await?)
    }

    /// Verifies the targets and the property changes of a chunk. `links` and `changes` are the stored rows, or `None` if
    /// these cannot be compared.
    pub(super) fn check_side_rows(
        &mut self,
        events: Vec<PreparedEvent>,
        links: Option<Vec<event_target::Model>>,
        changes: Option<Vec<property_change::Model>>,
    ) {
        let link = |row: event_target::Model| ((row.sequence, row.ordinal.to_string()), row);
        let change = |row: property_change::Model| {
            ((row.sequence, format!("{} of target {}", row.ordinal, row.target_ordinal)), row)
        };
        let (mut expected_links, mut expected_changes) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            expected_links.extend(event.targets.into_iter().map(link));
            expected_changes.extend(event.changes.into_iter().map(change));
        }
        match links {
            Some(links) => self.compare_side_rows(expected_links, links.into_iter().map(link)),
            None => self.is_every_target_known = false,
        }
        match changes {
            Some(changes) => self.compare_side_rows(expected_changes, changes.into_iter().map(change)),
            None => self.is_every_change_known = false,
        }
    }

    /// Compares the expected rows of a side table with the stored ones, by sequence and part of the event.
    fn compare_side_rows<M: ModelTrait>(
        &mut self,
        mut expected: BTreeMap<(i64, String), M>,
        found: impl Iterator<Item = ((i64, String), M)>,
    ) {
        let table = M::Entity::default().table_name();
        for ((sequence, part), row) in found {
            match expected.remove(&(sequence, part.clone())) {
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
