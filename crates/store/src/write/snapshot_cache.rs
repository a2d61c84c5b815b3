//! What logs are known to contain, so that it is not looked up for every event: snapshots of actors and targets, and
//! activities.
//!
//! This knowledge comes only from what was committed. Snapshots are never changed and their numbers never given twice,
//! so it stays true whatever other processes record. A restored log is detected by its id or by a head that is behind,
//! and its knowledge is built again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::tenant_log;
use parking_lot::Mutex;
use quick_cache::sync;
use quick_cache::unsync::Cache;

use crate::db::bulk::Hash16;

/// How many of each are remembered.
const TENANTS: usize = 64;
const ACTORS: usize = 8_192;
const TARGETS: usize = 16_384;
const ACTIVITIES: usize = 512;

/// Service, category and activity, folded.
pub(crate) type ActivityKey = [String; 3];

/// Snapshots by their fingerprints.
pub(crate) type SnapshotIds = HashMap<Hash16, i64>;

/// What the logs of all tenants are known to contain.
pub(crate) struct SnapshotCache(sync::Cache<i32, Arc<Mutex<TenantSnapshots>>>);

/// What the log of one tenant is known to contain.
pub(crate) struct TenantSnapshots {
    log_id: String,
    last_sequence: i64,
    actors: Cache<Hash16, i64>,
    targets: Cache<Hash16, i64>,
    /// With the names of their changed properties, folded.
    activities: Cache<ActivityKey, BTreeSet<String>>,
}

/// What a transaction saw or added.
#[derive(Default)]
pub(crate) struct CacheUpdate {
    pub(crate) actors: SnapshotIds,
    pub(crate) targets: SnapshotIds,
    pub(crate) activities: Vec<(ActivityKey, BTreeSet<String>)>,
}

impl Default for SnapshotCache {
    fn default() -> Self {
        Self(sync::Cache::new(TENANTS))
    }
}

impl SnapshotCache {
    /// What the log of a tenant is known to contain.
    pub(crate) fn tenant(&self, tenant_id: i32) -> Arc<Mutex<TenantSnapshots>> {
        let empty = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(TenantSnapshots::new(String::new()))));
        self.0.get_or_insert_with(&tenant_id, empty).unwrap_or_else(|never| match never {})
    }
}

impl TenantSnapshots {
    /// Nothing yet of a log with this name.
    fn new(log_id: String) -> Self {
        Self {
            log_id,
            last_sequence: 0,
            actors: Cache::new(ACTORS),
            targets: Cache::new(TARGETS),
            activities: Cache::new(ACTIVITIES),
        }
    }

    /// Forgets everything if the log is not the one it was learnt from, or has lost some of it.
    pub(crate) fn invalidate_if_replaced(&mut self, head: &tenant_log::Model) {
        if self.log_id != head.log_id || self.last_sequence > head.last_sequence {
            *self = Self::new(head.log_id.clone());
        }
    }

    /// The numbers of those actors that are known.
    pub(crate) fn actors<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
        lookup(&self.actors, fingerprints)
    }

    /// The numbers of those targets that are known.
    pub(crate) fn targets<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
        lookup(&self.targets, fingerprints)
    }

    /// The names of the properties that an activity is known to change, if it is known.
    pub(crate) fn activity(&mut self, key: &ActivityKey) -> Option<&BTreeSet<String>> {
        self.activities.get(key)
    }

    /// Takes in what was committed together with this head.
    pub(crate) fn apply(&mut self, update: CacheUpdate, head: &tenant_log::Model) {
        if self.log_id != head.log_id {
            *self = Self::new(head.log_id.clone());
        }
        // Of two transactions of this process the later one may be first to tell.
        self.last_sequence = self.last_sequence.max(head.last_sequence);
        for (fingerprint, id) in update.actors {
            self.actors.insert(fingerprint, id);
        }
        for (fingerprint, id) in update.targets {
            self.targets.insert(fingerprint, id);
        }
        for (key, names) in update.activities {
            self.activities.insert(key, names);
        }
    }
}

fn lookup<'a>(ids: &Cache<Hash16, i64>, fingerprints: impl Iterator<Item = &'a Hash16>) -> SnapshotIds {
    fingerprints.filter_map(|fingerprint| ids.get(fingerprint).map(|id| (*fingerprint, *id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_log_or_one_that_lost_its_end_is_learnt_anew() {
        let head = |log_id: &str, last_sequence| tenant_log::Model {
            tenant_id: 1,
            log_id: log_id.to_owned(),
            last_sequence,
            last_recorded_at: 0,
            last_actor_id: 0,
            last_target_id: 0,
            activity_type_count: 0,
            uncatalogued_count: 0,
        };
        for (found, is_cached) in [(head("a", 5), true), (head("a", 4), false), (head("b", 9), false)] {
            let mut known = TenantSnapshots::new(String::new());
            known.apply(CacheUpdate { actors: [([7; 16], 3)].into(), ..CacheUpdate::default() }, &head("a", 5));
            known.invalidate_if_replaced(&found);
            assert_eq!(known.actors([[7; 16]].iter()).contains_key(&[7; 16]), is_cached);
        }
    }
}
