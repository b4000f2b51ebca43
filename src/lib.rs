//! Placeholder map of the crate.

pub mod embedded;
