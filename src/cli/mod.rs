//! The command line.

mod catalog;
mod database;
mod keys;
mod oidc;
mod serve;
mod welcome;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// What stops a command, as a sentence for the person who typed it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Tells which technical desk takes a request and why, keeps it, and tracks it to its end.
#[derive(Debug, Parser)]
#[command(name = "engagement-desk", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(Box<ServeOptions>),
    /// Bring the database to the shape this version needs; `serve` does the same when it starts.
    Migrate(MigrateOptions),
    /// Make, list and revoke API keys.
    Keys {
        #[command(flatten)]
        database: DatabaseOptions,
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Check or print a catalogue of desks, rules and channels.
    Catalog {
        #[command(subcommand)]
        command: catalog::Command,
    },
    /// Judge the facts in a JSON file, as the service would with no earlier requests.
    Decide(catalog::DecideOptions),
    /// Print the OpenAPI document.
    Openapi,
}

/// Where requests are kept.
#[derive(Args, Debug)]
pub struct DatabaseOptions {
    /// Postgres to use, 15 or newer. Left out, the service runs a private one of its own.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Folder of the private Postgres.
    #[arg(long, env = "ED_DATA_DIR", default_value = "engagement-desk-data")]
    data_dir: PathBuf,
    /// Folder with the programs of Postgres, for the private one; found by itself if left out.
    #[arg(long, env = "ED_POSTGRES_BIN")]
    postgres_bin: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct ServeOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// Address to listen on.
    #[arg(long, env = "ED_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Catalogue to use instead of the one built in.
    #[arg(long, env = "ED_CATALOG")]
    catalog: Option<PathBuf>,
    /// Connections to Postgres at most.
    #[arg(long, env = "ED_DATABASE_CONNECTIONS", default_value_t = 8)]
    database_connections: usize,
    /// Threads that answer requests; one per processor core if left out.
    #[arg(long, env = "ED_WORKERS")]
    workers: Option<usize>,
    #[command(flatten)]
    oidc: oidc::OidcOptions,
}

#[derive(Args, Debug)]
struct MigrateOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// Take back the latest migration instead.
    #[arg(long)]
    revert_last: bool,
}

/// Does what the command line says.
///
/// # Errors
/// Where that fails; the error's text is for the person who typed it.
pub fn run(cli: Cli) -> Result<(), Failure> {
    refuse_unknown_settings()?;
    match cli.command {
        Command::Serve(options) => serve::run(*options),
        Command::Migrate(options) => database::migrate(&options),
        Command::Keys { database, command } => keys::run(&database, command),
        Command::Catalog { command } => catalog::run(command),
        Command::Decide(options) => catalog::decide(&options),
        Command::Openapi => {
            print!("{}", crate::http::openapi::text()?);
            Ok(())
        }
    }
}

/// Every environment variable the program reads, besides `DATABASE_URL` and `RUST_LOG`.
const SETTINGS: &[&str] = &[
    "ED_DATA_DIR",
    "ED_POSTGRES_BIN",
    "ED_LISTEN",
    "ED_CATALOG",
    "ED_DATABASE_CONNECTIONS",
    "ED_WORKERS",
    "ED_OIDC_ISSUER",
    "ED_OIDC_AUDIENCE",
    "ED_OIDC_ID_CLAIM",
    "ED_OIDC_NAME_CLAIM",
    "ED_OIDC_TRUSTED_EMAIL_CLAIM",
    "ED_OIDC_ROLES_CLAIM",
    "ED_OIDC_RELATIONSHIP_CLAIM",
    "ED_OIDC_DESKS_CLAIM",
    "ED_OIDC_PARTNERS_CLAIM",
    "ED_OIDC_PREFIX",
    "ED_OIDC_PREFIX_REQUIRED",
];

/// A misspelt setting would vanish without a word, so it stops the start.
fn refuse_unknown_settings() -> Result<(), Failure> {
    let unknown: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("ED_") && !SETTINGS.contains(&name.as_str()))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "There is no setting {}. The settings are DATABASE_URL, RUST_LOG, {}.",
        unknown.join(", "),
        SETTINGS.join(", ")
    )
    .into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;

    fn environment(command: &clap::Command, found: &mut BTreeSet<String>) {
        let names = command.get_arguments().filter_map(clap::Arg::get_env);
        found.extend(names.map(|name| name.to_string_lossy().into_owned()));
        for command in command.get_subcommands() {
            environment(command, found);
        }
    }

    #[test]
    fn the_settings_are_those_that_the_commands_read() {
        let mut found = BTreeSet::new();
        environment(&Cli::command(), &mut found);
        found.remove("DATABASE_URL");
        let listed = SETTINGS.iter().map(ToString::to_string).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn every_setting_of_access_tokens_is_explained() {
        let text = include_str!("../../docs/AUTHENTICATION.md");
        for name in SETTINGS.iter().filter(|name| name.contains("OIDC")) {
            assert!(text.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
