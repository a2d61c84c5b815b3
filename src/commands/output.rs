//! The output of the commands: results to standard output, errors to standard error.

use std::io::Write as _;

/// The most characters of a quoted string.
const QUOTED_CHARS_MAX: usize = 1_000;

/// Prints a line to standard output. Ignores errors, such as a closed pipe.
pub(crate) fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Prints a line to standard error. Ignores errors.
pub(crate) fn report_error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Returns an error and its causes, separated by colons. A cause that the message already ends with is left out.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |message, cause| {
        let cause = cause.to_string();
        if message.ends_with(&cause) { message } else { format!("{message}: {cause}") }
    })
}

/// Escapes control characters in a string from an untrusted source, so that it stays on one line and cannot control the
/// terminal. Returns at most the first `QUOTED_CHARS_MAX` characters.
pub(crate) fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { vec![c] };
    text.chars().take(QUOTED_CHARS_MAX).flat_map(escape).collect()
}
