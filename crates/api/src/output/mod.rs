//! The second output path: lists of events written as JSON bytes from the stored bodies, and the columns of an export.

pub mod selection;
pub mod write;
pub mod column;
