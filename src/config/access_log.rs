//! Settings of the access log, which records accesses to the audit log.

use clap::Args;

use super::bounds;

/// Settings of the access log.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Access log")]
pub struct AccessLogSettings {
    /// Whether to record accesses to the log. The configuration file can also turn this off (`record_access`).
    #[arg(long, env = "AUDITGRAPH_RECORD_ACCESS", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub record_access: bool,
    /// Time during which similar accesses are combined into one event, in milliseconds. From 10 to 60000.
    #[arg(long, env = "AUDITGRAPH_ACCESS_WINDOW_MS", value_name = "MS", default_value_t = 5_000, value_parser = bounds::<u64>(10, 60_000))]
    pub access_window_ms: u64,
    /// Most bytes that the accesses of one caller add to the access log in an hour. Further accesses are combined: they
    /// are counted, with hashes of their filters and arguments. From 10000 to 1099511627776.
    #[arg(long, env = "AUDITGRAPH_ACCESS_CALLER_BYTES_MAX", value_name = "BYTES", default_value_t = 4 << 20, value_parser = bounds::<usize>(10_000, 1 << 40))]
    pub access_caller_bytes_max: usize,
}
