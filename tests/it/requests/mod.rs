//! Engagement requests, over HTTP.

mod create;
mod races;
