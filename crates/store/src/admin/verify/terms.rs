//! Verifies the terms: each agrees with the events that refer to it, and none is unused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{audit_event, event_target, property_change, term};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::Verification;
use crate::StoreError;
use crate::term::{Term, TermIds};
use crate::write::prepared::{PreparedEvent, term_ids};
use crate::write::terms::find_term_ids;

/// Terms per lookup statement.
const TERMS_PER_STATEMENT: usize = 1_000;

/// The terms of events: the sequence of the first event with each, and the number by which that event refers to it.
pub(super) type ReferencedTerms = BTreeMap<Term, (i64, i32)>;

impl Verification<'_> {
    /// Collects the terms of events with the numbers in the stored rows, and notes that the numbers are in use.
    pub(super) fn referenced_terms(
        &mut self,
        events: &[(audit_event::Model, PreparedEvent)],
        links: &[event_target::Model],
        changes: &[property_change::Model],
    ) -> ReferencedTerms {
        let links: HashMap<_, i32> = links.iter().map(|row| ((row.sequence, row.ordinal), row.target_key)).collect();
        let changes: HashMap<_, i32> =
            changes.iter().map(|row| ((row.sequence, row.target_ordinal, row.ordinal), row.name_key)).collect();
        links.values().chain(changes.values()).for_each(|id| self.terms.insert(*id));
        let mut referenced = ReferencedTerms::new();
        for (found, expected) in events {
            let terms = &expected.terms;
            let ids = term_ids(found);
            for id in ids {
                self.terms.insert(id);
            }
            let targets = terms.targets.iter().zip(&expected.targets);
            let targets = targets.map(|(term, row)| (term, links.get(&(found.sequence, row.ordinal)).copied()));
            let properties =
                terms.properties.iter().zip(&expected.changes).map(|(term, row)| {
                    (term, changes.get(&(found.sequence, row.target_ordinal, row.ordinal)).copied())
                });
            let of_event = terms.of_event().into_iter().zip(ids.map(Some));
            for (term, id) in of_event.chain(targets).chain(properties).filter(|(term, _)| !term.key.is_empty()) {
                if !referenced.contains_key(term) {
                    referenced.insert(term.clone(), (found.sequence, id.unwrap_or_default()));
                }
            }
        }
        referenced
    }

    /// Returns the numbers of the terms of events. A term not found by its string is looked up by its number, to report
    /// the columns that differ.
    pub(super) async fn check_terms(&mut self, referenced: &ReferencedTerms) -> Result<TermIds, StoreError> {
        let wanted: BTreeSet<&Term> = referenced.keys().collect();
        let mut ids = find_term_ids(self.snapshot, self.tenant_id, &wanted).await?;
        let lost: Vec<(&Term, i64, i32)> = referenced
            .iter()
            .filter(|(term, _)| !ids.contains_key(*term))
            .map(|(term, (sequence, id))| (term, *sequence, *id))
            .collect();
        let mut stored: HashMap<i32, term::Model> = HashMap::new();
        for chunk in lost.chunks(TERMS_PER_STATEMENT) {
            let rows = term::Entity::find()
                .filter(term::Column::TenantId.eq(self.tenant_id))
                .filter(term::Column::Id.is_in(chunk.iter().map(|(_, _, id)| *id)));
            stored.extend(rows.all(self.snapshot).await?.into_iter().map(|row| (row.id, row)));
        }
        for (term, sequence, id) in lost {
            match stored.get(&id) {
                Some(found) => {
                    let expected = term::Model { kind: term.kind.code(), key: term.key.clone(), ..found.clone() };
                    self.compare(sequence, &format!("(id {id}) "), &expected, found);
                }
                None => self.difference(sequence, ["term", "id"], &format!("row with id {id} is missing")),
            }
            ids.insert(term.clone(), id);
        }
        Ok(ids)
    }
}
