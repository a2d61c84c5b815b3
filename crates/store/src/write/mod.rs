//! Recording: the only way to add events.
//!
//! The files are listed in the order of their dependencies: the queue ([`group_commit`]) calls the writer ([`record`]),
//! which finds out which events are new ([`classify`]), inserts prepared rows ([`prepared`]), numbers
//! their strings ([`terms`]) and maintains the catalogue ([`activity_catalogue`]), with the help of a cache
//! ([`snapshot_cache`]).

pub(crate) mod snapshot_cache;
pub(crate) mod prepared;
pub(crate) mod terms;
pub(crate) mod activity_catalogue;
pub(crate) mod classify;
pub(crate) mod record;
pub(crate) mod group_commit;
