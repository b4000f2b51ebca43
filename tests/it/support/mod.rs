//! What the tests share.

pub mod app;
pub mod cast;
pub mod client;
pub mod compatibility;
pub mod db;
pub mod endpoints;
pub mod events;
pub mod generated;
pub mod issuer;
pub mod relay;
pub mod replication;
pub mod schema;
pub mod server;
pub mod service;
