//! What the service promises, tried from outside: one binary, real sockets, real Postgres.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod support;

mod api_keys;
mod audit;
mod embedded;
mod http_auth;
mod http_bodies;
mod http_connections;
mod http_context;
mod http_docs;
mod http_generated;
mod http_routing;
mod http_shutdown;
mod operator_catalogue;
mod plans;
mod requests;
mod rules_document;
mod wording;
