//! A running export: reads page after page and sends them, until the end of the list or until the export may not
//! continue.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::error::ExportError;
use super::format::ExportFormat;
use super::page::{ExportPage, ExportRequest};
use super::status::ExportProgress;
use super::transfer::{PageChunks, Transfer};
use crate::http::error_codes::OK;
use crate::http::graphql::{CHECK_INTERVAL, until_expiry};
use crate::http::limits::{ByteReservation, CallerKey, QuotaGuard, RequestPermit};
use crate::http::state::OperationServices;
use access::Caller;
use api::error::{ApiError, Code};
use auth::Rejected;

/// The time that a client has to take the rest of a page after its token expired.
const EXPIRED_PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// A running export.
pub(super) struct RunningExport {
    pub(super) services: OperationServices,
    pub(super) caller: Caller,
    pub(super) request: ExportRequest,
    pub(super) progress: ExportProgress,
    pub(super) request_permit: RequestPermit<CallerKey>,
    /// The memory of the page that is being read or sent.
    pub(super) reservation: ByteReservation,
    pub(super) _quota: QuotaGuard<CallerKey>,
}

/// Why an export ends before the end of the list.
enum Interruption {
    Disconnected,
    Failed(ExportError),
}

impl From<ExportError> for Interruption {
    fn from(error: ExportError) -> Self {
        Self::Failed(error)
    }
}

impl From<ApiError> for Interruption {
    fn from(error: ApiError) -> Self {
        Self::Failed(error.into())
    }
}

/// The times at which an export checks whether it may continue, besides the check before each page.
struct Checks {
    /// The time by which a page must be taken after the token expired.
    expired_at: Instant,
    interval: Interval,
}

impl Checks {
    fn new(until_expiry: Duration) -> Self {
        let now = Instant::now();
        let mut interval = interval_at(now + CHECK_INTERVAL, CHECK_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { expired_at: now + until_expiry + EXPIRED_PAGE_TIMEOUT, interval }
    }
}

impl RunningExport {
    /// Sends the file, whose first page was read already.
    pub(super) async fn run(mut self, first: ExportPage, mut transfer: Transfer) {
        let mut ends_row = true;
        let interruption = match self.send_pages(first, &mut transfer, &mut ends_row).await {
            Ok(()) => None,
            // Dropping the progress marks the export as cancelled.
            Err(Interruption::Disconnected) => return,
            Err(Interruption::Failed(error)) => Some(error),
        };
        self.request.access_record.finish(|_| interruption.as_ref().map_or(OK, |error| &error.code));
        let is_complete = interruption.is_none();
        match interruption {
            None => self.progress.complete(),
            Some(ExportError { code, message, .. }) => self.progress.fail(code, message),
        }
        if self.request.format == ExportFormat::Ndjson && ends_row {
            let line = json!({ "export": self.progress.to_json() }).to_string() + "\n";
            transfer.end(Some(line.into()));
        } else if is_complete {
            transfer.end(None);
        }
        // Dropping the transfer aborts it unless it has ended.
    }

    /// Sends pages until the last. `ends_row` is whether the last chunk sent ended with a row.
    async fn send_pages(
        &mut self,
        first: ExportPage,
        transfer: &mut Transfer,
        ends_row: &mut bool,
    ) -> Result<(), Interruption> {
        let now = self.services.environment.now();
        let mut checks = Checks::new(until_expiry(self.caller.principal.expires_at, now));
        let mut has_next = first.has_next;
        let mut chunks = self.chunks(first, self.request.format.header(&self.request.columns));
        loop {
            self.requested(transfer, &mut checks).await?;
            while chunks.is_empty() {
                if !has_next {
                    return Ok(());
                }
                let page = tokio::select! {
                    page = self.next_page() => page?,
                    () = transfer.disconnected() => return Err(Interruption::Disconnected),
                };
                has_next = page.has_next;
                chunks = self.chunks(page, Vec::new());
            }
            if let Some(chunk) = chunks.next() {
                self.progress.add_rows(&chunk.bytes, chunk.rows, chunk.end_cursor);
                *ends_row = chunk.ends_row;
                transfer.send(chunk.bytes);
            }
        }
    }

    fn chunks(&self, page: ExportPage, header: Vec<u8>) -> PageChunks {
        let chunks = PageChunks::of(page, self.request.format, &self.request.columns, header);
        // Fewer bytes than the page was made of.
        let _ = self.reservation.resize(chunks.bytes_left());
        chunks
    }

    /// Waits until the client has taken what was sent.
    ///
    /// # Errors
    ///
    /// Fails if the client takes nothing for too long, or if it may no longer read.
    async fn requested(&mut self, transfer: &mut Transfer, checks: &mut Checks) -> Result<(), Interruption> {
        let stall_timeout = self.services.streams.stall_timeout;
        let mut stalled = std::pin::pin!(sleep(stall_timeout));
        loop {
            tokio::select! {
                biased;
                requested = transfer.requested() => return requested.ok_or(Interruption::Disconnected),
                () = sleep_until(checks.expired_at) => return Err(expired().into()),
                () = &mut stalled => return Err(ExportError::stalled(stall_timeout).into()),
                _ = checks.interval.tick() => self.check_caller().await?,
            }
        }
    }

    /// Checks that the caller may still read. Failures of the database do not end the export here: the next page does.
    async fn check_caller(&mut self) -> Result<(), ApiError> {
        let now = self.services.environment.now();
        match self.services.authentication.refresh(&self.caller, now).await {
            Err(error) if matches!(error.code(), Code::Unauthenticated | Code::Forbidden) => Err(error),
            _ => Ok(()),
        }
    }

    /// The next page, after checking again that the caller may read.
    async fn next_page(&mut self) -> Result<ExportPage, ExportError> {
        let now = self.services.environment.now();
        if self.caller.principal.expires_at.is_some_and(|expiry| now >= expiry) {
            return Err(expired().into());
        }
        self.caller = self.services.authentication.refresh(&self.caller, now).await?;
        self.request.next_page(&self.services, &self.caller, &self.request_permit, &self.reservation).await
    }
}

fn expired() -> ApiError {
    ApiError::Unauthenticated(Rejected::Expired)
}
