//! The progress of a command that reads all rows.

use std::sync::Arc;

use parking_lot::Mutex;

/// The number of rows that a running operation has processed, readable by other tasks.
#[derive(Clone, Debug, Default)]
pub struct RowProgress(Arc<Mutex<TableProgress>>);

/// The progress within one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableProgress {
    /// The table; empty before the first one.
    pub table: &'static str,
    /// The number of its rows that were processed.
    pub rows: u64,
}

impl RowProgress {
    /// Returns the progress within the current table.
    pub fn current(&self) -> TableProgress {
        *self.0.lock()
    }

    /// Starts with the next table.
    pub(crate) fn begin(&self, table: &'static str) {
        *self.0.lock() = TableProgress { table, rows: 0 };
    }

    /// Adds processed rows.
    pub(crate) fn add(&self, rows: u64) {
        self.0.lock().rows += rows;
    }
}
