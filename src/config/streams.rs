//! Limits of streams: WebSockets, server-sent events and exports.

use clap::Args;

use super::bounds;

/// Limits of WebSockets, server-sent events and exports.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Stream limits")]
pub struct StreamSettings {
    /// Most open WebSockets of one caller. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_WEBSOCKETS_MAX", value_name = "N", default_value_t = 10, value_parser = bounds::<usize>(0, 1_000_000))]
    pub caller_websockets_max: usize,
    /// Most subscriptions of one caller, over WebSockets and server-sent events together. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_SUBSCRIPTIONS_MAX", value_name = "N", default_value_t = 20, value_parser = bounds::<usize>(0, 1_000_000))]
    pub caller_subscriptions_max: usize,
    /// Most exports of one caller at a time. From 0 to 1000000.
    #[arg(long, env = "AUDITGRAPH_CALLER_EXPORTS_MAX", value_name = "N", default_value_t = 4, value_parser = bounds::<usize>(0, 1_000_000))]
    pub caller_exports_max: usize,
    /// Most operations that run on one WebSocket at a time. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_WEBSOCKET_OPERATIONS_MAX", value_name = "N", default_value_t = 20, value_parser = bounds::<usize>(1, 1_000_000))]
    pub websocket_operations_max: usize,
    /// Largest message from the client of a WebSocket, in bytes. From 1 to 1073741824.
    #[arg(long, env = "AUDITGRAPH_WEBSOCKET_MESSAGE_BYTES_MAX", value_name = "BYTES", default_value_t = 256 << 10, value_parser = bounds::<usize>(1, 1 << 30))]
    pub websocket_message_bytes_max: usize,
    /// Timeout for `connection_init`, with the token, on a new WebSocket, in seconds. From 1 to 300.
    #[arg(long, env = "AUDITGRAPH_WEBSOCKET_INIT_TIMEOUT_SECS", value_name = "SECS", default_value_t = 10, value_parser = bounds::<u64>(1, 300))]
    pub websocket_init_timeout_secs: u64,
    /// Most WebSockets from one address that wait for `connection_init` at a time. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_ADDRESS_PENDING_WEBSOCKETS_MAX", value_name = "N", default_value_t = 64, value_parser = bounds::<usize>(1, 1_000_000))]
    pub address_pending_websockets_max: usize,
    /// Most WebSockets that wait for `connection_init` at a time. From 1 to 1000000.
    #[arg(long, env = "AUDITGRAPH_PENDING_WEBSOCKETS_MAX", value_name = "N", default_value_t = 256, value_parser = bounds::<usize>(1, 1_000_000))]
    pub pending_websockets_max: usize,
    /// Time after which a stream or an export ends if its client reads nothing, in seconds. A connection whose client
    /// reads nothing, of a stream or of a response, ends 10 seconds later. From 1 to 600.
    #[arg(long, env = "AUDITGRAPH_STREAM_STALL_SECS", value_name = "SECS", default_value_t = 30, value_parser = bounds::<u64>(1, 600))]
    pub stream_stall_secs: u64,
}
