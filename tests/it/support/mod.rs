//! What the tests share.

pub mod app;
pub mod cast;
pub mod client;
pub mod db;
pub mod endpoints;
pub mod generated;
pub mod issuer;
pub mod server;
pub mod service;
