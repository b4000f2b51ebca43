//! The registry: each endpoint is declared once and yields both its route and its documentation.
//!
//! ```text
//! 404/405 ─► gate: shed ─► authenticate ─► quota ─► scopes ─► 414 ─► no stray parameters ─► handler (extractors) ─► answer
//! ```

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{Handler, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError, Route,
    web,
};
use futures_util::FutureExt;
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn};
use utoipa::openapi::{RefOr, Schema};

use super::codes::Code;
use super::held::Held;
use super::problem::{Problem, allow};
use super::quotas::Use;
use super::{Http, auth, origin, query, wait};
use crate::domain::rights::Action;

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; never shed, so that health and documentation answer under load.
    Public,
    /// Authenticated callers.
    Caller,
}

/// What `#[utoipa::path]` makes of a handler: for `list`, the type `__path_list`.
pub trait Documented: utoipa::Path + SchemaReferences + Tags<'static> {}

impl<P: utoipa::Path + SchemaReferences + Tags<'static>> Documented for P {}

/// What the document says about an endpoint.
pub(super) struct Described {
    pub operation: fn() -> Operation,
    pub tags: fn() -> Vec<&'static str>,
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    pub problems: Vec<Code>,
}

/// One method of one path.
pub struct Endpoint {
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) access: Access,
    pub(super) described: Option<Described>,
    pub(super) stores_nothing: bool,
    pub(super) actions: &'static [Action],
    time_limit: Option<Duration>,
    long_poll: Option<Duration>,
    route: Box<dyn Fn() -> Route>,
}

impl Endpoint {
    /// An endpoint for authenticated callers. `P` is what `#[utoipa::path]` makes of the handler
    /// `list`: `__path_list`.
    pub fn caller<P, F, Args>(path: P, handler: F) -> Self
    where
        P: Documented,
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(path, Access::Caller, handler)
    }

    /// An endpoint for anybody.
    pub fn public<P, F, Args>(path: P, handler: F) -> Self
    where
        P: Documented,
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(path, Access::Public, handler)
    }

    /// A page for people: `GET`, public, and not part of the OpenAPI document.
    pub fn page<F, Args>(path: &str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self {
            path: path.to_owned(),
            method: Method::GET,
            access: Access::Public,
            described: None,
            stores_nothing: true,
            actions: &[],
            time_limit: None,
            long_poll: None,
            route: Box::new(move || web::to(handler.clone())),
        }
    }

    fn new<P, F, Args>(_: P, access: Access, handler: F) -> Self
    where
        P: Documented,
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let method = match P::methods().first() {
            None | Some(HttpMethod::Get) => Method::GET,
            Some(HttpMethod::Post) => Method::POST,
            Some(HttpMethod::Put) => Method::PUT,
            Some(HttpMethod::Patch) => Method::PATCH,
            Some(HttpMethod::Delete) => Method::DELETE,
            Some(HttpMethod::Options) => Method::OPTIONS,
            Some(HttpMethod::Head) => Method::HEAD,
            Some(HttpMethod::Trace) => Method::TRACE,
        };
        let stores_nothing = method.is_safe();
        Self {
            path: P::path(),
            method,
            access,
            described: Some(Described {
                operation: P::operation,
                tags: P::tags,
                schemas: <P as SchemaReferences>::schemas,
                problems: Vec::new(),
            }),
            stores_nothing,
            actions: &[],
            time_limit: None,
            long_poll: None,
            route: Box::new(move || web::to(handler.clone())),
        }
    }

    /// The refusals this endpoint makes, besides those that follow from its shape: an endpoint with
    /// a caller documents 401 and 503, one with a body 400, 408, 413, 415 and 422, one with
    /// variable parts in its path 404, by themselves.
    #[must_use]
    pub fn problems(mut self, codes: &[Code]) -> Self {
        if let Some(described) = &mut self.described {
            described.problems.extend(codes);
        }
        self
    }

    /// What it does on the caller's behalf. A key that is limited to other scopes is refused before anything
    /// is looked up or read; of these actions it needs those that its role would give it.
    #[must_use]
    pub fn does(mut self, actions: &'static [Action]) -> Self {
        self.actions = actions;
        self
    }

    /// Says that it stores nothing, although its method is not safe: it doesn't count as a write,
    /// and giving it up leaves no doubt.
    #[must_use]
    pub fn stores_nothing(mut self) -> Self {
        self.stores_nothing = true;
        self
    }

    /// Gives the handler this much time instead of what its method has.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// A request that asks to wait, by `Prefer: wait=…` or the parameter `wait`, has this much time
    /// and a place among the long polls instead of among the requests that keep the service busy.
    #[must_use]
    pub fn long_poll(mut self, limit: Duration) -> Self {
        self.long_poll = Some(limit);
        self
    }

    fn policy(&self) -> Policy {
        let operation = self
            .described
            .as_ref()
            .map(|described| (described.operation)());
        let takes_parameters = operation.as_ref().is_some_and(|operation| {
            let parameters = operation.parameters.as_deref().unwrap_or_default();
            parameters.iter().any(|parameter| match parameter {
                RefOr::T(parameter) => matches!(parameter.parameter_in, ParameterIn::Query),
                RefOr::Ref(_) => true,
            })
        });
        Policy {
            access: self.access,
            stores_nothing: self.stores_nothing,
            actions: self.actions,
            time_limit: self.time_limit,
            long_poll: self.long_poll,
            action: operation
                .filter(|_| !self.stores_nothing)
                .map(|operation| operation.operation_id.unwrap_or_default()),
            takes_parameters: takes_parameters || self.described.is_none(),
        }
    }
}

