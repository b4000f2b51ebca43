//! A private, durable Postgres in a data folder: what the service runs on when it is given no
//! `DATABASE_URL`.
//!
//! The server listens on a Unix socket in a folder that only its user can enter, and on no TCP
//! port. It is started again when it ends by itself, and it ends when the service does, even if
//! that is killed: see `guard.sh`. Everything in here blocks; call it from a blocking thread.

mod account;
mod apt;
mod binaries;
mod cluster;
mod error;
mod fetch;
mod guard;
mod home;
mod server;
mod supervise;
mod wire;

pub use error::Error;

use account::Account;
use binaries::Binaries;
use home::Home;
use server::Server;
use std::{
    fmt::Write as _,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};
use supervise::Supervisor;

/// What the private Postgres needs to be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for the data. Created when missing.
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`. Without it they are looked for, and installed or
    /// fetched when there are none.
    pub binaries: Option<PathBuf>,
    /// Whether a commit outlives a power cut. Only tests should do without.
    pub durable: bool,
}

/// A Postgres that runs for as long as this value lives.
#[derive(Debug)]
pub struct PrivatePostgres {
    supervisor: Supervisor,
    home: Home,
    fresh: bool,
}

impl PrivatePostgres {
    /// Starts it, with the superuser and the database `engagement_desk`. Returns when it accepts
    /// connections.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let own = Account::own()?;
        let mut home = Home::open(&settings.data_dir)?;
        let binaries = find_binaries(settings, &home, own.is_root())?;
        let account = own.for_server(&home.cluster())?;
        home.be_reachable_by(account)?;
        account.private_folder(&home.server())?;
        let socket_folder = home.socket_folder(account, own.is_root())?;
        let fresh = cluster::version(&home.cluster())?.is_none();
        if fresh {
            tracing::info!(folder = %home.cluster().display(), "setting up a private Postgres");
            cluster::create(&home, &binaries, account, settings.durable)?;
        }
        let server = Server {
            binaries,
            account,
            cluster: home.cluster(),
            socket_folder,
            log: home.log(),
            durable: settings.durable,
        };
        let running = server.start()?;
        home.announce(&server.socket_folder)?;
        Ok(Self {
            supervisor: Supervisor::watch(server, running),
            home,
            fresh,
        })
    }

    /// The address of one of its databases, for `tokio_postgres` and what builds on it. The user
    /// in it is the superuser.
    pub fn url(&self, database: &str) -> String {
        url(&self.supervisor.server().socket_folder, database)
    }

    /// The address of a database of the server that another process runs on the same data folder,
    /// where one does.
    pub fn running(settings: &Settings, database: &str) -> Result<Option<String>, Error> {
        match Home::open(&settings.data_dir) {
            Ok(_unused) => Ok(None),
            Err(Error::InUse { .. }) => {
                Ok(Some(url(&home::announced(&settings.data_dir)?, database)))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this start created the data.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// Stops it, and waits until everything is on disk.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        self.supervisor.stop()?;
        home::forget_socket_folder(&self.supervisor.server().socket_folder, &self.home);
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::error!(%error, "the private Postgres did not stop");
        }
    }
}

fn url(socket_folder: &Path, database: &str) -> String {
    let host = percent_encoded(socket_folder.as_os_str().as_bytes());
    format!(
        "postgres://{}@{host}/{}",
        cluster::NAME,
        percent_encoded(database.as_bytes())
    )
}

fn find_binaries(settings: &Settings, home: &Home, root: bool) -> Result<Binaries, Error> {
    let cluster = home.cluster();
    let data = cluster::version(&cluster)?;
    let not_for = |data: u32, why: String| Error::OtherVersion {
        cluster: cluster.clone(),
        data,
        why,
    };
    if let Some(dir) = &settings.binaries {
        let named = Binaries::named(dir)?;
        return match data {
            Some(data) if data != named.major => {
                let why = format!("{} has PostgreSQL {}", dir.display(), named.major);
                Err(not_for(data, why))
            }
            _ => Ok(named),
        };
    }
    let folders: Vec<PathBuf> = fetch::shared_folder(root)
        .into_iter()
        .chain([home.binaries()])
        .collect();
    if let Some(found) = Binaries::find(data, &folders) {
        return Ok(found);
    }
    fetch::obtain(data, &folders, root).map_err(|why| match data {
        Some(data) => not_for(data, why),
        None => Error::NoBinaries { why },
    })
}

/// Tells the person at the terminal about something that takes a while or lies elsewhere.
fn say(text: &str) {
    eprintln!("engagement-desk: {text}");
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn urls_are_read_back_as_the_socket_folder() {
        let folder = "/tmp/a b%ä/socket";
        let url = format!(
            "postgres://engagement_desk@{}/x",
            percent_encoded(folder.as_bytes())
        );
        let config: tokio_postgres::Config = url.parse().unwrap();
        let host = tokio_postgres::config::Host::Unix(Path::new(folder).to_owned());
        assert_eq!(config.get_hosts(), [host]);
    }
}
