//! Caches ids of snapshots, numbers of terms and property names of activities, to avoid lookups per event.
//!
//! The cache contains only committed data. Snapshots and terms never change and their ids are never reused, so entries stay valid
//! whatever other processes record. A restored log has another id or a head that is behind; its entries are then
//! discarded.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::tenant_log;
use parking_lot::Mutex;
use quick_cache::unsync::Cache;
use quick_cache::{Weighter, sync};

use crate::db::bulk::Hash16;
use crate::term::{Term, TermIds};

/// The most tenants in the cache.
const TENANTS_MAX: usize = 64;
/// The most actors per tenant.
const ACTORS_MAX: usize = 8_192;
/// The most targets per tenant.
const TARGETS_MAX: usize = 16_384;
/// The most bytes of terms per tenant.
const TERM_BYTES_MAX: u64 = 4 << 20;
/// The usual number of cached terms per tenant.
const TERMS_EXPECTED: usize = 8_192;
/// The memory of a term in bytes, besides its string.
const TERM_BYTES: u64 = 80;
/// The most activities per tenant.
const ACTIVITIES_MAX: usize = 512;

/// Service, category and activity, folded.
pub(crate) type ActivityKey = [String; 3];

/// Ids of snapshots by fingerprint.
pub(crate) type SnapshotIds = HashMap<Hash16, i32>;

/// The cached data of all tenants.
pub(crate) struct SnapshotCache(sync::Cache<i32, Arc<Mutex<TenantSnapshots>>>);

/// The cached data of one tenant's log.
pub(crate) struct TenantSnapshots {
    log_id: String,
    last_sequence: i64,
    actors: Cache<Hash16, i32>,
    targets: Cache<Hash16, i32>,
    terms: Cache<Term, i32, TermWeighter>,
    /// Folded names of the properties that events of each activity changed.
    activities: Cache<ActivityKey, BTreeSet<String>>,
}

/// Weighs terms by their memory in bytes.
#[derive(Clone)]
struct TermWeighter;

impl Weighter<Term, i32> for TermWeighter {
    fn weight(&self, term: &Term, _id: &i32) -> u64 {
        TERM_BYTES + term.key.len() as u64
    }
}

/// The entries that a transaction read or inserted.
#[derive(Default)]
pub(crate) struct CacheAdditions {
    pub(crate) actors: SnapshotIds,
    pub(crate) targets: SnapshotIds,
    pub(crate) terms: TermIds,
    pub(crate) activities: Vec<(ActivityKey, BTreeSet<String>)>,
}

impl Default for SnapshotCache {
    fn default() -> Self {
        Self(sync::Cache::new(TENANTS_MAX))
    }
}

impl SnapshotCache {
    /// Returns the cached data of a tenant, empty if it is new.
    pub(crate) fn tenant(&self, tenant_id: i32) -> Arc<Mutex<TenantSnapshots>> {
        let empty = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(TenantSnapshots::new(String::new()))));
        self.0.get_or_insert_with(&tenant_id, empty).unwrap_or_else(|never| match never {})
    }
}

impl TenantSnapshots {
    /// Creates an empty cache of a log.
    fn new(log_id: String) -> Self {
        Self {
            log_id,
            last_sequence: 0,
            actors: Cache::new(ACTORS_MAX),
            targets: Cache::new(TARGETS_MAX),
            terms: Cache::with_weighter(TERMS_EXPECTED, TERM_BYTES_MAX, TermWeighter),
            activities: Cache::new(ACTIVITIES_MAX),
        }
    }

    /// Discards all entries if the log has another id, or a head behind the one they were read at.
    pub(crate) fn invalidate_if_replaced(&mut self, head: &tenant_log::Model) {
        if self.log_id != head.log_id || self.last_sequence > head.last_sequence {
            *self = Self::new(head.log_id.clone());
        }
    }

    /// Returns the ids of the actors that are cached.
    pub(crate) fn actors<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
        lookup(&self.actors, fingerprints)
    }

    /// Returns the ids of the targets that are cached.
    pub(crate) fn targets<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
        lookup(&self.targets, fingerprints)
    }

    /// Returns the numbers of the terms that are cached.
    pub(crate) fn terms<'a>(&mut self, terms: impl Iterator<Item = &'a Term>) -> TermIds {
        terms.filter_map(|term| self.terms.get(term).map(|id| (term.clone(), *id))).collect()
    }

    /// Returns the property names of an activity, or `None` if it is not cached.
    pub(crate) fn activity(&mut self, key: &ActivityKey) -> Option<&BTreeSet<String>> {
        self.activities.get(key)
    }

    /// Adds entries that were committed together with this head.
    pub(crate) fn apply(&mut self, additions: CacheAdditions, head: &tenant_log::Model) {
        if self.log_id != head.log_id {
            *self = Self::new(head.log_id.clone());
        }
        // Two transactions of this process may arrive in reverse order.
        self.last_sequence = self.last_sequence.max(head.last_sequence);
        for (fingerprint, id) in additions.actors {
            self.actors.insert(fingerprint, id);
        }
        for (fingerprint, id) in additions.targets {
            self.targets.insert(fingerprint, id);
        }
        for (term, id) in additions.terms {
            self.terms.insert(term, id);
        }
        for (key, names) in additions.activities {
            self.activities.insert(key, names);
        }
    }
}

fn lookup<'a>(ids: &Cache<Hash16, i32>, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
    fingerprints.filter_map(|fingerprint| ids.get(fingerprint).map(|id| (*fingerprint, *id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_or_truncated_log_is_discarded() {
        let head = |log_id: &str, last_sequence| tenant_log::Model {
            tenant_id: 1,
            log_id: log_id.to_owned(),
            last_sequence,
            last_recorded_at: 0,
            last_term_id: 0,
            last_actor_id: 0,
            last_target_id: 0,
            activity_type_count: 0,
            uncatalogued_count: 0,
        };
        for (found, is_cached) in [(head("a", 5), true), (head("a", 4), false), (head("b", 9), false)] {
            let mut cache = TenantSnapshots::new(String::new());
            cache.apply(CacheAdditions { actors: [([7; 16], 3)].into(), ..CacheAdditions::default() }, &head("a", 5));
            cache.invalidate_if_replaced(&found);
            assert_eq!(cache.actors([[7; 16]].iter()).contains_key(&[7; 16]), is_cached);
        }
    }
}
