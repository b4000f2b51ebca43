//! What the tests share.

pub mod client;
pub mod endpoints;
pub mod generated;
pub mod server;
