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

use super::bulk::Hash;

/// How many of each are remembered at least, if they are asked for; at most twice as many.
const TENANTS: usize = 32;
const ACTORS: usize = 4_096;
const TARGETS: usize = 8_192;
const ACTIVITIES: usize = 256;

/// Service, category and activity, folded.
pub(super) type ActivityKey = [String; 3];

/// Snapshots by their fingerprints.
pub(super) type Ids = HashMap<Hash, i64>;

/// What the logs of all tenants are known to contain.
pub(super) struct Memory(Mutex<Recent<i32, Arc<Mutex<Known>>>>);

/// What the log of one tenant is known to contain.
pub(super) struct Known {
    log_id: String,
    last_sequence: i64,
    actors: Recent<Hash, i64>,
    targets: Recent<Hash, i64>,
    /// With the names of their changed properties, folded.
    activities: Recent<ActivityKey, BTreeSet<String>>,
}

/// What a transaction saw or added.
#[derive(Default)]
pub(super) struct Learnt {
    pub(super) actors: Ids,
    pub(super) targets: Ids,
    pub(super) activities: Vec<(ActivityKey, BTreeSet<String>)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(TENANTS)))
    }
}

impl Memory {
    /// What the log of a tenant is known to contain.
    pub(super) fn of(&self, tenant_id: i32) -> Arc<Mutex<Known>> {
        let mut tenants = self.0.lock();
        if let Some(known) = tenants.get(&tenant_id) {
            return Arc::clone(known);
        }
        let known = Arc::new(Mutex::new(Known::of(String::new())));
        tenants.insert(tenant_id, Arc::clone(&known));
        known
    }
}

impl Known {
    /// Nothing yet of a log with this name.
    fn of(log_id: String) -> Self {
        Self {
            log_id,
            last_sequence: 0,
            actors: Recent::new(ACTORS),
            targets: Recent::new(TARGETS),
            activities: Recent::new(ACTIVITIES),
        }
    }

    /// Forgets everything if the log is not the one it was learnt from, or has lost some of it.
    pub(super) fn check(&mut self, head: &tenant_log::Model) {
        if self.log_id != head.log_id || self.last_sequence > head.last_sequence {
            *self = Self::of(head.log_id.clone());
        }
    }

    /// The numbers of those actors that are known.
    pub(super) fn actors<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash>) -> Ids {
        self.actors.all(fingerprints)
    }

    /// The numbers of those targets that are known.
    pub(super) fn targets<'a>(&mut self, fingerprints: impl Iterator<Item = &'a Hash>) -> Ids {
        self.targets.all(fingerprints)
    }

    /// The names of the properties that an activity is known to change, if it is known.
    pub(super) fn activity(&mut self, key: &ActivityKey) -> Option<&BTreeSet<String>> {
        self.activities.get(key)
    }

    /// Takes in what was committed together with this head.
    pub(super) fn learn(&mut self, learnt: Learnt, head: &tenant_log::Model) {
        if self.log_id != head.log_id {
            *self = Self::of(head.log_id.clone());
        }
        // Of two transactions of this process the later one may be first to tell.
        self.last_sequence = self.last_sequence.max(head.last_sequence);
        for (fingerprint, id) in learnt.actors {
            self.actors.insert(fingerprint, id);
        }
        for (fingerprint, id) in learnt.targets {
            self.targets.insert(fingerprint, id);
        }
        for (key, names) in learnt.activities {
            self.activities.insert(key, names);
        }
    }
}

/// A map of bounded size that forgets what was not asked for lately: when the younger part is full it becomes the
/// older one, and what is still found there moves back.
struct Recent<K, V> {
    half: usize,
    younger: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K: std::hash::Hash + Eq, V> Recent<K, V> {
    fn new(half: usize) -> Self {
        Self { half, younger: HashMap::new(), older: HashMap::new() }
    }

    fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, value)) = self.older.remove_entry(key) {
            self.insert(key, value);
        }
        self.younger.get(key)
    }

    fn insert(&mut self, key: K, value: V) {
        self.older.remove(&key);
        if self.younger.len() >= self.half && !self.younger.contains_key(&key) {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(key, value);
    }
}

impl Recent<Hash, i64> {
    fn all<'a>(&mut self, keys: impl Iterator<Item = &'a Hash>) -> Ids {
        keys.filter_map(|key| self.get(key).map(|id| (*key, *id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut recent = Recent::new(10);
        for i in 0..1_000 {
            recent.insert(i, i);
            assert_eq!(recent.get(&(i % 5)), Some(&(i % 5)));
            assert!(recent.younger.len() + recent.older.len() <= 20);
        }
        assert_eq!(recent.get(&500), None);
        assert_eq!(recent.get(&999), Some(&999));
    }

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
        for (found, is_known) in [(head("a", 5), true), (head("a", 4), false), (head("b", 9), false)] {
            let mut known = Known::of(String::new());
            known.learn(Learnt { actors: [([7; 16], 3)].into(), ..Learnt::default() }, &head("a", 5));
            known.check(&found);
            assert_eq!(known.actors([[7; 16]].iter()).contains_key(&[7; 16]), is_known);
        }
    }
}
