//! Recording.

pub(crate) mod snapshot_cache;
pub(crate) mod prepared;
pub(crate) mod activity_catalogue;
pub(crate) mod record;
pub(crate) mod group_commit;
