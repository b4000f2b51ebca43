//! engagement-desk: which technical desk takes a request, why, and what became of it.

pub mod catalog;
pub mod domain;
