//! The HTTP layer on a port of its own, for as long as the value lives.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::web;
use engagement_desk::clock::Clock;
use engagement_desk::domain::actor::Caller;
use engagement_desk::domain::actor::Role;
use engagement_desk::http::auth::Authenticator;
use engagement_desk::http::codes::Code;
use engagement_desk::http::connections::Limits;
use engagement_desk::http::health::Readiness;
use engagement_desk::http::problem::Problem;
use engagement_desk::http::quotas::QuotaLimits;
use engagement_desk::http::{Http, server};
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::client::{Answer, Connection, send};
use super::endpoints::{self, Turnstile};

/// Knows one token, `good`, and a day on which the database is down: `down`.
struct Tokens;

impl Authenticator for Tokens {
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Caller, Problem>> {
        Box::pin(async move {
            match token {
                "good" => Ok(Caller {
                    subject: String::from("tester"),
                    name: String::from("Tester"),
                    role: Role::Viewer,
                    relationship: None,
                    desks: Vec::new(),
                    partners: Vec::new(),
                    scopes: None,
                    key_id: String::from("key"),
                }),
                "bomb" => panic!("a secret of the inside"),
                "down" => Err(Problem::new(Code::DatabaseUnavailable)),
                other => Err(Problem::unauthenticated().detail(format!("{other} is not known"))),
            }
        })
    }
}

struct Ready(bool);

impl Readiness for Ready {
    fn check(&self) -> LocalBoxFuture<'_, Result<(), Problem>> {
        Box::pin(async move {
            if self.0 {
                Ok(())
            } else {
                Err(Problem::new(Code::DatabaseUnavailable))
            }
        })
    }
}

pub struct TestServer {
    pub address: SocketAddr,
    pub turnstile: Turnstile,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Limits that no test reaches unless it wants to.
pub fn limits() -> Limits {
    Limits {
        workers: 1,
        drain_delay: Duration::ZERO,
        drain: Duration::from_secs(5),
        quotas: QuotaLimits::OFF,
        ..Limits::default()
    }
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(limits(), true)
    }

    pub fn with_limits(limits: Limits) -> Self {
        Self::with(limits, true)
    }

    pub fn not_ready() -> Self {
        Self::with(limits(), false)
    }

    fn with(limits: Limits, ready: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let turnstile = Turnstile::default();
        let data = turnstile.clone();
        let http = Http::new(
            limits,
            Clock::real(),
            Arc::new(Tokens),
            Arc::new(Ready(ready)),
        )
        .with_routes(endpoints::routes)
        .with_data(move |config| {
            config.app_data(web::Data::new(data.clone()));
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listening = server::listen(http, listener).unwrap();
                let signal = async move {
                    let _ = stopped.await;
                };
                listening.run_until(signal).await.unwrap();
            });
        });
        Self {
            address,
            turnstile,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// Sends a request on a connection of its own.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        send(self.address, method, path, headers, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Sends as the caller that is known.
    pub fn send_known(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let headers = [&[("Authorization", "Bearer good")], headers].concat();
        self.send(method, path, &headers, body)
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send_known("POST", path, &[("Content-Type", "application/json")], body)
    }

    /// Tells the server to stop, as a signal would.
    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub fn wait_until_stopped(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.turnstile.open();
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            if !std::thread::panicking() {
                joined.unwrap();
            }
        }
    }
}