/// All endpoints of the service.
#[derive(Default)]
pub struct Routes {
    pub(super) endpoints: Vec<Endpoint>,
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an endpoint.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "a list that grows, not a sum"
    )]
    pub fn add(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Method, path and access of each endpoint, in the order they were added: for tests that cover
    /// them all.
    pub fn list(&self) -> impl Iterator<Item = (&Method, &str, Access)> {
        self.endpoints
            .iter()
            .map(|endpoint| (&endpoint.method, endpoint.path.as_str(), endpoint.access))
    }

    /// Mounts them: all methods of a path on one resource, `HEAD` wherever there is `GET`, and for
    /// any other method 405 with what is allowed.
    pub(super) fn mount(self, config: &mut web::ServiceConfig) {
        let mut paths: BTreeMap<Vec<(bool, String)>, Vec<Endpoint>> = BTreeMap::new();
        for endpoint in self.endpoints {
            paths
                .entry(literals_first(&endpoint.path))
                .or_default()
                .push(endpoint);
        }
        for endpoints in paths.into_values() {
            let Some(path) = endpoints.first().map(|endpoint| endpoint.path.clone()) else {
                continue;
            };
            let mut resource = web::resource(path);
            let mut allowed = Vec::new();
            for endpoint in endpoints {
                let policy = Rc::new(endpoint.policy());
                let mut methods = vec![endpoint.method.clone()];
                if endpoint.method == Method::GET {
                    methods.push(Method::HEAD);
                }
                for method in methods {
                    let policy = Rc::clone(&policy);
                    let route = (endpoint.route)().method(method.clone());
                    resource = resource.route(route.wrap(from_fn(move |request, next| {
                        gate(Rc::clone(&policy), request, next)
                    })));
                    allowed.push(method);
                }
            }
            allowed.push(Method::OPTIONS);
            let allowed: Rc<[Method]> = allowed.into();
            config.service(
                resource.default_service(web::to(move |request: HttpRequest| {
                    let answer = other_method(&request, &allowed);
                    async { answer }
                })),
            );
        }
    }
}

/// Sorts `/v1/requests/export` before `/v1/requests/{id}`: the first that matches is taken.
fn literals_first(path: &str) -> Vec<(bool, String)> {
    path.split('/')
        .map(|part| (part.starts_with('{'), part.to_owned()))
        .collect()
}

fn other_method(request: &HttpRequest, allowed: &[Method]) -> Result<HttpResponse, Problem> {
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::ALLOW, allow(allowed)))
            .finish());
    }
    Err(Problem::method_not_allowed(allowed))
}

/// What the gate asks of a request.
struct Policy {
    access: Access,
    stores_nothing: bool,
    actions: &'static [Action],
    time_limit: Option<Duration>,
    long_poll: Option<Duration>,
    /// The name of an operation that writes, for the audit trail.
    action: Option<String>,
    takes_parameters: bool,
}

