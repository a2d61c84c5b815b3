//! The tail of a log: its newest events are read once for all followers of a tenant, and sent to them.
//!
//! These events always come from the table, after the commit. Wake-ups (by this process's own commits, on PostgreSQL
//! also by `NOTIFY` of others) only make it quick; reading once a second makes it reliable, even for processes that
//! notify nobody. A follower that cannot keep up, or is told to read for itself, reads the table from its own place, so
//! nothing is lost whatever is dropped here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sea_orm::DbBackend;
use sea_orm::sqlx::{self, postgres::PgListener};
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::stream::feed::{BATCH_BYTES_MAX, bytes};
use crate::{FeedError, Reader, Store, StoreError};
use model::filter::Condition;
use model::page::FeedCursor;
use model::{Event, Scope};

/// How often a log is read when nobody notifies of new events.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The least time between two looks, and between two calls of `NOTIFY`.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is asked whether the tenant is still open.
pub(crate) const ADMISSION_EVERY: Duration = Duration::from_secs(2);
/// How many events are sent at once, and how many such batches may wait for a slow follower.
const PARCEL_EVENTS: u32 = 100;
const PARCELS_WAITING: usize = 8;
/// Beyond so many bytes, or so many events behind, followers read for themselves.
const PARCEL_BYTES_MAX: usize = 4 << 20;
const BEHIND_MAX: i64 = 1_000;
/// How often reading may fail in a row before followers are informed.
const FAILURES_MAX: u32 = 10;
/// How many followers read the table at the same time.
const READING_AT_ONCE: usize = 4;
/// The channel of `NOTIFY`.
const CHANNEL: &str = "auditgraph_recorded";

/// What is sent to the followers of a tenant.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// Everything that was recorded between two places.
    Parcel(Arc<Parcel>),
    /// There is something: read for yourself.
    Look,
    /// The tenant's log was closed.
    Closed,
    /// The log cannot be read.
    Failed(StoreError),
}

/// Everything that was recorded after a place, up to another.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub after: i64,
    pub up_to: FeedCursor,
    pub events: Vec<Event>,
}

struct Tail {
    wake: Arc<Notify>,
    news: broadcast::Sender<News>,
}

#[derive(Default)]
struct Told {
    tenants: BTreeSet<i32>,
    is_telling: bool,
}

/// The followers of all tenants. Clones are the same.
#[derive(Clone)]
pub(crate) struct Followers(Arc<Shared>);

struct Shared {
    /// Where tails run: they outlive the threads of those who begin them.
    runtime: tokio::runtime::Handle,
    tails: Mutex<HashMap<i32, Tail>>,
    told: Mutex<Told>,
    listens: AtomicBool,
    reading: Semaphore,
}

impl Followers {
    /// Nobody follows yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            runtime: tokio::runtime::Handle::current(),
            tails: Mutex::default(),
            told: Mutex::default(),
            listens: AtomicBool::new(false),
            reading: Semaphore::new(READING_AT_ONCE),
        }))
    }

    /// A permit to read the table from a follower's own place.
    pub(crate) async fn reading(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.0.reading.acquire().await.ok()
    }

    fn wake(&self, tenant_id: i32) {
        if let Some(tail) = self.0.tails.lock().get(&tenant_id) {
            tail.wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.0.tails.lock().values().for_each(|tail| tail.wake.notify_one());
    }
}

impl Store {
    /// To be called after a commit: whoever follows the log, here or elsewhere, looks at it.
    pub(crate) fn committed(&self, tenant_id: i32) {
        self.followers.wake(tenant_id);
        if self.backend() != DbBackend::Postgres {
            return;
        }
        let mut told = self.followers.0.told.lock();
        told.tenants.insert(tenant_id);
        if !told.is_telling {
            told.is_telling = true;
            self.followers.0.runtime.spawn(tell(self.clone()));
        }
    }

    /// The news of a tenant from now on.
    pub(crate) fn news(&self, tenant_id: i32) -> broadcast::Receiver<News> {
        let shared = &self.followers.0;
        let mut tails = shared.tails.lock();
        if let Some(tail) = tails.get(&tenant_id) {
            return tail.news.subscribe();
        }
        let (news, receiver) = broadcast::channel(PARCELS_WAITING);
        let wake = Arc::new(Notify::new());
        tails.insert(tenant_id, Tail { wake: Arc::clone(&wake), news: news.clone() });
        shared.runtime.spawn(run(self.clone(), tenant_id, wake, news));
        if self.backend() == DbBackend::Postgres && !shared.listens.swap(true, Ordering::Relaxed) {
            shared.runtime.spawn(listen(self.clone()));
        }
        receiver
    }
}

