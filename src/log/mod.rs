//! The log of the program: lines on standard error.

mod bunch;
mod format;

pub use bunch::in_bunches_here;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Begins to log: lines for people on a terminal, JSON for everything else. The server's own chatter is left out.
pub fn init() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,actix_server=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(bunch::Lines);
    if io::stderr().is_terminal() {
        builder
            .compact()
            .with_target(false)
            .with_timer(format::TimeAndRequest)
            .init();
    } else {
        builder.event_format(format::JsonLine).init();
    }
}
