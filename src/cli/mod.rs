//! The command line.

mod catalog;
mod database;
mod keys;
mod limits;
mod oidc;
mod serve;
pub mod settings;
mod welcome;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::http::proxies::Prefix;

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
    /// A hot standby of that Postgres: lists, searches, histories and the audit trail are read there as long as it
    /// keeps up. Their answers stay the same.
    #[arg(
        long,
        env = "DATABASE_READ_URL",
        hide_env_values = true,
        requires = "database_url"
    )]
    database_read_url: Option<String>,
    /// Address to listen on.
    #[arg(long, env = "ED_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Catalogue to use instead of the one built in.
    #[arg(long, env = "ED_CATALOG")]
    catalog: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` says where a request comes from: addresses or prefixes such as
    /// 10.0.0.0/8, with commas between them. From anybody else the header is ignored.
    #[arg(long, env = "ED_TRUSTED_PROXIES", value_delimiter = ',')]
    trusted_proxies: Vec<Prefix>,
    #[command(flatten)]
    limits: limits::LimitOptions,
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
    settings::refuse_unknown()?;
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
