//! The whole service on a port and a database of its own, with a clock that stands still.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::web;
use chrono::{DateTime, Utc};
use engagement_desk::app::App;
use engagement_desk::catalog::{self, Catalogue};
use engagement_desk::clock::Clock;
use engagement_desk::domain::actor::Role;
use engagement_desk::domain::facts::Relationship;
use engagement_desk::flows::audit;
use engagement_desk::flows::keys::{KeyInput, issue};
use engagement_desk::http::connections::Limits;
use engagement_desk::http::hooks::Hooks;
use engagement_desk::http::proxies::TrustedProxies;
use engagement_desk::http::{Http, server};
use engagement_desk::oidc::{Oidc, OidcSettings};
use engagement_desk::store::{PoolLimits, Store};
use engagement_desk::{tail, work};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::client::{Answer, Connection, send};
use super::db::TestDb;
use super::relay::Relay;
use super::server::limits;

/// When the tests take place, unless they move the clock.
pub const NOW: &str = "2026-11-22T10:00:00Z";

pub struct TestApp {
    pub address: SocketAddr,
    pub clock: Clock,
    pub app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    // Last, so that the server is gone before its database goes.
    pub db: Arc<TestDb>,
}

/// What a service is started with.
struct Setup {
    url: String,
    pool: PoolLimits,
    catalogue: Catalogue,
    limits: Limits,
    db: Arc<TestDb>,
    oidc: Option<OidcSettings>,
    proxies: TrustedProxies,
}

impl Setup {
    /// The usual, on this database.
    fn of(db: Arc<TestDb>) -> Self {
        Self {
            url: db.url.clone(),
            pool: PoolLimits::default(),
            catalogue: catalog::builtin().unwrap(),
            limits: limits(),
            db,
            oidc: None,
            proxies: TrustedProxies::default(),
        }
    }
}

impl TestApp {
    pub fn start() -> Self {
        Self::on(Setup::of(Arc::new(TestDb::fresh())))
    }

    /// The service with limits of one's own. Its statements wait for locks as long as it takes.
    pub fn with_limits(limits: Limits) -> Self {
        Self::with_pool(limits, PoolLimits::default())
    }

    pub fn with_pool(limits: Limits, pool: PoolLimits) -> Self {
        let db = Arc::new(TestDb::fresh());
        Self::on(Setup {
            url: db.patient_url(),
            pool,
            limits,
            ..Setup::of(db)
        })
    }

    pub fn with_catalogue(catalogue: Catalogue) -> Self {
        Self::with(catalogue, limits(), Arc::new(TestDb::fresh()))
    }

    /// Another instance of the service on the same database.
    pub fn beside(&self) -> Self {
        Self::on(Setup::of(Arc::clone(&self.db)))
    }

    /// A service that takes the word of this proxy on where requests come from.
    pub fn behind(proxy: &str, limits: Limits) -> Self {
        Self::on(Setup {
            limits,
            proxies: TrustedProxies::from(vec![proxy.parse().unwrap()]),
            ..Setup::of(Arc::new(TestDb::fresh()))
        })
    }

    /// A service that takes the access tokens of an issuer as well.
    pub fn with_oidc(settings: OidcSettings) -> Self {
        Self::on(Setup {
            oidc: Some(settings),
            ..Setup::of(Arc::new(TestDb::fresh()))
        })
    }

    /// A service that reaches its database by way of a relay.
    pub fn by_way_of(relay: &Relay, db: Arc<TestDb>) -> Self {
        Self::on(Setup {
            url: relay.url.clone(),
            ..Setup::of(db)
        })
    }

    pub fn with(catalogue: Catalogue, limits: Limits, db: Arc<TestDb>) -> Self {
        Self::on(Setup {
            catalogue,
            limits,
            ..Setup::of(db)
        })
    }

