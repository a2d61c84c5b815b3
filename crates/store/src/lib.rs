//! The log itself: opened here, written by [`Writer`], read by [`Reader`].
//!
//! Both are bound to one tenant, and a reader to a scope as well; there is no other way to rows, so no query can
//! forget the tenant or the scope. `access` is the only caller of [`Store::reader`] and [`Store::writer`].
//! Nothing here updates or deletes an event.
//!
//! One code path serves SQLite and PostgreSQL, told apart by the database URL. On SQLite there are two pools: a
//! single writer, and readers whose connections cannot write.

mod error;
mod store;
mod tenant;
mod db;
mod query;
mod read;
mod rollup;
mod summary;
mod write;
mod stream;
mod admin;

pub use admin::backup::{sqlite_file, sqlite_url};
pub use admin::copy::{COPIED_TABLES, Copied};
pub use admin::verify::{Difference, ReportDifference};
pub use db::budget::{ConnectionShares, QueryBudget};
pub use db::connect::{WRITE_CONNECTIONS, is_sqlite};
pub use db::metrics::DURATION_BUCKETS_SECS;
pub use error::StoreError;
pub use read::activities::RecordedActivity;
pub use read::page::EventQuery;
pub use read::reader::{DisclosureCounter, Reader};
pub use read::row::EventRow;
pub use rollup::BLOCK_EVENTS;
pub use store::{Observer, Store, StoreSettings};
pub use stream::feed::{FeedError, FeedPage};
pub use stream::follow::{Follow, FollowBatch};
pub use summary::facet::Facet;
pub use tenant::Tenant;
pub use write::group_commit::{Clock, RecordQueue};
pub use write::record::{RecordOutcome, Writer};
