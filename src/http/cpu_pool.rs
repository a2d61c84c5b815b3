//! [`CpuPool`]: runs work that keeps a core busy on threads that serve no requests.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use api::error::ApiError;

/// Texts of more bytes than this are parsed by the pool. A shorter one takes less time than handing it over saves.
pub(super) const INLINE_BYTES_MAX: usize = 64 << 10;

/// Runs at most one task for each core. Tasks wait in the order in which they arrive.
#[derive(Clone, Debug)]
pub struct CpuPool(Arc<Semaphore>);

impl Default for CpuPool {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))))
    }
}

impl CpuPool {
    /// Runs `work`. `permits` are dropped when it ends, even if the client disconnects before: otherwise a client that
    /// sends and disconnects could start any number of tasks.
    ///
    /// # Errors
    ///
    /// Fails if `work` panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        permits: impl Send + 'static,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        // The semaphore is never closed.
        let thread = Arc::clone(&self.0).acquire_owned().await.ok();
        let task = tokio::task::spawn_blocking(move || {
            let _held = (permits, thread);
            work()
        });
        task.await.map_err(|_panicked| ApiError::Bug("a task of the CPU pool panicked"))
    }
}
