//! Engagement requests, over HTTP.

mod act;
mod create;
mod races;
mod revise;
mod show;
