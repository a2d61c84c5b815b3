//! What a caller may see: which services, and for which of them the sensitive values.
//!
//! Several grants are evaluated per event, not merged. Because a grant says "these services, with or without their
//! sensitive values", that is the same as two sets of services, one inside the other.

use std::collections::BTreeSet;

use super::fold::fold;

/// A set of services by their folded keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceSet {
    /// Every service, those not heard of yet included.
    All,
    /// These services.
    Only(BTreeSet<String>),
}

impl ServiceSet {
    /// The set of these services, by their names.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Only(services.into_iter().map(fold).collect())
    }

    /// No service.
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether a service, by its folded key, is in the set.
    pub fn contains(&self, service_key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(service_key),
        }
    }

    /// Whether a service, by its name, is in the set.
    pub fn has(&self, service: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(&fold(service)),
        }
    }

    /// What is in one of the sets, or in both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut a), Self::Only(b)) => {
                a.extend(b);
                Self::Only(a)
            }
            _ => Self::All,
        }
    }
}

/// What one access role grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGrant {
    /// The services it covers.
    pub services: ServiceSet,
    /// Whether their sensitive values are shown.
    pub sees_sensitive: bool,
}

/// What a caller may see of one tenant's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Services whose events exist for the caller.
    pub visible: ServiceSet,
    /// Services whose sensitive values are shown; all of them are visible.
    pub sensitive: ServiceSet,
}

impl Scope {
    /// Everything.
    pub fn all() -> Self {
        Self { visible: ServiceSet::All, sensitive: ServiceSet::All }
    }

    /// What several grants together show.
    pub fn of(grants: impl IntoIterator<Item = ServiceGrant>) -> Self {
        let nothing = Self { visible: ServiceSet::none(), sensitive: ServiceSet::none() };
        grants.into_iter().fold(nothing, |scope, grant| Self {
            sensitive: if grant.sees_sensitive {
                scope.sensitive.union(grant.services.clone())
            } else {
                scope.sensitive
            },
            visible: scope.visible.union(grant.services),
        })
    }
}
