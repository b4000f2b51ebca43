//! Engagement requests, over HTTP.

mod create;
mod list;
mod races;
