//! The command line of engagement-desk.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use engagement_desk::cli::{Cli, run};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    log();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Lines for people on a terminal, JSON for everything else. The server's own chatter is left out.
fn log() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,actix_server=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.compact().with_target(false).init();
    } else {
        // The span of the request is named once: it is the only one.
        builder
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .init();
    }
}
