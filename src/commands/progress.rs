//! The progress of a long command, on standard error: one line that is rewritten on a terminal, and lines at long
//! intervals elsewhere. A command that ends before the first interval shows nothing.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::output::report_error;

/// The interval between updates of the line on a terminal.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
/// The interval between lines elsewhere.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Moves to the start of the line and erases it.
const ERASE_LINE: &str = "\r\x1b[2K";

/// The progress of a command.
#[derive(Debug)]
pub(crate) struct Progress {
    is_terminal: bool,
    interval: Duration,
    shown_at: Instant,
    /// Whether the last line of the terminal shows progress.
    is_shown: bool,
}

impl Progress {
    /// Starts a command.
    pub(crate) fn start() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let interval = if is_terminal { TERMINAL_INTERVAL } else { LINE_INTERVAL };
        Self { is_terminal, interval, shown_at: Instant::now(), is_shown: false }
    }

    /// Shows a line, if the interval since the last one is over.
    pub(crate) fn update(&mut self, line: impl FnOnce() -> String) {
        if self.shown_at.elapsed() < self.interval {
            return;
        }
        self.shown_at = Instant::now();
        if self.is_terminal {
            let mut err = std::io::stderr().lock();
            // A closed standard error does not end the command.
            let _ = write!(err, "{ERASE_LINE}{}", line());
            let _ = err.flush();
            self.is_shown = true;
        } else {
            report_error(&line());
        }
    }

    /// Removes the line from the terminal, before other output.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "{ERASE_LINE}");
            let _ = err.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
