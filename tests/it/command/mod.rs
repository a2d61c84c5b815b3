//! The command line, through the real program: what it prints, what it refuses, how it ends.

mod import;
mod operate;
mod serve;
mod crash;
mod follow;
mod backup;
mod copy;
mod check;
mod log;
mod accesses;
mod docs;
