//! Sockets, workers, and the way down.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};

use super::Http;
use super::connections::Guard;

/// A server that has begun to listen. It answers while [`run_until`](Self::run_until) is awaited.
pub struct Listening {
    server: Server,
    http: Http,
}

/// Starts to serve on a listener: `TcpListener::bind("127.0.0.1:0")` for a port of the system's
/// choice. Has to be called inside a Tokio runtime.
pub fn listen(http: Http, listener: TcpListener) -> io::Result<Listening> {
    let limits = &http.limits;
    let guard = Guard::default();
    let pause = (limits.idle / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
    guard.sweep_every(pause, limits.idle)?;
    let app = http.clone();
    let server = HttpServer::new(move || app.app())
        .workers(limits.workers)
        .max_connections(limits.connections_per_worker)
        .client_request_timeout(limits.head)
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(limits.keep_alive)
        .tcp_nodelay(true)
        .shutdown_timeout(limits.drain.as_secs())
        .on_connect(move |stream, data| guard.watch(stream, data))
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(Listening { server, http })
}

impl Listening {
    /// Stops the server from elsewhere, without the delay of a shutdown in service.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until `signal` is done, then goes down in order: readiness fails, so that no new
    /// traffic is sent here; after a delay the listener closes and who waits for news is sent home;
    /// running requests finish, or are cut off when their time is over.
    pub async fn run_until(self, signal: impl Future<Output = ()>) -> io::Result<()> {
        let Self { server, http } = self;
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
        let (_, ended) = tokio::join!(handle.stop(true), serving);
        ended
    }
}

/// Done when the process is asked to stop, by SIGTERM or SIGINT.
pub async fn asked_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
