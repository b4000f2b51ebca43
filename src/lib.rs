//! engagement-desk: which technical desk takes a request, why, and what became of it.

pub mod clock;
pub mod domain;
pub mod http;
