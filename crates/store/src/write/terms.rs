//! Finds or assigns the numbers of the terms of new events, in the transaction that records them.

use std::collections::BTreeSet;

use entity::term;
use parking_lot::Mutex;
use sea_orm::DatabaseTransaction;

use crate::StoreError;
use crate::db::bulk;
use crate::term::{Term, TermIds, TermKind, next_id};
use crate::write::prepared::PreparedEvent;
use crate::write::snapshot_cache::TenantSnapshots;

/// Returns the numbers of the terms of events. Terms that are neither cached nor stored are inserted, and `last_id` is
/// advanced.
///
/// # Errors
///
/// [`StoreError::NumbersExhausted`] if the log has as many terms as it can number.
pub(crate) async fn resolve_term_ids(
    transaction: &DatabaseTransaction,
    tenant_id: i32,
    events: &[&mut PreparedEvent],
    cache: &Mutex<TenantSnapshots>,
    last_id: &mut i64,
) -> Result<TermIds, StoreError> {
    let mut wanted: BTreeSet<&Term> = events.iter().flat_map(|event| event.terms.present()).collect();
    let mut ids = cache.lock().terms(wanted.iter().copied());
    wanted.retain(|term| !ids.contains_key(*term));
    if wanted.is_empty() {
        return Ok(ids);
    }
    let stored = find_term_ids(transaction, tenant_id, &wanted).await?;
    let mut rows = Vec::new();
    for term in wanted.into_iter().filter(|term| !stored.contains_key(*term)) {
        let id = next_id(last_id, "term")?;
        rows.push(term::Model { tenant_id, id, kind: term.kind.code(), key: term.key.clone() });
        ids.insert(term.clone(), id);
    }
    ids.extend(stored);
    bulk::insert(transaction, &rows.iter().collect::<Vec<_>>(), "").await?;
    Ok(ids)
}

/// Returns the numbers of the terms that are stored.
pub(crate) async fn find_term_ids(
    transaction: &DatabaseTransaction,
    tenant_id: i32,
    wanted: &BTreeSet<&Term>,
) -> Result<TermIds, StoreError> {
    let terms: Vec<&Term> = wanted.iter().copied().collect();
    let mut ids = TermIds::new();
    for (kind, key, id) in bulk::find_terms(transaction, tenant_id, &terms).await? {
        ids.extend(TermKind::from_code(kind).map(|kind| (Term::new(kind, key), id)));
    }
    Ok(ids)
}
