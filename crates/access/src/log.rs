//! Which log a filter means: the tenant's own, or that of the accesses to it.
//!
//! Accesses to a log are recorded in a separate log, under the service that is reserved for this program. A filter that
//! names this service and no other reads it. Each of the two logs has its own numbers and cursors, so no page, count or
//! feed can be of both.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use model::event::RESERVED_SERVICE;
use model::filter::{Condition, EventString};
use store::{Store, StoreError, Tenant};

/// Makes an id that nothing else has.
pub type IdGenerator = Arc<dyn Fn() -> String + Send + Sync>;

/// What a condition is about. Of several that must all hold, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meant {
    /// The tenant's log, as far as can be told.
    Events,
    /// Events of the reserved service, or of others.
    Both,
    /// Events of the reserved service alone.
    Accesses,
}

/// Which log a condition means.
pub(super) fn meant(condition: &Condition) -> Meant {
    match condition {
        Condition::String(EventString::Service, text) => match &text.one_of {
            Some(services) if services.contains(RESERVED_SERVICE) && services.len() == 1 => Meant::Accesses,
            Some(services) if services.contains(RESERVED_SERVICE) => Meant::Both,
            _ => Meant::Events,
        },
        Condition::All(conditions) => conditions.iter().map(meant).max().unwrap_or(Meant::Events),
        Condition::Any(conditions) => {
            let mut each = conditions.iter().map(meant);
            let first = each.next().unwrap_or(Meant::Events);
            if each.all(|other| other == first) { first } else { Meant::Both }
        }
        _ => Meant::Events,
    }
}

/// The logs of accesses, found once for each tenant.
pub(super) struct Logs {
    store: Store,
    ids: IdGenerator,
    found: Mutex<HashMap<String, Arc<Tenant>>>,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

impl Logs {
    pub(super) fn new(store: Store, ids: IdGenerator) -> Self {
        Self { store, ids, found: Mutex::default() }
    }

    /// The log of accesses to a tenant's log, if there is one.
    pub(super) async fn existing(&self, tenant: &Tenant) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(log) = self.found.lock().get(&tenant.key) {
            return Ok(Some(Arc::clone(log)));
        }
        Ok(self.store.access_log(tenant).await?.map(|log| self.keep(tenant, log)))
    }

    /// The log of accesses to a tenant's log, which is made where there is none.
    pub(super) async fn of(&self, tenant: &Tenant) -> Result<Arc<Tenant>, StoreError> {
        match self.existing(tenant).await? {
            Some(log) => Ok(log),
            None => Ok(self.keep(tenant, self.store.make_access_log(tenant, (self.ids)()).await?)),
        }
    }

    fn keep(&self, tenant: &Tenant, log: Tenant) -> Arc<Tenant> {
        let log = Arc::new(log);
        let mut found = self.found.lock();
        found.insert(tenant.key.clone(), Arc::clone(&log));
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::filter::StringCondition;

    fn services(names: &[&str]) -> Condition {
        let mut text = StringCondition::default();
        text.restrict(names.iter().map(|name| (*name).to_owned()).collect());
        Condition::String(EventString::Service, text)
    }

    #[test]
    fn a_filter_means_the_accesses_where_it_names_their_service_alone() {
        let (ours, theirs) = (|| services(&["auditgraph"]), || services(&["core directory"]));
        let mixed = || services(&["auditgraph", "core directory"]);
        let search = || Condition::Search(vec!["auditgraph".to_owned()]);
        for condition in [
            ours(),
            Condition::All(vec![search(), ours()]),
            Condition::All(vec![Condition::All(vec![mixed(), ours()])]),
            Condition::All(vec![ours(), Condition::Any(vec![ours(), search()])]),
            Condition::Any(vec![ours(), Condition::All(vec![search(), ours()])]),
        ] {
            assert_eq!(meant(&condition), Meant::Accesses, "{condition:?}");
        }
        for condition in [mixed(), Condition::Any(vec![theirs(), ours()]), Condition::Any(vec![mixed(), mixed()])] {
            assert_eq!(meant(&condition), Meant::Both, "{condition:?}");
        }
        let negated = StringCondition { none_of: ["auditgraph".to_owned()].into(), ..StringCondition::default() };
        for condition in [
            Condition::everything(),
            Condition::Any(Vec::new()),
            theirs(),
            search(),
            services(&[]),
            Condition::Not(Box::new(ours())),
            Condition::String(EventString::Service, negated),
            Condition::String(
                EventString::Category,
                StringCondition { one_of: Some(["auditgraph".to_owned()].into()), ..StringCondition::default() },
            ),
        ] {
            assert_eq!(meant(&condition), Meant::Events, "{condition:?}");
        }
    }
}