/// Tells other processes of commits, many at once.
async fn tell(store: Store) {
    let pool = store.write.get_postgres_connection_pool();
    loop {
        let tenants = {
            let mut told = store.followers.0.told.lock();
            told.is_telling = !told.tenants.is_empty();
            std::mem::take(&mut told.tenants)
        };
        if tenants.is_empty() {
            return;
        }
        let text = tenants.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        // A payload has less than 8,000 bytes; without one everybody looks.
        let text = if text.len() < 7_000 { text } else { String::new() };
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text);
        if let Err(error) = notify.execute(pool).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "could not notify others of a commit");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Hears of the commits of other processes.
async fn listen(store: Store) {
    let pool = store.write.get_postgres_connection_pool();
    loop {
        let heard: Result<(), sqlx::Error> = async {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(CHANNEL).await?;
            loop {
                let told = listener.recv().await?;
                if told.payload().is_empty() {
                    store.followers.wake_all();
                }
                told.payload().split(',').filter_map(|id| id.parse().ok()).for_each(|id| store.followers.wake(id));
            }
        }
        .await;
        if let Err(error) = heard {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot listen for commits of other processes");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Reads what is new of a tenant, for as long as anybody follows it.
async fn run(store: Store, tenant_id: i32, wake: Arc<Notify>, news: broadcast::Sender<News>) {
    let reader = Reader::new(store.clone(), tenant_id, Scope::all());
    let everything = Condition::everything();
    let (mut at, mut failures, mut admitted) = (None, 0, None::<Instant>);
    loop {
        let mut looked = look(&reader, &everything, at).await;
        if admitted.is_none_or(|since| since.elapsed() > ADMISSION_EVERY) {
            match reader.is_open().await {
                Ok(true) => admitted = Some(Instant::now()),
                Ok(false) => looked = Ok((at, Some(News::Closed))),
                Err(error) => looked = Err(error),
            }
        }
        let mut again = false;
        let told = match looked {
            Ok((now_at, told)) => {
                (at, failures) = (now_at, 0);
                again = matches!(told, Some(News::Parcel(_)));
                told
            }
            Err(error) => {
                failures += 1;
                (failures == FAILURES_MAX).then_some(News::Failed(error))
            }
        };
        if let Some(told) = told {
            // Without followers nobody is told; then this ends below.
            let _ = news.send(told);
        }
        {
            let mut tails = store.followers.0.tails.lock();
            if news.receiver_count() == 0 {
                tails.remove(&tenant_id);
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
        if !again {
            let _ = tokio::time::timeout(LOOK_EVERY, wake.notified()).await;
        }
    }
}

/// What is new after a place, and the place after it.
async fn look(
    reader: &Reader,
    everything: &Condition,
    at: Option<FeedCursor>,
) -> Result<(Option<FeedCursor>, Option<News>), StoreError> {
    let head = reader.feed_head().await?;
    let Some(at) = at else {
        // Who began to follow before this was read may have read an older head.
        return Ok((Some(head), Some(News::Look)));
    };
    if head == at {
        return Ok((Some(at), None));
    }
    if head.log_id != at.log_id || head.sequence < at.sequence || head.sequence - at.sequence > BEHIND_MAX {
        return Ok((Some(head), Some(News::Look)));
    }
    let page = match reader.holding(BATCH_BYTES_MAX).stretch(head, at, everything, PARCEL_EVENTS).await {
        Ok(page) => page,
        Err(FeedError::Store(error)) => return Err(error),
        Err(FeedError::Restored { .. } | FeedError::Closed) => return Ok((Some(head), Some(News::Look))),
    };
    let up_to = page.safe_up_to;
    if bytes(&page.events) > PARCEL_BYTES_MAX {
        return Ok((Some(up_to), Some(News::Look)));
    }
    let parcel = Parcel { after: at.sequence, up_to, events: page.events };
    Ok((Some(up_to), Some(News::Parcel(Arc::new(parcel)))))
}