    fn on(setup: Setup) -> Self {
        let Setup {
            url,
            pool,
            catalogue,
            limits,
            db,
            oidc,
            proxies,
        } = setup;
        let clock = Clock::fixed(NOW.parse().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (send_app, app) = std::sync::mpsc::channel();
        let service_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let store = Store::with(&url, pool).unwrap();
                let app = App::start(store, Arc::new(catalogue), service_clock.clone());
                let app = Arc::new(app.await.unwrap());
                let oidc = oidc.map(|settings| {
                    Oidc::new(settings, Arc::clone(&app.catalogue), service_clock.clone())
                });
                let hooks = Arc::new(Hooks::new(Arc::clone(&app), oidc));
                let data = Arc::clone(&app);
                let http = Http::new(limits, service_clock, hooks.clone(), hooks)
                    .behind(proxies)
                    .with_data(move |config| {
                        data.store.open_lanes_here().unwrap();
                        config.app_data(web::Data::from(Arc::clone(&data)));
                    });
                let listening = server::listen(http, listener).unwrap();
                actix_web::rt::spawn(tail::run(Arc::clone(&app)));
                actix_web::rt::spawn(audit::run(Arc::clone(&app)));
                send_app.send(app).unwrap();
                let signal = async move {
                    let _ = stopped.await;
                };
                listening.run_until(signal).await.unwrap();
            });
        });
        let app = app.recv().unwrap();
        Self {
            address,
            clock,
            app,
            stop: Some(stop),
            thread: Some(thread),
            db,
        }
    }

    /// Tells the service to stop, as a signal would.
    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub fn wait_until_stopped(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }

    pub fn is_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub fn set_clock(&self, now: &str) {
        self.clock.set(now.parse::<DateTime<Utc>>().unwrap());
    }

    /// One round of the background work.
    pub fn work(&self) -> work::Report {
        let store = Store::new(&self.db.url, 1).unwrap();
        let catalogue = Arc::clone(&self.app.catalogue);
        let clock = self.clock.clone();
        Runtime::new().unwrap().block_on(async {
            let app = App::start(store, catalogue, clock).await.unwrap();
            work::run_once(&app).await.unwrap()
        })
    }

    /// A client with a key made for it, which knows its way past HTTP.
    pub fn db_client(&self, input: KeyInput) -> Client {
        let store = Store::new(&self.db.url, 1).unwrap();
        let now = self.clock.now();
        let made = Runtime::new()
            .unwrap()
            .block_on(issue(&store, input, "test", now));
        let (key, token) = made.unwrap();
        Client {
            address: self.address,
            token,
            key_id: key.id,
        }
    }

    /// A partner development manager who manages no partner.
    pub fn pdm(&self, email: &str) -> Client {
        self.requester(email, Relationship::Pdm, &[])
    }

    pub fn requester(&self, email: &str, relationship: Relationship, partners: &[&str]) -> Client {
        self.db_client(KeyInput {
            relationship: Some(relationship),
            partners: partners.iter().map(ToString::to_string).collect(),
            ..key(email, Role::Requester)
        })
    }

    pub fn member(&self, desk: &str) -> Client {
        self.of_desk(&format!("member@{desk}.example"), Role::DeskMember, desk)
    }

    pub fn lead(&self, desk: &str) -> Client {
        self.of_desk(&format!("lead@{desk}.example"), Role::DeskLead, desk)
    }

    pub fn of_desk(&self, email: &str, role: Role, desk: &str) -> Client {
        self.db_client(KeyInput {
            desks: vec![desk.to_owned()],
            ..key(email, role)
        })
    }

    pub fn viewer(&self) -> Client {
        self.db_client(key("dashboard", Role::Viewer))
    }

    pub fn integration(&self, name: &str) -> Client {
        self.db_client(key(name, Role::Integration))
    }

    pub fn admin(&self) -> Client {
        self.db_client(key("admin@example.com", Role::Admin))
    }
}

