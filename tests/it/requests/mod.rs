//! Engagement requests, over HTTP.

mod act;
mod create;
mod expiry;
mod history;
mod list;
mod races;
mod redirect;
mod revise;
mod show;
mod visibility;
