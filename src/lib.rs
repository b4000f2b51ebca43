//! engagement-desk: which technical desk takes a request, why, and what became of it.

pub mod alike;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod credentials;
pub mod current;
pub mod cursor;
pub mod domain;
pub mod embedded;
pub mod flows;
pub mod http;
pub mod log;
pub mod oidc;
pub mod store;
pub mod tail;
pub mod work;
