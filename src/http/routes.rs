//! The registry: each endpoint is declared once and yields both its route and its documentation.
//!
//! ```text
//! 404/405 ─► gate: shed ─► authenticate ─► 414 ─► no stray parameters ─► handler (extractors) ─► answer
//! ```

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Handler, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
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
use super::connections::Running;
use super::problem::{Problem, allow};
use super::{Http, auth, origin, query};

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
    time_limit: Option<Duration>,
    long_poll: Option<Duration>,
    pub(super) stores_nothing: bool,
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
            time_limit: None,
            long_poll: None,
            stores_nothing: true,
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
            time_limit: None,
            long_poll: None,
            stores_nothing: false,
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

    /// Says that the operation stores nothing, whatever its method: it is no write to the audit trail.
    #[must_use]
    pub fn stores_nothing(mut self) -> Self {
        self.stores_nothing = true;
        self
    }

    fn policy(&self) -> Policy {
        let writes =
            !(self.stores_nothing || self.method.is_safe() || self.access == Access::Public);
        let operation = self
            .described
            .as_ref()
            .map(|described| (described.operation)());
        let takes_parameters = self.described.as_ref().is_some_and(|described| {
            let parameters = (described.operation)().parameters.unwrap_or_default();
            parameters.iter().any(|parameter| match parameter {
                RefOr::T(parameter) => matches!(parameter.parameter_in, ParameterIn::Query),
                RefOr::Ref(_) => true,
            })
        });
        Policy {
            access: self.access,
            time_limit: self.time_limit,
            long_poll: self.long_poll,
            action: operation
                .filter(|_| writes)
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
    let work = pass(&policy, request, next);
    let work = origin::carried(origin.clone().unwrap_or_default(), work);
    let problem = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answer)) => {
            if let (Some(origin), Ok(answer)) = (&origin, &answer) {
                let error = answer.response().error();
                let problem = error.and_then(|error| error.as_error::<Problem>());
                origin::note(&kept, origin, answer.status(), problem.map(Problem::code));
            }
            return answer;
        }
        Ok(Err(problem)) => problem,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            Problem::internal(&format_args!("panic: {}", text.unwrap_or("(no text)")))
        }
    };
    if let Some(origin) = &origin {
        let code = problem.code();
        origin::note(&kept, origin, code.status(), Some(code));
    }
    Ok(ServiceResponse::new(kept, problem.error_response()))
}

/// Lets a request through to its handler, which then has its time.
async fn pass(
    policy: &Policy,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<Result<ServiceResponse<BoxBody>, Error>, Problem> {
    let (time_limit, _running) = admit(policy, &request).await?;
    let safe = request.method().is_safe();
    tokio::time::timeout(time_limit, next.call(request))
        .await
        .map_err(|elapsed| {
            tracing::warn!(%elapsed, ?time_limit, "handler took too long");
            if safe {
                Problem::new(Code::Overloaded).detail("The request took too long and was given up.")
            } else {
                Problem::new(Code::CommitOutcomeUnknown)
                    .detail("The request took too long; it may still be carried out.")
            }
        })
}

/// All that is refused without a look at the body: how long the handler may take, or the refusal.
async fn admit(
    policy: &Policy,
    request: &ServiceRequest,
) -> Result<(Duration, Option<Running>), Problem> {
    let http = Http::of(request.request())?;
    let limits = &http.limits;
    let long_poll = policy.long_poll.filter(|_| asks_to_wait(request));
    let running = match policy.access {
        Access::Public => None,
        Access::Caller => {
            // Before the token is looked at: shedding must cost next to nothing.
            let place = match long_poll {
                Some(_) => http.waiting.enter(limits.long_polls),
                None => http.load.enter(limits.requests_in_flight),
            };
            let running = place.ok_or_else(|| Problem::new(Code::Overloaded))?;
            let asked = auth::authenticate(request.headers(), &*http.authenticator);
            let caller = tokio::time::timeout(limits.read, asked)
                .await
                .map_err(|elapsed| {
                    tracing::warn!(%elapsed, "authentication took too long");
                    Problem::new(Code::Overloaded)
                })??;
            request.extensions_mut().insert(caller);
            Some(running)
        }
    };
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
    Ok((
        long_poll.or(policy.time_limit).unwrap_or(by_method),
        running,
    ))
}

fn asks_to_wait(request: &ServiceRequest) -> bool {
    let preferred = request.headers().get_all("prefer").any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split([',', ';'])
            .any(|part| part.trim_start().starts_with("wait"))
    });
    preferred
        || request
            .query_string()
            .split('&')
            .any(|pair| pair.starts_with("wait="))
}
