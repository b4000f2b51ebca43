//! Limits, and what keeps slow or too many clients from hurting the others.
//!
//! actix-web times only the head of a connection's *first* request. A client that dribbles its
//! second head, or never reads its answers, would hold a connection for ever. So every connection
//! counts its running requests, and a sweeper thread shuts the socket of one on which nothing has
//! run for a while.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use super::quotas::QuotaLimits;

/// How much, how many and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that answer requests.
    pub workers: usize,
    /// Open connections per worker; more wait in the backlog.
    pub connections_per_worker: usize,
    /// Requests of known callers that run at once; more are answered `OVERLOADED`.
    pub requests_in_flight: usize,
    /// Long polls that wait at once, besides those.
    pub long_polls: usize,
    /// What one caller may use.
    pub quotas: QuotaLimits,
    /// Time for the first head of a connection.
    pub head: Duration,
    /// Time a kept-alive connection waits for its next request.
    pub keep_alive: Duration,
    /// Time a connection may be open with no request running.
    pub idle: Duration,
    /// Time for a body to be complete.
    pub body: Duration,
    /// Time for an answer to a safe method.
    pub read: Duration,
    /// Time for an answer to any other method.
    pub write: Duration,
    /// Time between signs of life on a stream that has nothing to say.
    pub heartbeat: Duration,
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Bytes of path and query string.
    pub uri_bytes: usize,
    /// Time between failing readiness and refusing connections, at a shutdown.
    pub drain_delay: Duration,
    /// Time for running requests to finish, at a shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            connections_per_worker: 4_096,
            requests_in_flight: 1_024,
            long_polls: 2_000,
            quotas: QuotaLimits::default(),
            head: Duration::from_secs(5),
            keep_alive: Duration::from_secs(5),
            idle: Duration::from_secs(8),
            body: Duration::from_secs(10),
            read: Duration::from_secs(10),
            write: Duration::from_secs(15),
            heartbeat: Duration::from_secs(15),
            json_bytes: 64 * 1024,
            uri_bytes: 8 * 1024,
            drain_delay: Duration::from_secs(5),
            drain: Duration::from_secs(25),
        }
    }
}

/// Connections per worker for which the process may open files enough: two each, since the sweeper
/// has its own hold on the socket, besides those of the database and of the rest.
pub fn connections_that_fit(workers: usize, database_connections: usize) -> usize {
    let rest = 64 + workers * 8 + database_connections;
    (open_files().saturating_sub(rest) / 2 / workers.max(1)).max(1)
}

/// How many files the process may have open; plenty where the system does not say.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(1_000_000)
}

/// A count of what is running, given back when dropped.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<AtomicUsize>);

impl Load {
    /// Takes a place, unless all are taken.
    pub fn enter(&self, places: usize) -> Option<Running> {
        let place = Running(Arc::clone(&self.0));
        (self.0.fetch_add(1, Ordering::Relaxed) < places).then_some(place)
    }
}

/// One running request.
#[derive(Debug)]
pub struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One open connection.
#[derive(Debug)]
struct Connection {
    socket: std::net::TcpStream,
    running: AtomicUsize,
    /// Milliseconds after `opened` at which nothing was running any more.
    rested: AtomicU64,
    opened: Instant,
}

impl Connection {
    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn idles_longer_than(&self, limit: Duration) -> bool {
        let idle = self
            .age()
            .saturating_sub(self.rested.load(Ordering::Acquire));
        self.running.load(Ordering::Acquire) == 0 && u128::from(idle) > limit.as_millis()
    }
}

/// Keeps a connection from counting as idle. Every request holds one until its answer is made; a
/// handler that streams its answer [takes one](hold) along into the stream.
#[derive(Debug)]
pub struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.rested.store(self.0.age(), Ordering::Release);
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Marks the connection of this request as busy for as long as the result lives.
pub fn hold(request: &HttpRequest) -> Option<Busy> {
    let connection = request.conn_data::<Arc<Connection>>()?;
    connection.running.fetch_add(1, Ordering::AcqRel);
    Some(Busy(Arc::clone(connection)))
}

/// Watches the connections of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    connections: Mutex<Vec<Weak<Connection>>>,
    closing: AtomicBool,
}

impl Guard {
    /// Watches a new connection, and lets its requests find it.
    pub fn watch(&self, stream: &TcpStream, data: &mut Extensions) {
        let Ok(socket) = stream.as_fd().try_clone_to_owned() else {
            return; // out of descriptors: actix's own limits have to do for this one
        };
        let connection = Arc::new(Connection {
            socket: socket.into(),
            running: AtomicUsize::new(0),
            rested: AtomicU64::new(0),
            opened: Instant::now(),
        });
        self.0.list().push(Arc::downgrade(&connection));
        data.insert(connection);
    }

    /// From now on nothing more is read from a connection on which nothing runs, so that it closes
    /// as soon as its last answer is written.
    pub fn close_idle(&self) {
        self.0.closing.store(true, Ordering::Relaxed);
        self.0.sweep(Duration::ZERO, Shutdown::Read);
    }

    /// Starts the sweeper; it ends when the last clone of the guard is gone.
    pub fn sweep_every(&self, pause: Duration, idle: Duration) -> std::io::Result<()> {
        let watched = Arc::downgrade(&self.0);
        std::thread::Builder::new()
            .name("connection-sweeper".into())
            .spawn(move || {
                while let Some(watched) = watched.upgrade() {
                    if watched.closing.load(Ordering::Relaxed) {
                        watched.sweep(Duration::ZERO, Shutdown::Read);
                    }
                    watched.sweep(idle, Shutdown::Both);
                    drop(watched);
                    std::thread::sleep(pause);
                }
            })?;
        Ok(())
    }
}

impl Watched {
    fn list(&self) -> MutexGuard<'_, Vec<Weak<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shuts down connections on which nothing has run for longer than that.
    fn sweep(&self, idle: Duration, how: Shutdown) {
        self.list().retain(|connection| match connection.upgrade() {
            Some(connection) => {
                if connection.idles_longer_than(idle) {
                    // An error means that it is closed already.
                    let _ = connection.socket.shutdown(how);
                }
                true
            }
            None => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let load = Load::default();
        let first = load.enter(1);
        assert!(first.is_some());
        assert!(load.enter(1).is_none());
        drop(first);
        assert!(load.enter(1).is_some());
    }
}
