//! The program itself, as a process: started, watched and killed.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::app::Client;

/// Longer than any start takes, even of a Postgres that recovers on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, with no settings of the environment the tests run in.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engagement-desk"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("ED_")
            || ["DATABASE_URL", "DATABASE_READ_URL", "RUST_LOG"].contains(&&*name)
        {
            command.env_remove(&*name);
        }
    }
    command.env("ED_WORKERS", "1");
    // Tests write faster than any one caller should.
    for quota in ["REQUESTS", "WRITES", "CONCURRENT", "FAILED_AUTHENTICATIONS"] {
        command.env(format!("ED_QUOTA_{quota}"), "off");
    }
    command
}

/// Runs a command of the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// What a command that has to succeed says.
pub fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that has to fail complains of.
pub fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A folder of its own for data, removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("service-{}-{count}", std::process::id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    pub fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // What a failed test left is worth a look.
        }
        // The Postgres of a service that was killed may still be going down in it.
        let deadline = Instant::now() + PATIENCE;
        while self.0.exists() && Instant::now() < deadline {
            if std::fs::remove_dir_all(&self.0).is_err() {
                std::thread::sleep(Duration::from_millis(5)); // between tries, not instead of one
            }
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A running service, killed with its private Postgres when it is dropped.
pub struct Service {
    process: Child,
    out: Lines,
    log: Lines,
    pub address: String,
}

impl Service {
    /// Starts it with these arguments after `serve`, and waits until it serves.
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(arguments).serving()
    }

    /// Starts it on a port of its choice and a private Postgres.
    pub fn private(folder: &Folder) -> Self {
        Self::start(&["--listen", "127.0.0.1:0", "--data-dir", folder.text()])
    }

    /// Starts it and waits for nothing.
    pub fn spawn(arguments: &[&str]) -> Self {
        let mut process = program()
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            out: Lines::of(process.stdout.take().unwrap()),
            log: Lines::of(process.stderr.take().unwrap()),
            process,
            address: String::new(),
        }
    }

    /// Waits until it serves.
    pub fn serving(mut self) -> Self {
        let line = self.logged_line(|line| line["message"] == "serving");
        self.address = line["address"].as_str().unwrap().to_owned();
        self
    }

    /// Waits for a line with this in it.
    pub fn wait_until_printed(&self, part: &str) {
        let found = self.out.wait_for(|line| line.contains(part).then_some(()));
        assert!(found.is_some(), "not printed: {part}: {}", self.printed());
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        self.out.so_far().join("\n")
    }

    /// The first line of its log of which this is true.
    pub fn logged_line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let line = self.log.wait_for(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            is_it(&line).then_some(line)
        });
        line.unwrap_or_else(|| panic!("not logged: {:?}", self.log.so_far()))
    }

    /// What it has logged so far.
    pub fn logged(&self) -> String {
        self.log.so_far().join("\n")
    }

    /// The key that the first start prints for the role.
    pub fn key(&self, role: &str) -> String {
        let key = self.out.wait_for(|line| {
            let (name, key) = line.trim().split_once(' ')?;
            (name == role).then(|| key.trim().to_owned())
        });
        key.unwrap_or_else(|| panic!("no key for {role}: {}", self.printed()))
    }

    /// A client with that key.
    pub fn client(&self, token: &str) -> Client {
        Client {
            address: self.address.parse().unwrap(),
            token: token.to_owned(),
            key_id: String::new(),
        }
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop, and gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        signal("-TERM", self.process.id());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _reaped_already = self.process.wait();
        if std::thread::panicking() {
            eprintln!("its log:\n{}", self.log.so_far().join("\n"));
        }
    }
}

/// The process id of the Postgres in a data folder.
pub fn postgres_in(folder: &Folder) -> u32 {
    let file = std::fs::read_to_string(folder.0.join("server/cluster/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

pub fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// The lines of a stream as they come.
struct Lines(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let shared: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        let its = Arc::clone(&shared);
        std::thread::spawn(move || {
            let (read, came) = &*its;
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                read.lock().unwrap().lines.push(line);
                came.notify_all();
            }
            read.lock().unwrap().ended = true;
            came.notify_all();
        });
        Self(shared)
    }

    fn so_far(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// What is found in the first line in which something is; `None` where the stream ends before.
    fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (read, came) = &*self.0;
        let deadline = Instant::now() + PATIENCE;
        let mut read = read.lock().unwrap();
        loop {
            if let Some(found) = read.lines.iter().find_map(|line| find(line)) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if read.ended || left.is_zero() {
                return None;
            }
            read = came.wait_timeout(read, left).unwrap().0;
        }
    }
}