/// A key of that role with nothing else to it.
pub fn key(subject: &str, role: Role) -> KeyInput {
    KeyInput {
        subject: subject.to_owned(),
        name: format!("Name of {subject}"),
        role,
        relationship: None,
        desks: Vec::new(),
        partners: Vec::new(),
        scopes: None,
        lives_days: 30,
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            if !std::thread::panicking() {
                joined.unwrap();
            }
        }
    }
}

/// Somebody with a key.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub token: String,
    pub key_id: String,
}

impl Client {
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [&[("Authorization", bearer.as_str())], headers].concat();
        send(self.address, method, path, &headers, body)
    }

    /// The head of a JSON request, for a connection of one's own.
    pub fn head(&self, method: &str, path: &str, length: usize, more: &str) -> String {
        let token = &self.token;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    }

    /// Sends a request and does not wait for its answer.
    pub fn begin_post(&self, path: &str, more: &str, body: &Value) -> Connection {
        let body = body.to_string();
        let mut connection = Connection::open(self.address);
        connection.write(self.head("POST", path, body.len(), more) + &body);
        connection
    }

    /// Sends a read and does not wait for its answer.
    pub fn begin_get(&self, path: &str) -> Connection {
        let mut connection = Connection::open(self.address);
        connection.write(self.head("GET", path, 0, ""));
        connection
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body)
    }

    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        self.send("POST", path, &headers, body.to_string())
    }

    pub fn patch(&self, path: &str, if_match: &str, body: &Value) -> Answer {
        let headers = [
            ("Content-Type", "application/merge-patch+json"),
            ("If-Match", if_match),
        ];
        self.send("PATCH", path, &headers, body.to_string())
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    /// Creates a request that has to be accepted, and gives it back.
    pub fn create(&self, body: &Value) -> Value {
        let answer = self.post("/v1/requests", body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    /// Creates a request that the rules have to refuse, and gives it back as it is stored.
    pub fn refused(&self, body: &Value) -> Value {
        let answer = self.post("/v1/requests", body);
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert_eq!(answer.problem(), "INELIGIBLE");
        answer.json()["request"].clone()
    }

    /// Takes a step, whatever comes of it.
    pub fn step(&self, request: &Value, body: &Value) -> Answer {
        self.post(
            &format!(
                "/v1/requests/{}/transitions",
                request["id"].as_str().unwrap()
            ),
            body,
        )
    }

    /// Takes a step that has to succeed, and gives the request back.
    pub fn take(&self, request: &Value, body: &Value) -> Value {
        let answer = self.step(request, body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        answer.json()
    }
}

/// A request that every rule of `pad` passes.
pub fn session_at_pad() -> Value {
    json!({
        "desk": "pad", "service": "architecture_design_session", "motion": "sell_with",
        "title": "Landing zone for a retail bank", "solution_area": "infrastructure",
        "partner": { "mpn_id": "4567890", "name": "Contoso Consulting", "member": true },
        "customer": { "kind": "named", "name": "Fabrikam Bank", "consent": true },
        "estimated_hours": 400, "delivery": "remote"
    })
}

/// A request that every rule of `tpd` passes, but for the hours if there are too many.
pub fn consultation_at_tpd(hours: f64) -> Value {
    json!({
        "desk": "tpd", "service": "deployment_consultation", "motion": "build_with",
        "title": "Rollout of device management", "solution_area": "modern work",
        "partner": { "mpn_id": "4567890", "member": true, "partner_center_access": true },
        "customer": { "kind": "segment", "description": "Hospitals with mobile staff" },
        "estimated_hours": hours, "delivery": "remote"
    })
}

/// A partner's sales deal, which `gps` helps with three times per solution area.
pub fn deal_at_gps(customer: &str) -> Value {
    json!({
        "desk": "gps", "service": "sales_deal_enablement", "motion": "build_with",
        "title": format!("First deals: {customer}"), "solution_area": "security",
        "partner": { "mpn_id": "7654321", "member": true },
        "customer": { "kind": "named", "name": customer, "consent": true },
        "delivery": "remote"
    })
}
