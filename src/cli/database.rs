//! Finds the database a command works on: the one given, or the private one.

use super::{DatabaseOptions, Failure, MigrateOptions};
use crate::embedded::{PrivatePostgres, Settings};
use crate::store::migrations;

/// The name of the database in the private Postgres.
const PRIVATE_DATABASE: &str = "engagement_desk";

/// A database that can be connected to for as long as this lives.
pub(super) struct Database {
    /// Where it is.
    pub(super) url: String,
    /// The private Postgres, if this process runs it.
    pub(super) private: Option<PrivatePostgres>,
}

impl DatabaseOptions {
    /// Whether the service brings its own Postgres.
    pub(super) fn is_private(&self) -> bool {
        self.database_url.is_none()
    }

    fn settings(&self) -> Settings {
        Settings {
            data_dir: self.data_dir.clone(),
            binaries: self.postgres_bin.clone(),
            durable: true,
        }
    }

    /// The given database, or the private one, started here.
    pub(super) fn start(&self) -> Result<Database, Failure> {
        if let Some(url) = &self.database_url {
            return Ok(Database {
                url: url.clone(),
                private: None,
            });
        }
        let private = PrivatePostgres::start(&self.settings())?;
        Ok(Database {
            url: private.url(PRIVATE_DATABASE),
            private: Some(private),
        })
    }

    /// The given database, or the private one: that of a running service, or started for this command.
    pub(super) fn reach(&self) -> Result<Database, Failure> {
        if self.is_private()
            && let Some(url) = PrivatePostgres::running(&self.settings(), PRIVATE_DATABASE)?
        {
            return Ok(Database { url, private: None });
        }
        self.start()
    }
}

impl Database {
    /// Stops the private Postgres, if this process runs it.
    pub(super) fn stop(self) -> Result<(), Failure> {
        match self.private {
            Some(private) => Ok(private.stop()?),
            None => Ok(()),
        }
    }
}

pub(super) fn migrate(options: &MigrateOptions) -> Result<(), Failure> {
    let database = options.database.reach()?;
    let runtime = tokio::runtime::Runtime::new()?;
    if options.revert_last {
        let name = runtime.block_on(migrations::revert_last(&database.url))?;
        println!("Took back {name}.");
    } else {
        let names = runtime.block_on(migrations::run_pending(&database.url))?;
        if names.is_empty() {
            println!("The database is up to date.");
        }
        for name in names {
            println!("Ran {name}.");
        }
    }
    database.stop()
}
