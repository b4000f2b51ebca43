//! A Postgres of a test's own, and a hot standby that follows it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engagement_desk::embedded::{PrivatePostgres, Settings};

use super::db::query;
use super::service::Folder;

/// Longer than anything takes here, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const DATABASE: &str = "engagement_desk";

/// A primary with default durability, for as long as this lives.
pub struct Primary {
    pub url: String,
    // In this order: the server ends before its folder goes.
    _server: PrivatePostgres,
    _folder: Folder,
}

impl Primary {
    pub fn start() -> Self {
        let folder = Folder::new();
        let server = PrivatePostgres::start(&Settings {
            data_dir: folder.0.clone(),
            binaries: None,
            durable: true,
        })
        .unwrap();
        Self {
            url: server.url(DATABASE),
            _server: server,
            _folder: folder,
        }
    }

    pub fn query(&self, sql: &str) -> Vec<String> {
        query(&self.url, sql).unwrap()
    }
}

/// A hot standby. It ends with this, or with the process of the tests.
pub struct Standby {
    pub url: String,
    server: Child,
    folder: PathBuf,
}

impl Standby {
    /// Copies the primary and follows it; further settings are for the standby alone.
    pub fn of(primary: &Primary, settings: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let programs = primary.query("select setting from pg_config where name = 'BINDIR'");
        let programs = Path::new(&programs[0]);
        let (user, _) = primary
            .url
            .strip_prefix("postgres://")
            .unwrap()
            .split_once('@')
            .unwrap();
        // Postgres refuses to run as root, so the standby runs as who has the primary's data.
        let data = primary.query("select current_setting('data_directory')");
        let owner = fs::metadata(&data[0]).unwrap();
        // The way to a socket has to be short.
        let folder = std::env::temp_dir().join(format!("standby-{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let is_root = fs::metadata(&folder).unwrap().uid() == 0;
        if is_root {
            chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(program);
            command.current_dir("/").env("LC_ALL", "C");
            if is_root {
                command.uid(owner.uid()).gid(owner.gid());
            }
            command
        };
        let copied = command(programs.join("pg_basebackup").to_str().unwrap())
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--dbname", &primary.url, "--write-recovery-conf"])
            .args([
                "--checkpoint",
                "fast",
                "--no-sync",
                "--wal-method",
                "stream",
            ])
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        chown(folder.join("log"), Some(owner.uid()), Some(owner.gid())).unwrap();
        drop(log);
        let socket = format!("unix_socket_directories={}", folder.display());
        let own = [
            "port=5432",
            "listen_addresses=",
            "fsync=off",
            "hot_standby=on",
            &socket,
        ];
        let server = command("/bin/sh")
            .args([
                "-c",
                include_str!("../../../src/embedded/guard.sh"),
                "standby",
            ])
            .arg(folder.join("log"))
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .args(
                own.iter()
                    .chain(settings)
                    .flat_map(|setting| ["-c", setting]),
            )
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let host = folder.to_str().unwrap().replace('/', "%2F");
        let standby = Self {
            url: format!("postgres://{user}@{host}/{DATABASE}"),
            server,
            folder,
        };
        standby.wait_until(|standby| query(&standby.url, "select 1").is_ok());
        standby
    }

    pub fn query(&self, sql: &str) -> Vec<String> {
        query(&self.url, sql).unwrap()
    }

    /// Tries until it is so.
    pub fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "it is not so: {}", log());
            std::thread::sleep(Duration::from_millis(5)); // between tries, not instead of one
        }
    }

    /// Ends it, and waits until it is gone.
    pub fn stop(&mut self) {
        drop(self.server.stdin.take());
        self.server.wait().unwrap();
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.stop();
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}
