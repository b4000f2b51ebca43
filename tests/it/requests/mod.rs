//! Engagement requests, over HTTP.

mod act;
mod create;
mod expiry;
mod history;
mod hours;
mod list;
mod races;
mod redirect;
mod revise;
mod search;
mod show;
mod together;
mod visibility;
