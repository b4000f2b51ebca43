//! What the tests share.

pub mod app;
pub mod client;
pub mod compatibility;
pub mod db;
pub mod endpoints;
pub mod generated;
pub mod schema;
pub mod server;
