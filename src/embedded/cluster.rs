//! The data of Postgres on disk: creating it, telling its version, and clearing away what a
//! server that died has left in it.

use super::{
    account::Account,
    binaries::Binaries,
    error::{Error, While},
    guard,
    home::Home,
};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The superuser and the database of the service.
pub(super) const NAME: &str = "engagement_desk";
const HALF_MADE: &str = "cluster.new";

/// The major version that wrote the data; none where there is no data yet.
pub(super) fn version(cluster: &Path) -> Result<Option<u32>, Error> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(cluster).into_iter().flatten();
            if entries.next().is_some() {
                return Err(Error::NotACluster(cluster.to_owned()));
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
    .doing(|| format!("read {}", path.display()))
}

/// Creates the data in a folder aside and moves it into place when it is complete, so that a
/// half-made one is never mistaken for data.
pub(super) fn create(
    home: &Home,
    binaries: &Binaries,
    account: Account,
    durable: bool,
) -> Result<(), Error> {
    remove_half_made(&home.server());
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let name = format!("{HALF_MADE}-{}-{since_epoch}", std::process::id());
    let new = home.server().join(name);
    let log = home.log();
    let said_before = length(&log);
    let mut arguments: Vec<OsString> = vec!["-D".into(), new.clone().into()];
    // Text sorts by code point and knows upper case beyond ASCII, the same on every machine.
    arguments.extend(
        [
            "--encoding=UTF8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
            "--data-checksums",
        ]
        .map(OsString::from),
    );
    // Nobody but the account and root gets to the socket: see `Account::private_folder`.
    arguments.extend(["-U", NAME, "--auth=trust", "--no-instructions"].map(OsString::from));
    if !durable {
        arguments.push("--no-sync".into());
    }
    let mut initdb = guard::start(binaries, account, &log, "initdb", &arguments)?;
    let ended = initdb.guard.wait().doing(|| "wait for initdb".to_owned())?;
    drop(initdb.leash);
    if !ended.success() {
        return Err(Error::NotCreated {
            dir: home.server(),
            output: tail(&log, said_before),
        });
    }
    fs::rename(&new, home.cluster())
        .and_then(|()| File::open(home.server())?.sync_all())
        .doing(|| format!("move the new data to {}", home.cluster().display()))
}

fn remove_half_made(server: &Path) {
    let entries = fs::read_dir(server).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let half_made = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with(HALF_MADE));
        if half_made && let Err(error) = fs::remove_dir_all(&path) {
            // An initdb that is being ended may still write; the next start tries again.
            tracing::warn!(path = %path.display(), %error, "a half-made database can't be removed");
        }
    }
}

/// Waits `patience` for a server that still runs on this data, and then ends it.
pub(super) fn end_server(
    cluster: &Path,
    account: Account,
    patience: Duration,
) -> Result<(), Error> {
    // Postgres knows these as: disconnect everybody, recover later, no more of this.
    let mut signals = [("INT", 0), ("QUIT", 30), ("KILL", 40)]
        .into_iter()
        .peekable();
    let since = Instant::now();
    while let Some(pid) = running_server(cluster) {
        let due =
            |(_, after): &(&str, u64)| since.elapsed() >= patience + Duration::from_secs(*after);
        if let Some((signal, _)) = signals.next_if(due) {
            account.signal(signal, pid);
        }
        if since.elapsed() > patience + Duration::from_secs(50) {
            return Err(Error::StillRunning {
                pid,
                cluster: cluster.to_owned(),
            });
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Removes what names a server that no longer runs. Its process id may be that of another
/// process by now, which Postgres itself would take for a server and refuse to start.
pub(super) fn remove_traces(cluster: &Path, socket_folder: &Path) {
    if !Path::new("/proc/self").exists() {
        return; // We can't tell who is who; Postgres then decides by itself.
    }
    let traces = [
        cluster.join("postmaster.pid"),
        socket_folder.join(".s.PGSQL.5432.lock"),
        socket_folder.join(".s.PGSQL.5432"),
    ];
    for trace in traces {
        let _none_left = fs::remove_file(trace);
    }
}

/// The server that runs on this data.
pub(super) fn running_server(cluster: &Path) -> Option<u32> {
    let written = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = written.lines().next()?.trim().parse().ok()?;
    let command_line = fs::read(PathBuf::from(format!("/proc/{pid}/cmdline"))).ok()?;
    is_server_of(&command_line, cluster).then_some(pid)
}

fn is_server_of(command_line: &[u8], cluster: &Path) -> bool {
    let mut words = command_line.split(|&byte| byte == 0);
    let is_postgres = words
        .next()
        .is_some_and(|program| program.ends_with(b"postgres"));
    is_postgres && words.any(|word| word == cluster.as_os_str().as_encoded_bytes())
}

/// How long a log is, to tell later what was added.
pub(super) fn length(log: &Path) -> u64 {
    fs::metadata(log)
        .map(|found| found.len())
        .unwrap_or_default()
}

/// The last lines of what was added to a log.
pub(super) fn tail(log: &Path, since: u64) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(since))?;
        file.take(1_000_000).read_to_end(&mut text)
    });
    if let Err(error) = read {
        return format!("(the log can't be read: {error})");
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(15)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_postgres_on_this_very_data_is_our_server() {
        let cluster = Path::new("/d/server/cluster");
        let is = |line: &[u8]| is_server_of(line, cluster);
        assert!(is(
            b"/usr/lib/postgresql/15/bin/postgres\0-D\0/d/server/cluster\0"
        ));
        assert!(!is(
            b"/usr/lib/postgresql/15/bin/postgres\0-D\0/e/server/cluster\0"
        ));
        assert!(!is(b"/bin/sh\0-c\0...\0postgres\0-D\0/d/server/cluster\0"));
        assert!(!is(b""));
    }
}