/// Stands before every handler, and answers for it if it panics.
async fn gate(
    policy: Rc<Policy>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // The request is routed: only from here on may it be cloned.
    let kept = request.request().clone();
    let action = policy.action.as_deref();
    let origin = action.map(|action| origin::of(&request, action));
    let (held, answered) = match survive(admit(&policy, &kept)).await {
        Ok(held) => {
            let work = survive(pass(&policy, request, next));
            let work = origin::carried(origin.clone().unwrap_or_default(), work);
            (held.clone(), Held::over(held, work).await)
        }
        Err(problem) => (None, Err(problem)),
    };
    let (mut answer, refusal) = match answered {
        Ok(answer) => {
            let answer = answer?;
            let problem = answer
                .response()
                .error()
                .and_then(|error| error.as_error::<Problem>());
            let refusal = problem.map(Problem::code);
            (answer, refusal)
        }
        Err(problem) => {
            let refusal = Some(problem.code());
            (
                ServiceResponse::new(kept.clone(), problem.error_response()),
                refusal,
            )
        }
    };
    if let Some(origin) = &origin {
        origin::note(&kept, origin, answer.status(), refusal);
    }
    if let Some(held) = held {
        let not_modified = answer.status() == StatusCode::NOT_MODIFIED;
        let headers = answer.headers_mut();
        held.caller().settle(not_modified, headers, Instant::now());
    }
    Ok(answer)
}

/// Makes a problem of a panic.
async fn survive<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            let cause = format_args!("panic: {}", text.unwrap_or("(no text)"));
            Err(Problem::internal(&cause))
        }
    }
}

/// Finds out who asks, and takes the places the request needs; or refuses it.
async fn admit(policy: &Policy, request: &HttpRequest) -> Result<Option<Held>, Problem> {
    if policy.access == Access::Public {
        return Ok(None);
    }
    let http = Http::of(request)?;
    let limits = &http.limits;
    let waits = policy.long_poll.is_some() && asks_to_wait(request);
    // Before the token is looked at: shedding must cost next to nothing.
    let place = if waits {
        http.waiting.enter(limits.long_polls)
    } else {
        http.load.enter(limits.requests_in_flight)
    };
    let running = place.ok_or_else(|| Problem::new(Code::Overloaded))?;
    let caller = tokio::time::timeout(limits.read, auth::authenticate(http, request))
        .await
        .map_err(|elapsed| {
            tracing::warn!(%elapsed, "authentication took too long");
            Problem::new(Code::Overloaded)
        })??;
    let what = match (waits, policy.stores_nothing) {
        (true, _) => Use::LongPoll,
        (false, true) => Use::Read,
        (false, false) => Use::Write,
    };
    let place = http.quotas.enter(&caller.subject, what, Instant::now())?;
    request.extensions_mut().insert(caller);
    Ok(Some(Held::new(running, place)))
}

/// Lets a request through to its handler, which then has its time, unless its address is at fault.
async fn pass(
    policy: &Policy,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<Result<ServiceResponse<BoxBody>, Error>, Problem> {
    let limits = &Http::of(request.request())?.limits;
    auth::within_scopes(request.request(), policy.actions)?;
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if length > limits.uri_bytes {
        return Err(Problem::new(Code::UriTooLong).detail(format!(
            "Path and query string may have at most {} bytes.",
            limits.uri_bytes
        )));
    }
    if !policy.takes_parameters {
        query::refuse_any(request.query_string())?;
    }
    let by_method = if request.method().is_safe() {
        limits.read
    } else {
        limits.write
    };
    let time_limit = policy
        .long_poll
        .filter(|_| asks_to_wait(request.request()))
        .or(policy.time_limit)
        .unwrap_or(by_method);
    tokio::time::timeout(time_limit, next.call(request))
        .await
        .map_err(|elapsed| {
            tracing::warn!(%elapsed, ?time_limit, "handler took too long");
            if policy.stores_nothing {
                Problem::new(Code::Overloaded).detail("The request took too long and was given up.")
            } else {
                Problem::new(Code::CommitOutcomeUnknown)
                    .detail("The request took too long; it may still be carried out.")
            }
        })
}

/// Whether the answer may be waited for: by the parameter, or by preference, which waits for another version than one that
/// is named.
fn asks_to_wait(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let by_preference = || {
        headers.contains_key(header::IF_NONE_MATCH) && wait::preferred(headers, u16::MAX).is_some()
    };
    let mut parameters = request.query_string().split('&');
    parameters.any(|pair| pair.starts_with("wait=") && pair != "wait=0") || by_preference()
}
