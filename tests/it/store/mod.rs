//! Properties of the store.

pub(crate) mod arbitrary;
mod recording;
mod snapshot_cache;
mod key_prefilter;
mod sequence;
mod activity_types;
mod filters;
mod summary;
mod rollups;
mod pagination;
mod statement_counts;
mod limits;
mod hashed_strings;
mod personal_values;
mod query_plans;
mod tenants;
mod derived_columns;
mod bodies;
mod verify;
