//! `/healthz` (alive) and `/readyz` (ready to serve).

use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};
use tokio::sync::Mutex;

use store::Store;

/// How long the result of a check is cached, because these addresses need no token.
const CACHE_TTL: Duration = Duration::from_millis(250);

/// Checks whether the database is reachable and has this version's schema.
#[derive(Debug)]
pub struct Readiness {
    store: Store,
    /// The time and the result of the last check.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// Checks this store.
    pub fn of(store: Store) -> Self {
        Self { store, last: Mutex::default() }
    }

    /// Returns the cached result, or checks. Concurrent calls wait for the same check.
    async fn is_ready(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, is_ready)) = *last
            && at.elapsed() < CACHE_TTL
        {
            return is_ready;
        }
        let checked = self.store.check_schema().await;
        if let Err(error) = &checked {
            tracing::warn!(error = error as &dyn std::error::Error, "not ready");
        }
        *last = Some((Instant::now(), checked.is_ok()));
        checked.is_ok()
    }
}

/// `GET /healthz`: the process is alive.
pub(super) async fn healthz() -> HttpResponse {
    plain_text(HttpResponse::Ok(), "ok\n")
}

/// `GET /readyz`: the database is reachable and has this version's schema.
pub(super) async fn readyz(readiness: Data<Readiness>) -> HttpResponse {
    if readiness.is_ready().await {
        plain_text(HttpResponse::Ok(), "ready\n")
    } else {
        plain_text(HttpResponse::ServiceUnavailable(), "the log cannot be reached\n")
    }
}

fn plain_text(mut response: HttpResponseBuilder, body: &'static str) -> HttpResponse {
    response.content_type("text/plain; charset=utf-8").body(body)
}
