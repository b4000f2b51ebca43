//! What is decided, and nothing else: no clock, no I/O, no framework, no randomness. What types derive for the OpenAPI
//! document describes them and does nothing.
//!
//! Everything a decision needs comes in as a value and everything it yields goes out as one, so each
//! module can be tested without a database and read without knowing the ones around it.

pub mod actor;
pub mod decision;
pub mod eligibility;
pub mod facts;
pub mod lifecycle;
pub mod request;
pub mod rights;
