//! How a document is prepared, bounded and executed.

pub mod check;
pub mod cost;
pub mod defaults;
pub mod document;
pub mod execute;
pub mod context;
