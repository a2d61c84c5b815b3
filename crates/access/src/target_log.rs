//! Selects the log that a filter refers to: the tenant's events, or the accesses to them.
//!
//! Accesses to a log are recorded in a separate log, under the service that is reserved for this program. A filter on
//! this service alone reads that log. The two logs have separate sequences and cursors, so one page, count or feed
//! never covers both.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use model::event::RESERVED_SERVICE;
use model::filter::{Condition, EventString};
use store::{Store, StoreError, Tenant};

/// Generates unique ids.
pub type IdGenerator = Arc<dyn Fn() -> String + Send + Sync>;

/// The log that a condition refers to. A conjunction refers to the greatest of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TargetLog {
    /// The tenant's events.
    Events,
    /// Events of the reserved service or of other services.
    Mixed,
    /// Only events of the reserved service: the access log.
    Accesses,
}

/// Returns the log that a condition refers to.
pub(super) fn resolve_log(condition: &Condition) -> TargetLog {
    match condition {
        Condition::String(EventString::Service, string) => match &string.one_of {
            Some(services) if services.contains(RESERVED_SERVICE) && services.len() == 1 => TargetLog::Accesses,
            Some(services) if services.contains(RESERVED_SERVICE) => TargetLog::Mixed,
            _ => TargetLog::Events,
        },
        Condition::All(conditions) => conditions.iter().map(resolve_log).max().unwrap_or(TargetLog::Events),
        Condition::Any(conditions) => {
            let mut targets = conditions.iter().map(resolve_log);
            let first = targets.next().unwrap_or(TargetLog::Events);
            if targets.all(|other| other == first) { first } else { TargetLog::Mixed }
        }
        _ => TargetLog::Events,
    }
}

/// Finds and creates the access logs of tenants. An access log is never removed, so each is looked up once.
pub(super) struct AccessLogRegistry {
    store: Store,
    ids: IdGenerator,
    by_tenant: Mutex<HashMap<String, Arc<Tenant>>>,
}

impl fmt::Debug for AccessLogRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogRegistry").finish_non_exhaustive()
    }
}

impl AccessLogRegistry {
    pub(super) fn new(store: Store, ids: IdGenerator) -> Self {
        Self { store, ids, by_tenant: Mutex::default() }
    }

    /// Returns the access log of a tenant, or `None` if it does not exist yet.
    pub(super) async fn find(&self, tenant: &Tenant) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(log) = self.by_tenant.lock().get(&tenant.key) {
            return Ok(Some(Arc::clone(log)));
        }
        Ok(self.store.access_log(tenant).await?.map(|log| self.insert(tenant, log)))
    }

    /// Returns the access log of a tenant, and creates it if it does not exist yet.
    pub(super) async fn find_or_create(&self, tenant: &Tenant) -> Result<Arc<Tenant>, StoreError> {
        match self.find(tenant).await? {
            Some(log) => Ok(log),
            None => Ok(self.insert(tenant, self.store.make_access_log(tenant, (self.ids)()).await?)),
        }
    }

    fn insert(&self, tenant: &Tenant, log: Tenant) -> Arc<Tenant> {
        let log = Arc::new(log);
        self.by_tenant.lock().insert(tenant.key.clone(), Arc::clone(&log));
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::filter::StringCondition;

    fn services(names: &[&str]) -> Condition {
        let mut string = StringCondition::default();
        string.restrict(names.iter().map(|name| (*name).to_owned()).collect());
        Condition::String(EventString::Service, string)
    }

    #[test]
    fn filter_on_reserved_service_alone_reads_access_log() {
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
            assert_eq!(resolve_log(&condition), TargetLog::Accesses, "{condition:?}");
        }
        for condition in [mixed(), Condition::Any(vec![theirs(), ours()]), Condition::Any(vec![mixed(), mixed()])] {
            assert_eq!(resolve_log(&condition), TargetLog::Mixed, "{condition:?}");
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
            assert_eq!(resolve_log(&condition), TargetLog::Events, "{condition:?}");
        }
    }
}
