//! Sockets, workers, and the way down.
//!
//! actix-web's own `HttpServer` would do, but for one thing: a connection that a client resets is over
//! at once, and the worker that has no connection left stops, and with it the write that still runs
//! for that client. Here a connection is over when all work for it is.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{Service, apply_fn_factory, map_config};
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::rt::net::TcpStream;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Http;
use super::connections::Guard;
use super::held::Work;

/// Connections that wait to be accepted; the system may have fewer.
const BACKLOG: u32 = 1_024;

/// A server that has begun to listen. It answers while [`run_until`](Self::run_until) is awaited.
pub struct Listening {
    server: Server,
    http: Http,
    guard: Guard,
}

/// Starts to serve on a listener: `TcpListener::bind("127.0.0.1:0")` for a port of the system's
/// choice. Has to be called inside a Tokio runtime.
pub fn listen(http: Http, listener: TcpListener) -> io::Result<Listening> {
    let limits = http.limits.clone();
    let guard = Guard::default();
    let pause = (limits.idle / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
    guard.sweep_every(pause, limits.idle)?;
    let (app, watching) = (http.clone(), guard.clone());
    let server = Server::build()
        .workers(limits.workers)
        .max_concurrent_connections(limits.connections_per_worker)
        .backlog(BACKLOG)
        .shutdown_timeout(limits.drain.as_secs())
        .disable_signals()
        .listen("http", listener, move || {
            let guard = watching.clone();
            let service = HttpService::build()
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(Duration::from_secs(1))
                .keep_alive(limits.keep_alive)
                .tcp_nodelay(true)
                .on_connect_ext(move |stream: &TcpStream, data| guard.watch(stream, data))
                .finish(map_config(app.app(), |()| AppConfig::default()))
                .tcp();
            apply_fn_factory(service, |stream: TcpStream, http| {
                Work::all_of(http.call(stream))
            })
        })?
        .run();
    Ok(Listening {
        server,
        http,
        guard,
    })
}

impl Listening {
    /// Stops the server from elsewhere, without the delay of a shutdown in service.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until `signal` is done, then goes down in order: readiness fails, so that no new
    /// traffic is sent here; after a delay the listener and idle connections close and who waits for
    /// news is sent home; running requests finish, also those whose clients went away, or are cut off
    /// when their time is over.
    pub async fn run_until(self, signal: impl Future<Output = ()>) -> io::Result<()> {
        let Self {
            server,
            http,
            guard,
        } = self;
        let handle = server.handle();
        let mut serving = std::pin::pin!(server);
        tokio::select! {
            ended = &mut serving => return ended,
            () = signal => {}
        }
        tracing::info!("stopping: readiness fails from now on");
        http.stopping.store(true, Ordering::Relaxed);
        tokio::select! {
            ended = &mut serving => return ended,
            () = tokio::time::sleep(http.limits.drain_delay) => {}
        }
        http.draining.send_replace(true);
        tracing::info!("stopping: no new connections, running requests finish");
        guard.close_idle();
        let (_, ended) = tokio::join!(handle.stop(true), serving);
        ended
    }
}

/// What asks the process to stop: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Receives them from now on, instead of being ended by them. Called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where they can't be received.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Done when one of them has come.
    pub async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
