//! The limit of open files: each connection needs one.

/// Files that are not connections of clients: databases, logs, keys, libraries.
const OTHER_FILES: u64 = 256;
/// The least limit with which a server can be expected to serve many clients.
pub const FILES_MIN: u64 = 4_096;

/// Raises the limit of open files of this process to the greatest that is allowed without privileges, and returns it;
/// `None` if the system has no limit.
pub fn raise_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // If it cannot be raised, the current limit is reported.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// The connections that the limit of open files allows besides the other files.
pub(super) fn connections_max(limit: Option<u64>, database_connections: u32) -> usize {
    let connections =
        limit.map(|limit| limit.saturating_sub(OTHER_FILES + 4 * u64::from(database_connections)).max(64));
    connections.map_or(usize::MAX, |connections| usize::try_from(connections).unwrap_or(usize::MAX))
}
