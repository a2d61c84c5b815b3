//! The command line, as the real program: output, errors and exit codes.

mod import;
mod administration;
mod serve;
mod crash;
mod change_feed;
mod backup;
mod copy;
mod check;
mod relay;
mod request_log;
mod access_log;
mod docs;
mod dump;
