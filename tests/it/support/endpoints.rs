//! Endpoints that need no store: one of every shape.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use engagement_desk::domain::facts::Motion;
use engagement_desk::http::auth::Authenticated;
use engagement_desk::http::body::{JsonBody, MergePatch, RawBody};
use engagement_desk::http::codes::Code;
use engagement_desk::http::connections;
use engagement_desk::http::etag::{self, EntityTag};
use engagement_desk::http::idempotency::MaybeKey;
use engagement_desk::http::path::Path;
use engagement_desk::http::problem::Problem;
use engagement_desk::http::query::Query;
use engagement_desk::http::routes::{Endpoint, Routes};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

pub fn routes() -> Routes {
    engagement_desk::http::routes()
        .add(Endpoint::caller(__path_create, create))
        .add(Endpoint::caller(__path_list, list))
        .add(Endpoint::caller(__path_show, show))
        .add(Endpoint::caller(__path_revise, revise))
        .add(Endpoint::caller(__path_check, check))
        .add(Endpoint::caller(__path_export, export))
        .add(Endpoint::caller(__path_panics, panics))
        .add(Endpoint::caller(__path_wait, wait).long_poll(Duration::from_secs(30)))
        .add(Endpoint::caller(__path_slow, slow).time_limit(Duration::from_millis(50)))
        .add(Endpoint::caller(__path_slow_write, slow_write).time_limit(Duration::from_millis(50)))
        .add(Endpoint::public(__path_stream, stream))
        .add(Endpoint::public(__path_foreign, foreign))
}

#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
pub struct Order {
    #[validate(length(min = 1, max = 20))]
    title: String,
    motion: Option<Motion>,
    hours: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    #[serde(default)]
    motion: Vec<Motion>,
    #[validate(range(min = 1, max = 200))]
    limit: Option<u16>,
}

#[utoipa::path(post, path = "/t/orders", tag = "tests", request_body = Order,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "Made.")))]
async fn create(
    caller: Authenticated,
    MaybeKey(key): MaybeKey,
    body: JsonBody<Order>,
) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header(("X-Subject", caller.0.subject));
    response.insert_header(("X-Bytes", body.bytes.len()));
    if let Some(key) = key {
        response.insert_header(("X-Key", key.as_str().to_owned()));
    }
    response.json(body.value)
}

#[utoipa::path(get, path = "/t/orders", tag = "tests", params(Filter),
    responses((status = 200, description = "Some.")))]
async fn list(Query(filter): Query<Filter>) -> web::Json<Filter> {
    web::Json(filter)
}

#[utoipa::path(get, path = "/t/orders/{id}", tag = "tests", params(("id" = Uuid, Path)),
    responses((status = 200, description = "One.")))]
async fn show(Path(id): Path<Uuid>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let current = EntityTag::of_version(7, "full");
    if etag::not_modified(request.headers(), &current)? {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, current.to_string()))
            .finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, current.to_string()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .json(id))
}

#[utoipa::path(patch, path = "/t/orders/{id}", tag = "tests", request_body = Order,
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.")))]
async fn revise(
    Path(id): Path<Uuid>,
    body: JsonBody<Order, MergePatch>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let current = EntityTag::of_version(7, "full");
    if !etag::require_if_match(request.headers())?.hold(&current) {
        return Err(Problem::new(Code::PreconditionFailed).current(&id, &current.to_string()));
    }
    Ok(HttpResponse::Ok().json(body.value))
}

#[utoipa::path(post, path = "/t/checks", tag = "tests", request_body = Order,
    responses((status = 200, description = "Checked.")))]
async fn check(body: RawBody) -> Result<web::Json<Order>, Problem> {
    let order = body.parse::<Order>()?.check(|order, faults| {
        if order.title == "odd" {
            faults.at("/title", "UNKNOWN_TITLE", "is not in the catalogue");
        }
    });
    Ok(web::Json(order.into_result()?))
}

#[utoipa::path(get, path = "/t/orders/export", tag = "tests", responses((status = 200, description = "All.")))]
async fn export() -> &'static str {
    "export"
}

#[utoipa::path(get, path = "/t/panics", tag = "tests", responses((status = 200, description = "Never.")))]
#[expect(clippy::unreachable, reason = "the panic is what is tested")]
async fn panics() -> HttpResponse {
    unreachable!("a secret of the inside")
}

/// Where requests wait until they are let through.
#[derive(Clone)]
pub struct Turnstile {
    entered: mpsc::Sender<()>,
    seen: Arc<Mutex<mpsc::Receiver<()>>>,
    open: Arc<Semaphore>,
}

impl Default for Turnstile {
    fn default() -> Self {
        let (entered, seen) = mpsc::channel();
        Self {
            entered,
            seen: Arc::new(Mutex::new(seen)),
            open: Arc::new(Semaphore::new(0)),
        }
    }
}

impl Turnstile {
    pub fn wait_for_one(&self) {
        self.seen
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(20))
            .unwrap();
    }

    pub fn open(&self) {
        self.open.add_permits(1_000);
    }
}

#[utoipa::path(get, path = "/t/wait", tag = "tests", responses((status = 200, description = "Let through.")))]
async fn wait(turnstile: web::Data<Turnstile>) -> &'static str {
    turnstile.entered.send(()).unwrap();
    let _permit = turnstile.open.acquire().await.unwrap();
    "through"
}

#[utoipa::path(get, path = "/t/slow", tag = "tests", responses((status = 200, description = "Never.")))]
async fn slow() -> HttpResponse {
    std::future::pending().await
}

#[utoipa::path(post, path = "/t/slow", tag = "tests", responses((status = 200, description = "Never.")))]
async fn slow_write() -> HttpResponse {
    std::future::pending().await
}

/// Says something, nothing for a while, and something again.
#[utoipa::path(get, path = "/t/stream", tag = "tests", responses((status = 200, description = "A stream.")))]
async fn stream(request: HttpRequest) -> HttpResponse {
    let busy = connections::hold(&request);
    let parts = futures_util::stream::unfold((0, busy), |(part, busy)| async move {
        match part {
            0 => Some((
                Ok::<_, Problem>(web::Bytes::from_static(b"first")),
                (1, busy),
            )),
            1 => {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Some((Ok(web::Bytes::from_static(b"second")), (2, busy)))
            }
            _ => None,
        }
    });
    HttpResponse::Ok().streaming(parts)
}

/// An error of the framework, not of ours.
#[utoipa::path(get, path = "/t/foreign", tag = "tests", responses((status = 200, description = "Never.")))]
async fn foreign() -> Result<HttpResponse, actix_web::Error> {
    Err(actix_web::error::ErrorInternalServerError(
        "a secret of the inside",
    ))
}
