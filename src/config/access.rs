//! Whether to record who reads the log.

use clap::Args;

/// Recording who reads the log.
#[derive(Args, Clone, Copy, Debug)]
pub struct Accesses {
    /// Whether to record who reads the log; the configuration file can also switch it off.
    #[arg(long, env = "AUDITGRAPH_RECORD_ACCESS", default_value_t = true, action = clap::ArgAction::Set)]
    pub record_access: bool,
    /// For how long similar accesses are combined into one event, in milliseconds.
    #[arg(long, env = "AUDITGRAPH_ACCESS_WINDOW_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub access_window_ms: u64,
}
