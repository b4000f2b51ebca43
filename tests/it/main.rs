//! What the service promises, tried from outside: one binary, real sockets, real Postgres.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod support;

mod api_keys;
mod architecture;
mod audit;
mod callers;
mod checks;
mod command_line;
mod compatibility;
mod connections;
mod durability;
mod embedded;
mod errors;
mod examples;
mod feed;
mod http_auth;
mod http_bodies;
mod http_connections;
mod http_context;
mod http_docs;
mod http_generated;
mod http_hostile;
mod http_preconditions;
mod http_quotas;
mod http_routing;
mod http_shutdown;
mod idempotency;
mod keys;
mod migrations;
mod oidc;
mod openapi_complete;
mod openapi_true;
mod operator_catalogue;
mod overload;
mod plans;
mod properties;
mod read_only;
mod readme;
mod replica;
mod requests;
mod rights;
mod rules_document;
mod scopes;
mod serving;
mod shutdown;
mod wording;
