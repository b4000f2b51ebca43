//! HTTP: everything between a socket and the domain.
//!
//! One endpoint is one file: its request and response types, its documentation and its handler.
//! [`routes()`] lists them all; routes and OpenAPI document both come from that list.
//!
//! ```text
//! /// Create a note.                                   (summary and description of the operation)
//! #[utoipa::path(post, path = "/v1/notes", tag = "notes", request_body = NewNote,
//!     responses((status = 201, description = "The note.", body = Note)))]
//! async fn create(caller: Authenticated, body: JsonBody<NewNote>) -> Result<HttpResponse, Problem> { … }
//!
//! /// The endpoint.
//! pub fn endpoint() -> Endpoint {
//!     Endpoint::caller(__path_create, create).problems(&[Code::ActionForbidden])
//! }
//! ```
//!
//! What follows from the shape of an endpoint, such as 401 for one with a caller or 413 for one with
//! a body, is refused and documented without being asked for.

pub mod answer;
pub mod audit;
pub mod auth;
pub mod body;
pub mod catalogue;
pub mod checks;
pub mod codes;
pub mod connections;
pub mod context;
pub mod docs;
pub mod etag;
pub mod feed;
pub mod health;
pub mod held;
pub mod hooks;
pub mod idempotency;
pub mod keys;
pub mod me;
mod moment;
pub mod openapi;
mod origin;
pub mod page;
pub mod parse;
pub mod path;
pub mod problem;
pub mod proxies;
pub mod query;
pub mod quotas;
pub mod refusal;
pub mod requests;
pub mod routes;
pub mod server;
pub mod time_entries;
pub mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpRequest, HttpResponse, web};
use tokio::sync::watch;

use self::auth::Authenticator;
use self::connections::{Limits, Load};
use self::health::Readiness;
use self::problem::Problem;
use self::proxies::TrustedProxies;
use self::quotas::Quotas;
use self::requests::list::ListPage;
use self::routes::Routes;
use crate::alike::Alike;
use crate::clock::Clock;

/// Every endpoint of the service.
pub fn routes() -> Routes {
    Routes::new()
        .add(catalogue::endpoint())
        .add(checks::endpoint())
        .add(requests::create::endpoint())
        .add(requests::list::endpoint())
        .add(requests::show::endpoint())
        .add(requests::revise::endpoint())
        .add(requests::act::endpoint())
        .add(requests::history::endpoint())
        .add(time_entries::create::endpoint())
        .add(time_entries::list::endpoint())
        .add(feed::list::endpoint())
        .add(me::endpoint())
        .add(keys::create::endpoint())
        .add(keys::list::endpoint())
        .add(keys::show::endpoint())
        .add(keys::revoke::endpoint())
        .add(audit::endpoint())
        .add(health::live::endpoint())
        .add(health::ready::endpoint())
        .add(openapi::endpoint())
        .add(docs::index())
        .add(docs::assets())
        .add(docs::errors())
        .add(docs::error())
}

/// What the HTTP layer is given, and what it keeps. Clones share all of it.
#[derive(Clone)]
pub struct Http {
    limits: Limits,
    clock: Clock,
    authenticator: Arc<dyn Authenticator>,
    readiness: Arc<dyn Readiness>,
    routes: fn() -> Routes,
    data: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
    load: Load,
    waiting: Load,
    quotas: Arc<Quotas>,
    lists: Arc<Alike<String, ListPage>>,
    proxies: Arc<TrustedProxies>,
    stopping: Arc<AtomicBool>,
    draining: Arc<watch::Sender<bool>>,
}

impl Http {
    /// Serves [`routes()`].
    pub fn new(
        limits: Limits,
        clock: Clock,
        authenticator: Arc<dyn Authenticator>,
        readiness: Arc<dyn Readiness>,
    ) -> Self {
        let quotas = Arc::new(Quotas::new(limits.quotas));
        Self {
            limits,
            clock,
            authenticator,
            readiness,
            routes,
            data: Arc::new(|_| {}),
            load: Load::default(),
            waiting: Load::default(),
            quotas,
            lists: Arc::default(),
            proxies: Arc::default(),
            stopping: Arc::default(),
            draining: Arc::default(),
        }
    }

    /// Gives the handlers what they need: `|config| { config.app_data(web::Data::new(store)); }`.
    #[must_use]
    pub fn with_data(
        mut self,
        data: impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static,
    ) -> Self {
        self.data = Arc::new(data);
        self
    }

    /// Takes the word of these proxies on where a request comes from.
    #[must_use]
    pub fn behind(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Arc::new(proxies);
        self
    }

    /// Serves other routes: for tests.
    #[must_use]
    pub fn with_routes(mut self, routes: fn() -> Routes) -> Self {
        self.routes = routes;
        self
    }

    /// One worker's application: the whole service, as `main` and the tests run it.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let clock = self.clock.clone();
        App::new()
            .app_data(web::Data::new(self.clone()))
            .configure(|config| (self.data)(config))
            .configure(|config| (self.routes)().mount(config))
            .default_service(web::to(nothing_here))
            .wrap(from_fn(move |request, next| {
                context::answer(clock.clone(), request, next)
            }))
    }

    fn of(request: &HttpRequest) -> Result<&Self, Problem> {
        match request.app_data::<web::Data<Self>>() {
            Some(http) => Ok(http),
            None => Err(Problem::internal(&"the HTTP layer is not mounted")),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Done when the service goes down and nobody may be kept waiting any longer.
    async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives as long as `self`, so this ends in no other way.
        let _ = draining.wait_for(|draining| *draining).await;
    }
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}
