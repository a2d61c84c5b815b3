//! Lists written as JSON bytes from the stored text, by a selection that is compiled once.

pub mod plan;
pub mod write;
pub mod column;
