//! Engagement requests, over HTTP.

mod create;
mod hours;
mod races;
