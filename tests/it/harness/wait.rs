//! Waiting for a condition, with a ceiling that only a hung program reaches. No test waits for a fixed time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longest wait for a condition. A machine that is busy with other work stays far below it.
pub(crate) const WAIT_MAX: Duration = Duration::from_mins(2);
/// Pause between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Polls until the condition holds. Panics with its name after [`WAIT_MAX`].
pub(crate) async fn wait_until(condition: &str, mut holds: impl AsyncFnMut() -> bool) {
    wait_for(condition, async || holds().await.then_some(())).await;
}

/// Polls until there is a value, and returns it. Panics with the name of the value after [`WAIT_MAX`].
pub(crate) async fn wait_for<T>(name: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {WAIT_MAX:?} in vain: {name}");
        sleep(POLL_INTERVAL).await;
    }
}
