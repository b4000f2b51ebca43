//! A socket between the service and Postgres that counts what the service asks.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Relay {
    /// The address of the same database, by way of the relay.
    pub url: String,
    asked: Arc<AtomicUsize>,
    folder: PathBuf,
}

impl Relay {
    pub fn to(url: &str) -> Self {
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
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&target)) else {
                    return;
                };
                let none = Arc::new(AtomicUsize::new(0));
                pass_on(
                    client.try_clone().unwrap(),
                    server.try_clone().unwrap(),
                    Arc::clone(&count),
                );
                pass_on(server, client, none);
            }
        });
        let host = folder.to_str().unwrap().replace('/', "%2F");
        Self {
            url: format!("postgres://{user}@{host}/{database}"),
            asked,
            folder,
        }
    }

    /// How often the service said something to Postgres so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream, count: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            count.fetch_add(1, Ordering::Relaxed);
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
