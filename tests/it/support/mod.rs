//! What the tests share.

pub mod app;
pub mod client;
pub mod db;
pub mod endpoints;
pub mod events;
pub mod generated;
pub mod relay;
pub mod server;
