//! The audit log in the database.
//!
//! [`Store`] is the handle; [`Writer`] records and [`Reader`] reads. Both are bound to one tenant, and a reader also to
//! a scope. Rows are reachable only through them, so no query can omit the tenant or the scope. `access` is the only
//! caller of [`Store::reader`] and [`Store::writer`]. Nothing in this crate updates or deletes an event.
//!
//! The database URL selects SQLite or PostgreSQL at run time; one code path serves both. SQLite has two pools: a single
//! write connection, and read connections that are query-only.
//!
//! The modules below are listed in the order of their dependencies: each uses only those above it. The exception is the
//! handle, [`Store`], which owns the state of all modules and gets its methods from them.

mod error;
mod store;
mod tenant;
mod term;
mod db;
mod query;
mod read;
mod rollup;
mod summary;
mod stream;
mod write;
mod admin;

pub use admin::api_keys::{API_KEYS_MAX, ApiKey, ApiKeyChange, ApiKeyPage, ApiKeyPosition, NewApiKey, new_api_key_id};
pub use admin::backup::{sqlite_file, sqlite_url};
pub use admin::copy::{COPIED_TABLES, Copied, LogIds};
pub use admin::row_progress::{RowProgress, TableProgress};
pub use admin::verify::{Difference, ReportDifference};
pub use db::budget::{ByteMeter, ConnectionShares, QueryBudget};
pub use db::connect::{WRITE_CONNECTIONS, is_sqlite};
pub use db::metrics::DURATION_BUCKETS_SECS;
pub use error::StoreError;
pub use read::activities::RecordedActivity;
pub use read::reader::{DisclosureCounter, EventQuery, Reader};
pub use read::row::EventRow;
pub use rollup::BLOCK_EVENTS;
pub use store::{Observer, Store, StoreSettings};
pub use stream::feed::{FeedError, FeedPage};
pub use stream::follow::{Follow, FollowBatch};
pub use summary::facet::Facet;
pub use summary::histogram::IntervalCounts;
pub use tenant::Tenant;
pub use write::group_commit::{Clock, PreparedRequest, RecordQueue};
pub use write::record::{RecordOutcome, Writer};
