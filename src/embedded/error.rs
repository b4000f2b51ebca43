//! What can go wrong with the private Postgres, in words for the person who starts the service.

use std::{io, path::PathBuf};

/// Why the private Postgres can't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another service holds the data folder.
    #[error(
        "the data folder {} is in use by another engagement-desk{}; stop that one, \
         or give this one a data folder of its own",
        .dir.display(),
        .holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The data folder.
        dir: PathBuf,
        /// The process that holds it, where it left its id.
        holder: Option<u32>,
    },

    /// No usable Postgres is installed and none could be installed or fetched.
    #[error(
        "no PostgreSQL 15 or newer was found, and it could not be fetched: {why}. \
         Install it (Debian, Ubuntu: `sudo apt-get install postgresql`; Fedora: \
         `sudo dnf install postgresql-server`; macOS: `brew install postgresql@17`) and start \
         again, or set DATABASE_URL to a database that you already have"
    )]
    NoBinaries {
        /// What was tried, and how it ended.
        why: String,
    },

    /// The folder that was named has no usable Postgres in it.
    #[error("{} is not a folder with the programs of PostgreSQL 15 or newer: {why}", .dir.display())]
    UnusableBinaries {
        /// The folder that was named.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// The data was written by another major version than any that is at hand.
    #[error(
        "the data in {} was written by PostgreSQL {data}, which is not installed here: {why}. \
         Install PostgreSQL {data} (Debian, Ubuntu: `sudo apt-get install postgresql-{data}`), \
         or move the data over with pg_upgrade or pg_dump",
        .cluster.display()
    )]
    OtherVersion {
        /// The folder with the data.
        cluster: PathBuf,
        /// The major version that wrote it.
        data: u32,
        /// Why no such version is at hand.
        why: String,
    },

    /// Something that isn't ours lies where the data should be.
    #[error("{} has files in it but no PostgreSQL data; move them away, then start again", .0.display())]
    NotACluster(PathBuf),

    /// A folder belongs to another user of this machine.
    #[error(
        "{} belongs to another user (uid {owner} instead of {wanted}); \
         run the service as that user, or give it another data folder",
        .path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        wanted: u32,
    },

    /// The service runs as root, and the user Postgres runs as can't get at existing data.
    #[error(
        "{} holds data that the user running Postgres (uid {uid}) can't reach; \
         let that user pass through the folders above it (`chmod o+x`)",
        .dir.display()
    )]
    OutOfReach {
        /// The data folder.
        dir: PathBuf,
        /// The user that Postgres runs as.
        uid: u32,
    },

    /// `initdb` failed.
    #[error("a new database could not be set up in {}:\n{output}", .dir.display())]
    NotCreated {
        /// Where it should have been.
        dir: PathBuf,
        /// What `initdb` said.
        output: String,
    },

    /// Postgres ended, or never answered.
    #[error("the private Postgres did not start ({why}); the end of {}:\n{output}", .log.display())]
    NotStarted {
        /// What was seen of it.
        why: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of that file.
        output: String,
    },

    /// An earlier Postgres on the same data can't be ended.
    #[error("an earlier Postgres (process {pid}) still runs on {} and does not end", .cluster.display())]
    StillRunning {
        /// Its process id.
        pid: u32,
        /// The folder with the data.
        cluster: PathBuf,
    },

    /// The operating system refused something.
    #[error("could not {doing}: {source}")]
    Io {
        /// What was attempted.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Adds to an I/O error what was being done, so that the message stands alone.
pub(super) trait While<T> {
    /// `doing` completes the sentence "could not …".
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> While<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            doing: doing(),
            source,
        })
    }
}
