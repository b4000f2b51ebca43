//! A socket between the service and Postgres that counts what the service asks, and how often it waits for answers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub struct Relay {
    /// The address of the same database, by way of the relay.
    pub url: String,
    counts: Arc<Counts>,
    folder: PathBuf,
}

#[derive(Default)]
struct Counts {
    asked: AtomicUsize,
    round_trips: AtomicUsize,
}

impl Relay {
    pub fn to(url: &str) -> Self {
        Self::with(url, Duration::ZERO)
    }

    /// Answers take so long to come: all that the service asks meanwhile is of the same round trip.
    pub fn with(url: &str, delay: Duration) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (user, rest) = url
            .strip_prefix("postgres://")
            .unwrap()
            .split_once('@')
            .unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let socket = ".s.PGSQL.5432";
        let target = PathBuf::from(host.replace("%2F", "/").replace("%2f", "/")).join(socket);
        let folder = std::env::temp_dir().join(format!("relay-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(socket)).unwrap();
        let counts: Arc<Counts> = Arc::default();
        let kept = Arc::clone(&counts);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&target)) else {
                    return;
                };
                let (one, other) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let waits: Arc<AtomicBool> = Arc::default();
                let (counts, waiting) = (Arc::clone(&kept), Arc::clone(&waits));
                pass_on(one, other, move || {
                    counts.asked.fetch_add(1, Ordering::Relaxed);
                    waiting.store(true, Ordering::Relaxed);
                });
                let counts = Arc::clone(&kept);
                pass_on(server, client, move || {
                    std::thread::sleep(delay);
                    if waits.swap(false, Ordering::Relaxed) {
                        counts.round_trips.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let host = folder.to_str().unwrap().replace('/', "%2F");
        Self {
            url: format!("postgres://{user}@{host}/{database}"),
            counts,
            folder,
        }
    }

    /// How often the service said something to Postgres so far.
    pub fn asked(&self) -> usize {
        self.counts.asked.load(Ordering::Relaxed)
    }

    /// How often the service has asked and waited for what came of it.
    pub fn round_trips(&self) -> usize {
        self.counts.round_trips.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Passes on what comes, after what is to be done each time.
fn pass_on(mut from: UnixStream, mut to: UnixStream, before: impl Fn() + Send + 'static) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            before();
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
