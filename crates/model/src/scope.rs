//! Scopes: the services a caller may see, and the services whose sensitive values it may see.
//!
//! Several grants are evaluated per event, not merged. A grant covers services with or without their sensitive values,
//! so the grants together are equivalent to two sets of services, one a subset of the other.

use std::collections::BTreeSet;

use super::fold::fold;

/// A set of services by their folded keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceSet {
    /// Every service, including services that have not recorded any event.
    All,
    /// These services.
    Only(BTreeSet<String>),
}

impl ServiceSet {
    /// The set of services with these names.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Only(services.into_iter().map(fold).collect())
    }

    /// The empty set.
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether the set contains the service with a folded key.
    pub fn contains(&self, service_key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(service_key),
        }
    }

    /// Whether the set contains the service with a name.
    pub fn has(&self, service: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(&fold(service)),
        }
    }

    /// The union of both sets.
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

/// The services that one access role grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGrant {
    /// The services that the grant covers.
    pub services: ServiceSet,
    /// Whether the grant includes their sensitive values.
    pub sees_sensitive: bool,
}

/// The part of a tenant's log that a caller may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The services whose events the caller may see.
    pub visible: ServiceSet,
    /// The services whose sensitive values the caller may see; a subset of `visible`.
    pub sensitive: ServiceSet,
}

impl Scope {
    /// The scope of the whole log.
    pub fn all() -> Self {
        Self { visible: ServiceSet::All, sensitive: ServiceSet::All }
    }

    /// The scope of several grants together.
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
