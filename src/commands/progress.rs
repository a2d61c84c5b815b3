//! The progress of a long command, on standard error: one line that is rewritten on a terminal, and lines at long
//! intervals elsewhere. A command that ends before the first interval shows nothing.

use std::io::{IsTerminal as _, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

/// The interval between updates of the line on a terminal.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
/// The interval between lines elsewhere.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Moves to the start of the line and erases it.
const ERASE_LINE: &str = "\r\x1b[2K";
const MEGABYTE: f64 = 1e6;

/// Returns a number of megabytes with one decimal.
#[expect(clippy::cast_precision_loss, reason = "the number is rounded to a tenth of a megabyte")]
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / MEGABYTE)
}

/// The progress of a command.
pub(crate) struct Progress {
    is_terminal: bool,
    interval: Duration,
    state: Mutex<ProgressState>,
}

struct ProgressState {
    out: Box<dyn Write + Send>,
    shown_at: Instant,
    /// Whether the last line of the terminal shows progress.
    is_shown: bool,
}

impl Progress {
    /// Starts a command.
    pub(crate) fn start() -> Self {
        let err = std::io::stderr();
        let is_terminal = err.is_terminal();
        Self::to(Box::new(err), is_terminal, if is_terminal { TERMINAL_INTERVAL } else { LINE_INTERVAL })
    }

    fn to(out: Box<dyn Write + Send>, is_terminal: bool, interval: Duration) -> Self {
        let state = ProgressState { out, shown_at: Instant::now(), is_shown: false };
        Self { is_terminal, interval, state: Mutex::new(state) }
    }

    /// Shows a line, if the interval since the last one is over.
    pub(crate) fn update(&self, line: impl FnOnce() -> String) {
        let mut state = self.state.lock();
        if state.shown_at.elapsed() < self.interval {
            return;
        }
        state.shown_at = Instant::now();
        // A closed standard error does not end the command.
        if self.is_terminal {
            let _ = write!(state.out, "{ERASE_LINE}{}", line());
            state.is_shown = true;
        } else {
            let _ = writeln!(state.out, "{}", line());
        }
        let _ = state.out.flush();
    }

    /// Runs an operation and shows a line in each interval until it ends.
    pub(crate) async fn during<T>(&self, operation: impl Future<Output = T>, line: impl Fn() -> String) -> T {
        let mut operation = pin!(operation);
        let mut intervals = tokio::time::interval(self.interval);
        intervals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                output = &mut operation => {
                    self.clear();
                    return output;
                }
                _ = intervals.tick() => self.update(&line),
            }
        }
    }

    /// Removes the line from the terminal, before other output.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_shown) {
            let _ = write!(state.out, "{ERASE_LINE}");
            let _ = state.out.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;

    #[derive(Clone, Default)]
    struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

    impl SharedBuffer {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).unwrap()
        }
    }

    impl Write for SharedBuffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Runs an operation that ends when the third line is shown.
    async fn three_lines(progress: &Progress) -> &'static str {
        let (lines, third) = (Cell::new(0), Notify::new());
        let line = || {
            lines.set(lines.get() + 1);
            if lines.get() == 3 {
                third.notify_one();
            }
            format!("{} rows", lines.get())
        };
        let operation = async {
            third.notified().await;
            "done"
        };
        progress.during(operation, line).await
    }

    #[tokio::test]
    async fn each_interval_of_an_operation_has_a_line() {
        let out = SharedBuffer::default();
        let progress = Progress::to(Box::new(out.clone()), false, Duration::from_millis(1));
        assert_eq!(three_lines(&progress).await, "done");
        drop(progress);
        assert_eq!(out.text(), "1 rows\n2 rows\n3 rows\n");
    }

    #[tokio::test]
    async fn line_of_a_terminal_is_rewritten_and_removed() {
        let out = SharedBuffer::default();
        let progress = Progress::to(Box::new(out.clone()), true, Duration::from_millis(1));
        three_lines(&progress).await;
        let shown = "\r\x1b[2K1 rows\r\x1b[2K2 rows\r\x1b[2K3 rows\r\x1b[2K";
        assert_eq!(out.text(), shown);
        progress.clear();
        assert_eq!(out.text(), shown, "nothing is removed twice");
    }

    #[tokio::test]
    async fn short_operation_shows_nothing() {
        let out = SharedBuffer::default();
        let progress = Progress::to(Box::new(out.clone()), true, Duration::from_hours(1));
        progress.during(tokio::task::yield_now(), || "a line".to_owned()).await;
        assert_eq!(out.text(), "");
    }
}
