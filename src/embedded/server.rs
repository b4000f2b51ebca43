//! One Postgres server: how it is started and how it is made ready for the service.

use super::{
    account::Account,
    binaries::Binaries,
    cluster::{self, NAME},
    error::{Error, While},
    guard::{self, Guarded},
    wire::{self, Answer},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Recovery after a crash can take its time, but not forever.
const LONGEST_START: Duration = Duration::from_secs(300);
/// What a dead server's last processes hold is free after moments; what fails for longer, stays.
const LONGEST_FAILING: Duration = Duration::from_secs(5);
/// A log of this size is put aside at the next start.
const LONG_LOG: u64 = 10_000_000;

/// All that it takes to start the server, again and again.
#[derive(Debug)]
pub(super) struct Server {
    pub binaries: Binaries,
    pub account: Account,
    pub cluster: PathBuf,
    pub socket_folder: PathBuf,
    pub log: PathBuf,
    pub durable: bool,
}

impl Server {
    /// Starts the server, after ending one that may still run. It isn't ready yet.
    pub fn launch(&self, patience: Duration) -> Result<Guarded, Error> {
        cluster::end_server(&self.cluster, self.account, patience)?;
        cluster::remove_traces(&self.cluster, &self.socket_folder);
        if cluster::length(&self.log) > LONG_LOG {
            let _kept_as_it_is = fs::rename(&self.log, self.log.with_extension("log.1"));
        }
        guard::start(
            &self.binaries,
            self.account,
            &self.log,
            "postgres",
            &self.arguments(),
        )
    }

    /// Starts the server and waits until the service's database can be used.
    pub fn start(&self) -> Result<Guarded, Error> {
        let since = Instant::now();
        let said_before = cluster::length(&self.log);
        let failed = |why: String| Error::NotStarted {
            why,
            log: self.log.clone(),
            output: cluster::tail(&self.log, said_before),
        };
        // Long enough for a server whose service has just been killed to end in order.
        let mut patience = Duration::from_secs(5);
        loop {
            let mut running = self.launch(patience)?;
            patience = Duration::ZERO;
            let ended = loop {
                if let Some(status) = running
                    .guard
                    .try_wait()
                    .doing(|| "see if Postgres runs".to_owned())?
                {
                    break status;
                }
                // While there is nothing to connect to, the server is still on its way there.
                match wire::knock(&self.socket_folder, NAME).unwrap_or(Answer::Starting) {
                    Answer::Ready => return Ok(running),
                    Answer::NoSuchDatabase => self.create_database()?,
                    Answer::Refused(why) => return Err(failed(why)),
                    Answer::Starting if since.elapsed() > LONGEST_START => {
                        return Err(failed("it does not answer".to_owned()));
                    }
                    Answer::Starting => thread::sleep(Duration::from_millis(20)),
                }
            };
            if since.elapsed() > LONGEST_FAILING {
                return Err(failed(ended.to_string()));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn create_database(&self) -> Result<(), Error> {
        wire::execute(
            &self.socket_folder,
            "template1",
            &format!("CREATE DATABASE {NAME}"),
        )
        .doing(|| format!("create the database {NAME}"))
    }

    /// Everything that the service depends on is said here, where a changed configuration file
    /// can't unsay it; the rest, such as memory, is left to that file.
    fn arguments(&self) -> Vec<OsString> {
        let durable = if self.durable { "on" } else { "off" };
        let timezone = timezone(Path::new("/usr/share/zoneinfo"));
        let settings = [
            "listen_addresses=".to_owned(),
            "unix_socket_permissions=0700".to_owned(),
            "port=5432".to_owned(),
            format!("fsync={durable}"),
            format!("synchronous_commit={durable}"),
            format!("full_page_writes={durable}"),
            format!("timezone={timezone}"),
            format!("log_timezone={timezone}"),
            "logging_collector=off".to_owned(),
            "log_destination=stderr".to_owned(),
            "jit=off".to_owned(),
            format!("cluster_name={NAME}"),
        ];
        let mut socket = OsString::from("unix_socket_directories=");
        socket.push(&self.socket_folder);
        let mut arguments = vec![
            "-D".into(),
            self.cluster.clone().into(),
            "-c".into(),
            socket,
        ];
        arguments.extend(
            settings
                .into_iter()
                .flat_map(|one| ["-c".into(), one.into()]),
        );
        arguments
    }

    /// Ends the server, if it runs.
    pub fn end(&self) -> Result<(), Error> {
        cluster::end_server(&self.cluster, self.account, Duration::ZERO)
    }
}

/// Debian's Postgres reads time zones from the system, which may have none. It knows this one
/// by heart.
fn timezone(zones: &Path) -> &'static str {
    if zones.join("UTC").exists() {
        "UTC"
    } else {
        "GMT"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_time_zones_gets_the_one_that_needs_no_file() {
        assert_eq!(timezone(Path::new("/nowhere")), "GMT");
    }
}
