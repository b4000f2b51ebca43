//! The one integration binary: it uses the crate as its users do.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod examples;
mod operator_catalogue;
mod properties;
mod rules_document;
mod wording;
